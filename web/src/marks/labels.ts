/** Names of groups over the map, each written once into a small picture: a map that moves only shifts them. */
import type { Place } from "../names.ts";
import { toScreen, type Camera, type Size } from "../scales.ts";
import { Tiles, type Tile } from "./tiles.ts";

const MOST = 60;
const [WIDE, TALL] = [200, 22]; // pixels of the page

export class Labels {
  private readonly tiles: Tiles;
  private readonly pen: CanvasRenderingContext2D;
  private places: readonly Place[] = [];

  /** `ratio`: the device's pixels to one of the page's. */
  constructor(
    gl: WebGL2RenderingContext,
    private readonly ratio: number,
  ) {
    this.tiles = new Tiles(gl, Math.round(WIDE * ratio), Math.round(TALL * ratio), MOST);
    const paper = document.createElement("canvas");
    [paper.width, paper.height] = [this.tiles.width, this.tiles.height];
    this.pen = paper.getContext("2d", { willReadFrequently: true }) as CanvasRenderingContext2D;
  }

  /** The names, in a font, with their colour and that of their rim. */
  write(places: readonly Place[], font: string, ink: string, ground: string): void {
    const { pen, tiles, ratio } = this;
    const { width, height } = tiles;
    this.places = places.slice(0, tiles.count);
    this.places.forEach(({ name }, slot) => {
      pen.clearRect(0, 0, width, height);
      Object.assign(pen, { textAlign: "center", textBaseline: "middle", lineJoin: "round", font: `600 ${13 * ratio}px ${font}`, lineWidth: 4 * ratio, strokeStyle: ground, fillStyle: ink });
      pen.strokeText(name, width / 2, height / 2, width - 4 * ratio);
      pen.fillText(name, width / 2, height / 2, width - 4 * ratio);
      tiles.put(slot, pen.getImageData(0, 0, width, height).data);
    });
  }

  /** Draws those that have room, the first ones first. */
  draw(camera: Camera, size: Size, ratio: number): void {
    const whole = (at: number): number => Math.round(at * ratio) / ratio;
    const free: { name: string; tile: Tile }[] = [];
    this.places.forEach(({ name, x, y }, slot) => {
      const [px, py] = toScreen(camera, size, x, y).map(whole) as [number, number];
      const clash = free.some(({ name: other, tile }) => Math.abs(tile.y - py) < 18 && Math.abs(tile.x - px) < 4 * (name.length + other.length) + 8);
      if (!clash) free.push({ name, tile: { slot, x: px, y: py, width: WIDE, height: TALL, opacity: 1, hatched: false, round: 0, rim: [0, 0, 0], rimWidth: 0 } });
    });
    this.tiles.draw(free.map(({ tile }) => tile), size, ratio, [0, 0, 0]);
  }
}
