import { expect, test } from "vitest";
import { add } from "../src/marks/adding.ts";

const heap = (width: number, height: number) => ({
  sums: new Float32Array(4 * width * height),
  width,
  height,
});
const palette = Uint8Array.from([255, 0, 51, 255, 0, 255, 0, 255]);
const view = { left: 0, bottom: 0, across: 1, up: 1 };

/** The coverage of a disc with a soft edge, as the shader has it, at every pixel. */
function covered(x: number, y: number, radius: number, width: number, height: number): number[] {
  return Array.from({ length: width * height }, (_, i) => {
    const far = Math.hypot((i % width) + 0.5 - x, Math.floor(i / width) + 0.5 - y);
    return Math.min(Math.max(radius + 0.5 - far, 0), 1);
  });
}

test.each([
  [4.5, 3.5, 0.8],
  [4.2, 3.9, 2.6],
  [0.1, 0.2, 4.5],
  [8.9, 6.9, 1],
  [-1, 3, 1.2],
  [-20, 3, 1.2],
])("a point at %f, %f with radius %f covers what the shader's would", (x, y, radius) => {
  const made = heap(9, 7);
  add(made, view, Float32Array.from([x, y]), Uint8Array.from([0]), palette, 0, 1, radius);
  const wanted = covered(Math.fround(x), Math.fround(y), radius, 9, 7);
  wanted.forEach((part, i) => {
    expect(made.sums[4 * i + 3]).toBeCloseTo(part, 5);
    expect(made.sums[4 * i]).toBeCloseTo(part, 5);
    expect(made.sums[4 * i + 2]).toBeCloseTo(0.2 * part, 5);
  });
});

test("points pile up, hidden ones and those outside the range do not count", () => {
  const made = heap(9, 7);
  const places = Float32Array.from([4.5, 3.5, 4.5, 3.5, 4.5, 3.5, 4.5, 3.5]);
  add(made, view, places, Uint8Array.from([0, 1, 255, 0]), palette, 0, 3, 0.8);
  const at = 4 * (3 * 9 + 4);
  expect(Array.from(made.sums.subarray(at, at + 4))).toEqual([1, 1, expect.closeTo(0.2), 2]);
});

test("a view moves and stretches the map", () => {
  const made = heap(9, 7);
  add(
    made,
    { left: 10, bottom: -2, across: 2, up: 4 },
    Float32Array.from([12.25, -1.125]),
    Uint8Array.from([1]),
    palette,
    0,
    1,
    0.5,
  );
  const at = 4 * (3 * 9 + 4);
  expect(made.sums[at + 3]).toBe(1);
  expect(made.sums.filter((value) => value > 0).length).toBe(2);
});
