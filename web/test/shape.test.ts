/** Shapes in the page: their surface, their pictures, their files. */
import { describe, expect, it } from "vitest";
import { glb } from "../src/modalities/meshes.ts";
import { likeliest } from "../src/modalities/pieces.ts";
import { shape } from "../src/modalities/shape.ts";
import { FRONT, lit, nets, painted } from "../src/modalities/solid.ts";
import type { Held } from "../src/modalities/view.ts";
import cases from "../../tests/pieces.json" with { type: "json" };

const SIDE = 32;
/** A box of cells as bytes by x, y and z. */
function box(from: readonly number[], to: readonly number[]): Uint8Array {
  return Uint8Array.from({ length: SIDE ** 3 }, (_, at) => {
    const place = [Math.floor(at / SIDE ** 2), Math.floor(at / SIDE) % SIDE, at % SIDE];
    return place.every((p, i) => p >= (from[i] as number) && p < (to[i] as number)) ? 255 : 0;
  });
}
const BOX = box([8, 1, 12], [24, 9, 20]);

describe("surfaces", () => {
  for (const fine of [false, true])
    it(`are closed, look outwards and hold what is solid, ${fine ? "fine" : "coarse"}`, () => {
      const { corners, quads } = lit(BOX, SIDE, fine);
      const edges = new Map<string, number>();
      let volume = 0;
      const at = (i: number) =>
        [0, 1, 2].map((k) => corners[3 * i + k] as number) as [number, number, number];
      for (let i = 0; i < quads.length; i += 4) {
        const ring = [...quads.subarray(i, i + 4)];
        ring.forEach((a, k) => {
          const b = ring[(k + 1) % 4] as number;
          edges.set(`${a} ${b}`, (edges.get(`${a} ${b}`) ?? 0) + 1);
        });
        for (const [j, k] of [
          [1, 2],
          [2, 3],
        ] as const) {
          const [a, b, c] = [at(ring[0] as number), at(ring[j] as number), at(ring[k] as number)];
          volume +=
            (a[0] * (b[1] * c[2] - b[2] * c[1]) +
              a[1] * (b[2] * c[0] - b[0] * c[2]) +
              a[2] * (b[0] * c[1] - b[1] * c[0])) /
            6;
        }
      }
      for (const [edge, count] of edges)
        expect(edges.get(edge.split(" ").reverse().join(" ")), edge).toBe(count);
      expect(volume).toBeCloseTo((16 * 8 * 8) / SIDE ** 3, 2);
      for (let k = 0; k < 3; k++) {
        const along = corners.filter((_, i) => i % 3 === k);
        expect(Math.min(...along)).toBeCloseTo(([8, 1, 12][k] as number) / SIDE, 1);
        expect(Math.max(...along)).toBeCloseTo(([24, 9, 20][k] as number) / SIDE, 1);
      }
    });
  it("are none where nothing is solid", () => {
    expect(nets({ data: new Float32Array(34 ** 3).fill(-1), n: 34 }).quads).toHaveLength(0);
  });
});

describe("pictures", () => {
  const warm = (rgba: Uint8ClampedArray, size: number): [number, number][] => {
    const found: [number, number][] = [];
    for (let i = 0; i < size ** 2; i++)
      if ((rgba[4 * i] as number) - (rgba[4 * i + 2] as number) > 25)
        found.push([i % size, Math.floor(i / size)]);
    return found;
  };
  it("show the shape on paper, and all of it turned", () => {
    const seen = lit(BOX, SIDE, false);
    const front = warm(painted(seen, 64, FRONT, [255, 255, 255]), 64);
    expect(front.length).toBeGreaterThan(200);
    const above = warm(painted(seen, 64, { across: 0, up: 85 }, [255, 255, 255]), 64);
    const [xs, ys] = [0, 1].map((k) => above.map((p) => p[k] as number)) as [number[], number[]];
    const [wide, tall] = [xs, ys].map((all) => Math.max(...all) - Math.min(...all)) as [number, number];
    expect(wide / tall).toBeGreaterThan(1.6); // twice as wide as deep
  });
  it("are empty where nothing is solid", () => {
    const rgba = painted(lit(new Uint8Array(SIDE ** 3), SIDE, false), 32, FRONT, [255, 255, 255]);
    expect(new Set(rgba)).toEqual(new Set([255]));
  });
});

describe("pieces", () => {
  for (const [i, { cost, item, made }] of cases.entries())
    it(`that are unsure are gone as the library has it, ${i}`, () => {
      expect([...likeliest(Uint8Array.from(item), 12, cost)]).toEqual(made);
    });
  it("are those of items where the kind says so", () => {
    const { item, made, cost } = cases[0] as (typeof cases)[number];
    const y = Float32Array.from(item, (share) => share / 255);
    const held = (apart: number) =>
      ({ item_shape: [12, 12, 12], modality: { config: { apart } } }) as unknown as Held;
    expect([...shape.items(y, held(cost)).data]).toEqual(made);
    expect([...shape.items(y, held(0)).data]).toEqual(item);
  });
});

describe("items", () => {
  const held = { item_shape: [SIDE, SIDE, SIDE], modality: { config: {} } } as never;
  it("go to tensors and back", () => {
    const items = { data: BOX, shape: [1, SIDE, SIDE, SIDE] };
    expect(shape.items(shape.tensor(items, held), held)).toEqual(items);
  });
  it("are written as binary glTF", () => {
    const bytes = glb(lit(BOX, SIDE, true));
    const head = new DataView(bytes.buffer);
    expect(new TextDecoder().decode(bytes.subarray(0, 4))).toBe("glTF");
    expect(head.getUint32(8, true)).toBe(bytes.length);
    const told = JSON.parse(new TextDecoder().decode(bytes.subarray(20, 20 + head.getUint32(12, true))));
    expect(told.accessors[2].count % 3).toBe(0);
    expect(told.buffers[0].byteLength).toBe(bytes.length - 28 - head.getUint32(12, true));
    expect(told.meshes[0].extras).toEqual({ liminal: "grid" });
  });
});
