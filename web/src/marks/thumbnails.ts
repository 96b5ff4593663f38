/**
 * Real items as small pictures where there is room for them: by a fixed order of rank, each where no earlier
 * one lies. They are chosen for a part of the map somewhat larger than the view, and anew when the view
 * leaves it.
 */
import type { Rgb } from "../colours.ts";
import type { Grid } from "../grid.ts";
import type { Sheets } from "../sheets.ts";
import { inView, toScreen, type Box, type Camera, type Size } from "../scales.ts";
import { Slots, type Tile, type Tiles } from "./tiles.ts";

const BEYOND = 0.1; // of the view's sides, on every side
const LARGER = (1 + 2 * BEYOND) ** 2;
const MOST_ROWS = 6000 * LARGER; // in view: above, there is no room for pictures
const MOST = 320 * LARGER;

/**
 * The rows that get a picture: of those in a box by rank, each whose square of `side` (map units) is still
 * free.
 */
export function choose(
  grid: Grid,
  rank: Uint32Array,
  shown: Uint8Array,
  box: Box,
  side: number,
): { rows: number[]; seen: number } {
  const inside: number[] = [];
  grid.within(box, (row) => {
    if (shown[row] && inside.length <= MOST_ROWS) inside.push(row);
  });
  if (inside.length > MOST_ROWS) return { rows: [], seen: inside.length };
  inside.sort((a, b) => (rank[a] as number) - (rank[b] as number));
  const taken = new Map<string, [number, number]>();
  const rows: number[] = [];
  for (const row of inside) {
    const [x, y] = [grid.xy[2 * row] as number, grid.xy[2 * row + 1] as number];
    const [i, j] = [Math.floor(x / side), Math.floor(y / side)];
    let free = true;
    for (let a = i - 1; a <= i + 1 && free; a++) {
      for (let b = j - 1; b <= j + 1 && free; b++) {
        const other = taken.get(`${a} ${b}`);
        if (other && Math.abs(other[0] - x) < side && Math.abs(other[1] - y) < side) free = false;
      }
    }
    if (!free) continue;
    taken.set(`${i} ${j}`, [x, y]);
    rows.push(row);
    if (rows.length >= MOST) break;
  }
  return { rows, seen: inside.length };
}

/** Side of a thumbnail in pixels: it grows with the room that each item in view has. */
export function thumbSide(size: Size, seen: number): number {
  const room = Math.sqrt((size.width * size.height) / Math.max(seen, 1));
  return Math.min(Math.max(room * 1.1, 24), 60);
}

export class Thumbnails {
  private readonly slots: Slots;
  private chosen: { box: Box; k: number; rows: number[]; side: number; share: number } | null = null;

  constructor(
    private readonly tiles: Tiles,
    private readonly sheets: Sheets,
    private readonly grid: Grid,
    private readonly rank: Uint32Array,
  ) {
    this.slots = new Slots(tiles.count);
  }

  /** The pictures to draw, and how far they have taken the place of the points (0 to 1). */
  draw(
    camera: Camera,
    size: Size,
    shown: Uint8Array,
    colour: (row: number) => Rgb,
  ): { tiles: Tile[]; share: number } {
    const view = inView(camera, size);
    const known = this.chosen;
    if (
      !known ||
      known.k !== camera.k ||
      view.left < known.box.left ||
      view.right > known.box.right ||
      view.bottom < known.box.bottom ||
      view.top > known.box.top
    ) {
      const [x, y] = [BEYOND * (view.right - view.left), BEYOND * (view.top - view.bottom)];
      const box = { left: view.left - x, right: view.right + x, bottom: view.bottom - y, top: view.top + y };
      const first = choose(this.grid, this.rank, shown, box, 26 / camera.k);
      const side = thumbSide(size, first.seen / LARGER);
      const found = first.rows.length
        ? choose(this.grid, this.rank, shown, box, (side + 3) / camera.k)
        : first;
      this.chosen = {
        box,
        k: camera.k,
        rows: found.rows,
        side,
        share: found.rows.length / Math.max(found.seen, 1),
      };
    }
    const { rows, side, share } = this.chosen as NonNullable<typeof this.chosen>;
    const taken = Math.min(Math.max((share - 0.1) / 0.1, 0), 1);
    if (!taken) return { tiles: [], share: 0 };
    const [w, h] = [this.tiles.width, this.tiles.height];
    // they grow out of the points: half-seen pictures over pictures are hard to read
    const scale = (side * Math.sqrt(taken)) / Math.max(w, h);
    const tiles: Tile[] = [];
    for (const row of rows) {
      const [x, y] = toScreen(
        camera,
        size,
        this.grid.xy[2 * row] as number,
        this.grid.xy[2 * row + 1] as number,
      );
      if (x < -side || x > size.width + side || y < -side || y > size.height + side) continue;
      const name = String(row);
      let slot = this.slots.find(name);
      if (slot === undefined) {
        if (!this.sheets.ready(row)) continue;
        slot = this.slots.give(name);
        this.tiles.put(slot, this.sheets.rgba(row));
      }
      const [r, g, b] = colour(row);
      tiles.push({
        slot,
        x,
        y,
        width: w * scale + 4,
        height: h * scale + 4,
        opacity: 1,
        hatched: false,
        round: 6,
        rim: [r / 255, g / 255, b / 255],
        rimWidth: 2,
      });
    }
    return { tiles, share: taken };
  }

  /** Chooses anew at the next drawing: what is shown has changed. */
  refresh(): void {
    this.chosen = null;
  }
}
