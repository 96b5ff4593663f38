/**
 * A kind of data that this page has no view of its own for: its numbers as blocks, the higher the darker; one
 * row of them as bars.
 */
import { symbols } from "../local/chart.ts";
import { pngs, sized, surface } from "./painted.ts";
import { PAPER, sizes, type Ink, type Items, type View } from "./view.ts";

/**
 * One item's numbers in rows and columns, as shares (0 to 1) of the range that all items of its answer have;
 * NaN where there is none.
 */
export function blocks(items: Items, index: number): { across: number; down: number; shares: Float64Array } {
  const { size } = sizes(items);
  const across = items.shape.length > 2 ? (items.shape.at(-1) as number) : size;
  let [low, high] = [Infinity, -Infinity];
  for (const value of items.data) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const range = high > low ? high - low : 1;
  const own = items.data.subarray(index * size, (index + 1) * size);
  return { across, down: size / across, shares: Float64Array.from(own, (value) => (value - low) / range) };
}

const [SIDE, FLOOR] = [64, 0.04]; // pixels where none are said; what the least number still shows

function draw(pen: CanvasRenderingContext2D, items: Items, index: number, ink: Ink): void {
  const { width, height } = pen.canvas;
  const { across, down, shares } = blocks(items, index);
  pen.fillStyle = ink.ground;
  pen.fillRect(0, 0, width, height);
  pen.fillStyle = ink.above;
  const [w, h] = [width / across, height / down];
  shares.forEach((share, i) => {
    if (Number.isNaN(share)) return;
    const shown = FLOOR + (1 - FLOOR) * share;
    const [x, y] = [(i % across) * w, Math.floor(i / across) * h];
    if (down > 1) {
      pen.globalAlpha = shown;
      pen.fillRect(x, y, Math.ceil(w), Math.ceil(h));
    } else pen.fillRect(x + w * 0.1, height * (1 - shown), Math.max(w * 0.8, 1), height * shown);
  });
  pen.globalAlpha = 1;
}

export const any: View = {
  paint(items, index, canvas, _, { side = SIDE, ink = PAPER } = {}) {
    draw(sized(canvas, Math.round(side), Math.round(side)), items, index, ink);
  },
  rgba(items, index, width, height) {
    const { pen } = surface(width, height);
    draw(pen, items, index, PAPER);
    return pen.getImageData(0, 0, width, height).data;
  },
  paper: true,
  caption: () => "",
  items(y, { soft_shape, likelihood }) {
    const n = y.length / soft_shape.reduce((a, b) => a * b, 1);
    if (likelihood.name !== "categorical") return { data: y, shape: [n, ...soft_shape] };
    const data = symbols(y, n, likelihood);
    return { data, shape: [n, data.length / Math.max(n, 1)] };
  },
  tensor: (items) => Float32Array.from(items.data),
  files: (items, about) => pngs(any, items, about),
};
