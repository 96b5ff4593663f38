import { describe, expect, it } from "vitest";
import {
  cellsIn,
  fit,
  inView,
  levelFor,
  supportWords,
  toMap,
  toScreen,
  valued,
  zoomAt,
} from "../src/scales.ts";

const size = { width: 800, height: 600 };
const camera = { x: 2, y: -1, k: 50 };

describe("camera", () => {
  it("puts its own point in the middle and the map's y upwards", () => {
    expect(toScreen(camera, size, 2, -1)).toEqual([400, 300]);
    expect(toScreen(camera, size, 3, 0)).toEqual([450, 250]);
  });
  it("goes there and back", () => {
    const [x, y] = toMap(camera, size, 123, 456);
    const [px, py] = toScreen(camera, size, x, y);
    expect(px).toBeCloseTo(123, 9);
    expect(py).toBeCloseTo(456, 9);
  });
  it("keeps the point under the pointer while zooming, and stops at its limits", () => {
    const before = toMap(camera, size, 100, 50);
    const zoomed = zoomAt(camera, size, 100, 50, 3, [1, 1000]);
    const after = toMap(zoomed, size, 100, 50);
    expect(zoomed.k).toBe(150);
    expect(after[0]).toBeCloseTo(before[0], 9);
    expect(after[1]).toBeCloseTo(before[1], 9);
    expect(zoomAt(camera, size, 0, 0, 1e9, [1, 1000]).k).toBe(1000);
  });
  it("fits a box with its margin", () => {
    const box = { left: -1, right: 3, bottom: 0, top: 1 };
    const fitted = fit(box, size, 100, 0, 40);
    expect(fitted.k).toBe((800 - 80) / 4);
    expect(toScreen(fitted, size, -1, 0.5)).toEqual([40, 250]);
    expect(toScreen(fit(box, size, 100, 60, 40), size, -1, 0.5)).toEqual([40, 280]); // midway between the two
    expect(inView(fitted, size).left).toBeLessThan(-1);
  });
});

describe("the lattice", () => {
  it("has cells at least as wide as wanted and less than twice that", () => {
    for (const k of [3, 10, 33, 100, 1234]) {
      const width = (20 * k) / 2 ** levelFor(k, 20, 58);
      expect(width).toBeGreaterThanOrEqual(k * 20 < 58 ? 0 : 58);
      expect(width).toBeLessThan(116);
    }
  });
  it("gives the cells that a box touches, the middle first", () => {
    const cells = cellsIn({ left: 0.1, right: 2.9, bottom: 0.1, top: 2.9 }, 2, 4, 100);
    expect(cells).toHaveLength(9);
    expect(cells[0]).toEqual({ level: 2, i: 1, j: 1 });
    expect(cellsIn({ left: 0.1, right: 2.9, bottom: 0.1, top: 2.9 }, 2, 4, 4)).toHaveLength(4);
  });
});

it("calls support below one in a hundred beyond the data, and what is not known neither good nor bad", () => {
  expect(supportWords(0.009).level).toBe("beyond");
  expect(supportWords(0.049).level).toBe("edge");
  expect(supportWords(0.049).words).not.toBe(supportWords(0.051).words);
  expect(supportWords(0.001, true).level).toBe("edge"); // a real item is never beyond the data
  expect(supportWords(0.05).level).toBe("edge");
  expect(supportWords(0.2).level).toBe("inside");
  expect(supportWords(NaN).level).toBe("unknown");
});

describe("values of attributes", () => {
  it("are whole where they are whole", () => {
    expect([40, -3, 1234, 0.5, -0.001, NaN].map(valued)).toEqual([
      "40",
      "-3",
      "1,234",
      "0.50",
      "0.00",
      "unknown",
    ]);
  });
});
