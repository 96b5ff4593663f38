/**
 * The latent microscope: a lattice of decoded places behind the points. A cell shows what the item nearest to
 * its middle stands for, decoded, or where it holds none its middle. Cells halve whenever they have grown to
 * twice their size, so a level is decoded once and kept; while the cells of a level are on their way, those
 * of the levels around stand in.
 */
import { dropped } from "../api.ts";
import type { Grid as Points } from "../grid.ts";
import { cellsIn, inView, levelFor, toScreen, type Camera, type Cell, type Size } from "../scales.ts";
import type { At } from "../wire.ts";
import { Slots, type Tile, type Tiles } from "./tiles.ts";

interface Face {
  slot: number;
  /** The item at whose place it was decoded; -1: in the middle of the cell. */
  row: number;
  doubtful: boolean;
  born: number;
}

const CELL = 32; // least pixels of a cell
const MOST = 144; // cells asked for at once
const FADE = 160; // milliseconds

export class Microscope {
  private readonly faces = new Map<string, Face>();
  private readonly closeBy = new Map<string, boolean>();
  private readonly slots: Slots;
  private asked: { cells: Cell[]; gone: AbortController } | null = null;
  private failed = 0;
  private shown: Uint8Array | undefined;

  constructor(
    private readonly tiles: Tiles,
    private readonly points: Points,
    private readonly decode: (xy: Float32Array, signal: AbortSignal) => Promise<At>,
    private readonly rgba: (answer: At, index: number) => Uint8Array | Uint8ClampedArray,
    private readonly changed: () => void,
    private readonly complain: (error: unknown) => void,
  ) {
    this.slots = new Slots(tiles.count, (key) => this.faces.delete(key));
  }

  /**
   * Which items are shown: cells with none of them near go, and those that stand for a hidden one are decoded
   * anew.
   */
  keep(shown: Uint8Array): void {
    if (shown === this.shown) return;
    this.shown = shown;
    this.closeBy.clear();
    for (const [name, { row }] of this.faces) if (row >= 0 && !shown[row]) this.faces.delete(name);
  }

  /** Cells of the level in view that data is near to. */
  private wanted(camera: Camera, size: Size): Cell[] {
    const level = levelFor(camera.k, this.points.side, CELL);
    const cells = cellsIn(inView(camera, size), level, this.points.side, 4 * this.tiles.count);
    return cells.filter((cell) => this.near(cell)).slice(0, Math.floor(this.tiles.count * 0.6));
  }

  private middle(cell: Cell): [number, number] {
    const side = this.points.side / 2 ** cell.level;
    return [(cell.i + 0.5) * side, (cell.j + 0.5) * side];
  }

  /** The shown item of a cell that is nearest to its middle; -1 where there is none. */
  private item(cell: Cell): number {
    const [x, y] = this.middle(cell);
    const half = this.points.side / 2 ** cell.level / 2;
    const row = this.points.nearest(x, y, half * Math.SQRT2, this.shown);
    const [far, up] =
      row < 0
        ? [Infinity, Infinity]
        : [
            Math.abs((this.points.xy[2 * row] as number) - x),
            Math.abs((this.points.xy[2 * row + 1] as number) - y),
          ];
    return far <= half && up <= half ? row : -1;
  }

  /** Whether an item lies within one cell of the first level or so; further out nothing could be said. */
  private near(cell: Cell): boolean {
    let found = this.closeBy.get(key(cell));
    if (found === undefined) {
      const [x, y] = this.middle(cell);
      const reach = Math.max(this.points.side / 50, (0.7 * this.points.side) / 2 ** cell.level);
      found = this.points.nearest(x, y, reach, this.shown) >= 0;
      this.closeBy.set(key(cell), found);
    }
    return found;
  }

  /** Asks for what is missing; drops a request of which less than half is still in view. */
  ask(camera: Camera, size: Size): void {
    if (performance.now() < this.failed) return;
    const wanted = this.wanted(camera, size);
    const missing = wanted.filter((cell) => !this.faces.has(key(cell)));
    if (this.asked) {
      const still = new Set(missing.map(key));
      if (2 * this.asked.cells.filter((cell) => still.has(key(cell))).length >= this.asked.cells.length)
        return;
      this.asked.gone.abort();
      this.asked = null;
    }
    if (missing.length) void this.fetch(missing.slice(0, MOST));
  }

