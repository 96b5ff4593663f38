/**
 * Names of groups over the map, each written once into a small picture: a map that moves only shifts them.
 */
import type { Place } from "../names.ts";
import { toScreen, type Camera, type Size } from "../scales.ts";
import { Tiles, type Tile } from "./tiles.ts";

const MOST = 60;
const [WIDEST, TALL] = [240, 20]; // pixels of the page

export class Labels {
  private tiles: Tiles | null = null;
  private places: readonly Place[] = [];

  /** `ratio`: the device's pixels to one of the page's. */
  constructor(
    private readonly gl: WebGL2RenderingContext,
    private readonly ratio: number,
  ) {}

  /** The names, in a font, with their colour and that of their rim. */
  write(places: readonly Place[], family: string, ink: string, ground: string): void {
    const { ratio } = this;
    this.places = places.slice(0, MOST);
    const paper = document.createElement("canvas");
    const pen = paper.getContext("2d", { willReadFrequently: true }) as CanvasRenderingContext2D;
    const font = `600 ${13 * ratio}px ${family}`;
    pen.font = font;
    const longest = Math.max(...this.places.map(({ name }) => pen.measureText(name).width), 1);
    const [width, height] = [
      2 * Math.ceil(Math.min(longest / 2 + 2 * ratio, (WIDEST * ratio) / 2)),
      Math.round(TALL * ratio),
    ];
    this.tiles?.close();
    this.tiles = this.places.length ? new Tiles(this.gl, width, height, this.places.length) : null;
    [paper.width, paper.height] = [width, height];
    Object.assign(pen, {
      font,
      textAlign: "center",
      textBaseline: "middle",
      lineJoin: "round",
      lineWidth: 4 * ratio,
      strokeStyle: ground,
      fillStyle: ink,
    });
    this.places.forEach(({ name }, slot) => {
      pen.clearRect(0, 0, width, height);
      pen.strokeText(name, width / 2, height / 2, width - 4 * ratio);
      pen.fillText(name, width / 2, height / 2, width - 4 * ratio);
      this.tiles?.put(slot, pen.getImageData(0, 0, width, height).data);
    });
  }

  /** Draws those that have room, the first ones first. */
  draw(camera: Camera, size: Size, ratio: number): void {
    if (!this.tiles) return;
    const [width, height] = [this.tiles.width / this.ratio, this.tiles.height / this.ratio];
    const whole = (at: number): number => Math.round(at * ratio) / ratio;
    const free: { name: string; tile: Tile }[] = [];
    this.places.forEach(({ name, x, y }, slot) => {
      const [px, py] = toScreen(camera, size, x, y).map(whole) as [number, number];
      const clash = free.some(
        ({ name: other, tile }) =>
          Math.abs(tile.y - py) < 18 && Math.abs(tile.x - px) < 4 * (name.length + other.length) + 8,
      );
      if (!clash)
        free.push({
          name,
          tile: {
            slot,
            x: px,
            y: py,
            width,
            height,
            opacity: 1,
            hatched: false,
            round: 0,
            rim: [0, 0, 0],
            rimWidth: 0,
          },
        });
    });
    this.tiles.draw(
      free.map(({ tile }) => tile),
      size,
      ratio,
      [0, 0, 0],
      true,
    );
  }
}
