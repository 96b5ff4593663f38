/** 3-D shapes: bytes (x, y, z), the share of each cell that is solid. */
import { FRONT, lit, painted, type Lit } from "./solid.ts";
import { sized } from "./painted.ts";
import { glb } from "./meshes.ts";
import { likeliest } from "./pieces.ts";
import { one, PAPER, type Held, type How, type Items, type View } from "./view.ts";

const LARGE = 160; // pixels, from which the surface is taken twice as fine, as in modalities/render.py
const SIDE = 64; // where nothing is said

/** Surfaces by the answers that they belong to, so that to turn one is to paint it alone. */
const known = new WeakMap<object, Map<string, Lit>>();
export function surfaceOf(items: Items, index: number, fine: boolean): Lit {
  const of = known.get(items.data) ?? new Map<string, Lit>();
  known.set(items.data, of);
  const key = `${index} ${fine}`;
  let found = of.get(key);
  if (!found) {
    found = lit(one(items, index).data as ArrayLike<number>, items.shape.at(-1) as number, fine);
    of.set(key, found);
  }
  return found;
}

const rgb = (hex: string): [number, number, number] =>
  [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)) as [number, number, number];

function paint(items: Items, index: number, canvas: HTMLCanvasElement, how: How): void {
  const size = Math.round(how.side ?? SIDE);
  const picture = new ImageData(size, size);
  const ground = rgb((how.ink ?? PAPER).ground);
  picture.data.set(painted(surfaceOf(items, index, size >= LARGE), size, how.turn ?? FRONT, ground));
  sized(canvas, size, size).putImageData(picture, 0, 0);
}

export const shape: View = {
  paint: (items, index, canvas, _, how = {}) => paint(items, index, canvas, how),
  rgba(items, index, width, height) {
    const size = Math.min(width, height);
    const found = painted(surfaceOf(items, index, size >= LARGE), size, FRONT, rgb(PAPER.ground));
    if (width === height) return found;
    const out = new Uint8ClampedArray(4 * width * height).fill(255);
    const [x, y] = [Math.floor((width - size) / 2), Math.floor((height - size) / 2)];
    for (let row = 0; row < size; row++)
      out.set(found.subarray(4 * row * size, 4 * (row + 1) * size), 4 * ((y + row) * width + x));
    return out;
  },
  caption: () => "",
  exact: true,
  turn: FRONT,
  items(y, { item_shape, modality }: Pick<Held, "item_shape" | "modality">) {
    const data = Uint8Array.from(y, (value) => Math.round(Math.min(Math.max(value, 0), 1) * 255));
    const [side, apart] = [item_shape[0] as number, Number(modality.config.apart ?? 0)];
    const size = item_shape.reduce((a, b) => a * b, 1);
    for (let at = 0; apart > 0 && at < data.length; at += size)
      data.set(likeliest(data.slice(at, at + size), side, apart), at);
    return { data, shape: [data.length / size, ...item_shape] };
  },
  tensor: (items) => Float32Array.from(items.data, (value) => value / 255),
  async files(items) {
    const names = items.map((_, i) => `sample-${i + 1}.glb`);
    return {
      files: new Map(items.map((item, i) => [names[i] as string, glb(surfaceOf(item, 0, true))])),
      names,
    };
  },
};