  private async fetch(cells: Cell[]): Promise<void> {
    const gone = new AbortController();
    this.asked = { cells, gone };
    const rows = cells.map((cell) => this.item(cell));
    const places = cells.flatMap((cell, i) =>
      (rows[i] as number) < 0
        ? this.middle(cell)
        : Array.from(this.points.xy.subarray(2 * (rows[i] as number), 2 * (rows[i] as number) + 2)),
    );
    try {
      const answer = await this.decode(Float32Array.from(places), gone.signal);
      const now = performance.now();
      cells.forEach((cell, i) => {
        const slot = this.slots.give(key(cell));
        this.tiles.put(slot, this.rgba(answer, i));
        const support = answer.support.data[i] as number;
        this.faces.set(key(cell), {
          slot,
          row: rows[i] as number,
          doubtful: !answer.inside.data[i] || support < 0.05,
          born: now,
        });
      });
    } catch (error) {
      if (dropped(error)) return;
      this.failed = performance.now() + 3000;
      this.complain(error);
    }
    if (this.asked?.gone === gone) this.asked = null;
    this.changed();
  }

  /** The tiles to draw, coarse ones first, and whether some are still appearing. */
  draw(camera: Camera, size: Size, opacity: number): { tiles: Tile[]; fading: boolean } {
    const now = performance.now();
    const layers: Map<string, Cell>[] = [new Map(), new Map(), new Map()];
    for (const cell of this.wanted(camera, size)) {
      const face = this.faces.get(key(cell));
      if (face) layers[2]?.set(key(cell), cell);
      if (face && now - face.born > FADE) continue;
      const parent = this.known(up(cell)) ?? this.known(up(up(cell)));
      if (parent) layers[parent.level === cell.level - 1 ? 1 : 0]?.set(key(parent), parent);
      else for (const child of down(cell)) if (this.faces.has(key(child))) layers[2]?.set(key(child), child);
    }
    let fading = false;
    const tiles: Tile[] = [];
    for (const cell of layers.flatMap((layer) => [...layer.values()])) {
      const face = this.faces.get(key(cell)) as Face;
      this.slots.find(key(cell));
      const age = Math.min((now - face.born) / FADE, 1);
      if (age < 1) fading = true;
      tiles.push(this.tile(cell, face, camera, size, opacity * age));
    }
    return { tiles, fading };
  }

  private known(cell: Cell): Cell | null {
    return this.faces.has(key(cell)) ? cell : null;
  }

  private tile(cell: Cell, face: Face, camera: Camera, size: Size, opacity: number): Tile {
    const [x, y] = toScreen(camera, size, ...this.middle(cell));
    const room = (this.points.side / 2 ** cell.level) * camera.k - 2;
    const [w, h] = [this.tiles.width, this.tiles.height];
    const scale = room / Math.max(w, h);
    const seen = face.doubtful ? opacity * 0.38 : opacity;
    return {
      slot: face.slot,
      x,
      y,
      width: w * scale,
      height: h * scale,
      opacity: seen,
      hatched: face.doubtful,
      round: Math.min(5, room / 12),
      rim: [0, 0, 0],
      rimWidth: 0,
    };
  }

  /** How many cells of the level in view are decoded, and how many that level has in view. */
  state(camera: Camera, size: Size): { level: number; decoded: number; wanted: number } {
    const wanted = this.wanted(camera, size);
    const decoded = wanted.filter((cell) => this.faces.has(key(cell))).length;
    return { level: levelFor(camera.k, this.points.side, CELL), decoded, wanted: wanted.length };
  }

  close(): void {
    this.asked?.gone.abort();
  }
}

const key = (cell: Cell): string => `${cell.level}/${cell.i}/${cell.j}`;
const up = (cell: Cell): Cell => ({
  level: cell.level - 1,
  i: Math.floor(cell.i / 2),
  j: Math.floor(cell.j / 2),
});
const down = ({ level, i, j }: Cell): Cell[] =>
  [0, 1, 2, 3].map((q) => ({ level: level + 1, i: 2 * i + (q & 1), j: 2 * j + (q >> 1) }));
