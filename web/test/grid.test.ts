import { expect, it } from "vitest";
import { contains, Grid, shuffled } from "../src/grid.ts";
import { choose, thumbSide } from "../src/marks/thumbnails.ts";
import { Slots } from "../src/marks/tiles.ts";
import { inView } from "../src/scales.ts";

/** Places from a fixed generator, in two heaps. */
function places(n: number): Float32Array {
  let state = 7;
  const random = () => ((state = (state * 1103515245 + 12345) % 2147483648) / 2147483648 - 0.5) * 4;
  return Float32Array.from({ length: 2 * n }, (_, i) => random() + (Math.floor(i / 2) % 2 ? 10 : 0));
}

it("finds what looking at every point finds", () => {
  const xy = places(2000);
  const grid = new Grid(xy);
  for (const [x, y] of [
    [0, 0],
    [10, 10],
    [1.9, -1.2],
    [5, 5],
    [12, 8],
  ] as const) {
    for (const radius of [0.05, 0.5, 30]) {
      let best = -1;
      let least = radius ** 2;
      for (let row = 0; row < 2000; row++) {
        const far = ((xy[2 * row] as number) - x) ** 2 + ((xy[2 * row + 1] as number) - y) ** 2;
        if (far <= least) [best, least] = [row, far];
      }
      expect(grid.nearest(x, y, radius)).toBe(best);
    }
  }
});

it("passes over rows that are not shown", () => {
  const grid = new Grid(Float32Array.of(0, 0, 1, 0, 5, 5));
  expect(grid.nearest(0.1, 0, 3)).toBe(0);
  expect(grid.nearest(0.1, 0, 3, Uint8Array.of(0, 1, 1))).toBe(1);
});

it("holds no points, one point and equal points", () => {
  expect(new Grid(new Float32Array()).nearest(0, 0, 9)).toBe(-1);
  expect(new Grid(Float32Array.of(3, 4)).nearest(3, 4, 0)).toBe(0);
  expect(
    new Grid(Float32Array.of(3, 4, 3, 4)).lasso([
      [2, 3],
      [4, 3],
      [4, 5],
      [2, 5],
    ]),
  ).toEqual([0, 1]);
});

it("gives the rows inside a line that is not convex", () => {
  const grid = new Grid(Float32Array.of(1, 1, 3, 3, 5, 1, 3, 0.5));
  const notched = [
    [0, 0],
    [6, 0],
    [6, 4],
    [3, 1],
    [0, 4],
  ] as const;
  expect(grid.lasso(notched)).toEqual([0, 2, 3]);
  expect(grid.lasso(notched, Uint8Array.of(1, 1, 0, 1))).toEqual([0, 3]);
  expect(
    grid.lasso([
      [0, 0],
      [1, 1],
    ]),
  ).toEqual([]);
  expect(contains(notched, 3, 3)).toBe(false);
});

it("shuffles so that all rows are there once and the first are a fair sample", () => {
  const order = shuffled(10_000);
  expect(new Set(order).size).toBe(10_000);
  const mean = order.slice(0, 1000).reduce((a, b) => a + b, 0) / 1000;
  expect(Math.abs(mean - 4999.5)).toBeLessThan(4 * (2887 / Math.sqrt(1000)));
  expect(shuffled(10_000)).toEqual(order);
});

it("chooses thumbnails by rank and never one upon another", () => {
  const xy = places(1000);
  const grid = new Grid(xy);
  const rank = new Uint32Array(1000);
  shuffled(1000).forEach((row, i) => (rank[row] = i));
  const camera = { x: 5, y: 5, k: 30 };
  const size = { width: 900, height: 700 };
  const { rows, seen } = choose(grid, rank, new Uint8Array(1000).fill(1), inView(camera, size), 1);
  expect(seen).toBe(1000);
  expect(rows.length).toBeGreaterThan(10);
  for (const a of rows) {
    for (const b of rows) {
      if (a === b) continue;
      const apart = Math.max(
        Math.abs((xy[2 * a] as number) - (xy[2 * b] as number)),
        Math.abs((xy[2 * a + 1] as number) - (xy[2 * b + 1] as number)),
      );
      expect(apart).toBeGreaterThanOrEqual(1);
    }
  }
  expect(thumbSide(size, 10)).toBe(60);
  expect(thumbSide(size, 1e6)).toBe(24);
});

it("gives the longest unused slot away", () => {
  const lost: string[] = [];
  const slots = new Slots(2, (key) => lost.push(key));
  slots.give("a");
  slots.give("b");
  slots.find("a");
  expect(slots.give("c")).toBe(1);
  expect(lost).toEqual(["b"]);
  expect(slots.find("a")).toBe(0);
  expect(slots.find("b")).toBeUndefined();
});
