/** Views of kinds of data, as far as they need no canvas, and the chart in which a shared page measures. */
import { describe, expect, it } from "vitest";
import { chart, symbols, target } from "../src/local/chart.ts";
import { any, blocks } from "../src/modalities/any.ts";
import { image } from "../src/modalities/image.ts";
import { viewOf } from "../src/modalities/index.ts";
import { melody, notes, pitchName, settled, span } from "../src/modalities/melody.ts";
import { cells, changed, csv, interp, table, type Column } from "../src/modalities/table.ts";
import { one, type Held } from "../src/modalities/view.ts";
import type { Modality } from "../src/wire.ts";

const about = (config: Record<string, unknown>): Modality => ({
  name: "table",
  noun: "row",
  plural: "rows",
  reads: [],
  writes: [],
  films: [],
  drawn: [],
  parts: {},
  measure: null,
  config,
});
const held = (modality: Modality, shapes: Partial<Held> = {}): Held => ({
  modality,
  shape: [],
  soft_shape: [],
  item_shape: [],
  likelihood: { name: "mixed", config: {} },
  ...shapes,
});

const NUMBER = {
  missing: false,
  low: 0,
  high: 100,
  knots: [0, 50, 100],
  at: [-2, 0, 2],
  values: [],
  shares: [],
};
const COLUMNS: Column[] = [
  { ...NUMBER, name: "age", kind: "integer", decimals: 0 },
  { ...NUMBER, name: "dose", kind: "number", missing: true, decimals: 1 },
  { ...NUMBER, name: "smoker", kind: "yes", shares: [0.9, 0.1] },
  { ...NUMBER, name: "well", kind: "yes", missing: true, shares: [0.5, 0.4, 0.1] },
  {
    ...NUMBER,
    name: "town",
    kind: "category",
    values: ["Rome, the old", "Oslo"],
    missing: true,
    shares: [0.6, 0.39, 0.01],
  },
  {
    ...NUMBER,
    name: "day",
    kind: "date",
    low: 0,
    high: 20_000,
    knots: [0, 20_000],
    at: [-1, 1],
    decimals: 0,
  },
];
const TABLE = about({ columns: COLUMNS });
const ROWS = { data: Float64Array.from([50, 12.5, 1, 0, 1, 18_628, 80, NaN, 0, NaN, NaN, 0]), shape: [2, 6] };

describe("views", () => {
  it("are found by the name of the kind, and one is there for kinds without their own", () => {
    expect([viewOf({ name: "image" }), viewOf({ name: "table" })]).toEqual([image, table]);
    expect(viewOf({ name: "melody" })).toBe(melody);
    expect(viewOf({ name: "nosuch" })).toBe(any);
    expect(viewOf(null)).toBe(any);
  });

  it("of any kind show numbers by value, of whatever type", () => {
    for (const data of [Int16Array.from([-300, 300, 0, 300]), Float64Array.from([-300, 300, 0, 300])]) {
      expect(blocks({ data, shape: [2, 2] }, 1)).toEqual({
        across: 2,
        down: 1,
        shares: Float64Array.from([0.5, 1]),
      });
      expect(blocks({ data, shape: [1, 2, 2] }, 0)).toMatchObject({ across: 2, down: 2 });
    }
    expect(Array.from(blocks({ data: Float32Array.from([NaN, 1, 3]), shape: [1, 3] }, 0).shares)).toEqual([
      NaN,
      0,
      1,
    ]);
    expect(Array.from(blocks({ data: new Uint8Array(3), shape: [1, 3] }, 0).shares)).toEqual([0, 0, 0]);
  });

  it("of any kind take symbols from what a decoder gives, none after the end", () => {
    const likelihood = { name: "categorical", config: { length: 3, classes: 3, end: 2 } };
    const y = Float32Array.from([0.1, 0, 0.9, 0.8, 0.2, 0.1, 0.1, 0.8, 0]); // (1, 3, 3): symbols 1, end, 0
    const found = any.items(y, held(TABLE, { soft_shape: [3, 3], likelihood }));
    expect(Array.from(found.data)).toEqual([1, 2, 2]);
    expect(found.shape).toEqual([1, 3]);
  });

  it("of pictures turn what a decoder gives into bytes, and bytes into what an encoder takes", () => {
    const shapes = { soft_shape: [3, 1, 2] };
    const y = Float32Array.from([1, 0, 0.5, -1, 0.2, 2]);
    const items = image.items(y, held(TABLE, shapes));
    expect([Array.from(items.data), items.shape]).toEqual([
      [255, 128, 51, 0, 0, 255],
      [1, 1, 2, 3],
    ]);
    expect(image.items(image.tensor(items, held(TABLE, shapes)), held(TABLE, shapes))).toEqual(items);
  });
});

describe("melodies", () => {
  it("are the likeliest symbols, in the one form that their music has", () => {
    // (1, 4 symbols, 1 voice, 3 steps): hold is likeliest at first, then silence twice
    const y = Float32Array.from([0.9, 0, 0, 0.05, 0.9, 0.9, 0, 0, 0, 0.02, 0, 0]);
    const found = settled(y, { soft_shape: [4, 1, 3] });
    expect([Array.from(found.data), found.shape]).toEqual([
      [1, 0, 0],
      [1, 1, 3],
    ]);
  });

  it("have notes, a range of an octave at least, and names", () => {
    expect(notes([41, 0, 43, 1, 0, 45])).toEqual([
      [0, 2, 41],
      [2, 3, 43],
      [5, 6, 45],
    ]);
    expect(span([41, 0, 43])).toEqual([36, 49]);
    expect([pitchName(2), pitchName(41), pitchName(89)]).toEqual(["A0", "C4", "C8"]);
    const about = { config: { bars: 1, voices: 1, meter: [4, 4] } } as unknown as Modality;
    expect(melody.caption({ data: Uint8Array.from([41, 0, 45]), shape: [1, 1, 3] }, 0, about)).toBe("C4 E4");
  });
});

describe("rows of tables", () => {
  it("say what stands in each cell", () => {
    expect(cells(ROWS, 0, TABLE).map(({ text }) => text)).toEqual([
      "50",
      "12.5",
      "yes",
      "no",
      "Oslo",
      "2021-01-01",
    ]);
    expect(cells(ROWS, 1, TABLE).map(({ text }) => text)).toEqual(["80", "", "no", "", "", "1970-01-01"]);
  });

  it("draw numbers from their median, and symbols at their place among all", () => {
    const [age, dose, smoker, , town] = cells(ROWS, 0, TABLE);
    expect([age?.from, age?.to]).toEqual([0.5, 0.52]); // the median itself is still seen
    expect(dose?.from).toBeCloseTo(0.5 - 0.5 * (1.5 / 2.5));
    expect(dose?.to).toBe(0.5);
    expect([smoker?.from, smoker?.to, town?.from, town?.to]).toEqual([0.5, 1, 0.5, 1]);
    expect(cells(ROWS, 1, TABLE)[1]?.from).toBeNaN();
  });

  it("mark the cells that say something else", () => {
    const [now, before] = [cells(ROWS, 1, TABLE), cells(ROWS, 0, TABLE)];
    expect(now.map((cell, i) => changed(cell, before[i]))).toEqual([true, true, true, true, true, true]);
    const near = cells({ data: Float64Array.from([50.5, 12.5, 1, 0, 1, 18_628]), shape: [1, 6] }, 0, TABLE);
    expect(near.map((cell, i) => changed(cell, before[i]))).toEqual(Array(6).fill(false));
    expect(before.map((cell, i) => changed(cell, before[i]))).toEqual(Array(6).fill(false));
    expect(changed(now[0]!, undefined)).toBe(false);
  });

  it("tell what a cell was beside what it is, where a line has room for both", () => {
    const said = (side: number) => {
      const texts: string[] = [];
      const pen = {
        canvas: { width: 0, height: 0 },
        fillRect: () => {},
        measureText: (text: string) => ({ width: 6 * text.length }),
        fillText: (text: string) => void texts.push(text),
      };
      const canvas = Object.assign(pen.canvas, { getContext: () => pen });
      table.paint(ROWS, 1, canvas as unknown as HTMLCanvasElement, TABLE, { side, than: ROWS });
      return texts;
    };
    const [age, before, now, dose, was, is] = said(320);
    expect([age, before, now, dose, was, is]).toEqual(["age", "50", "80", "dose", "12.5", "missing"]);
    expect(said(200).slice(0, 4)).toEqual(["age", "80", "dose", "missing"]);
    expect(said(100)).toEqual([]); // bars alone
  });

  it("have days among what is known as dates, and leave other numbers alone", () => {
    expect(table.said?.("day", 18_628.4, TABLE)).toBe("2021-01-01");
    expect(table.said?.("day", NaN, TABLE)).toBeUndefined();
    expect(table.said?.("age", 50, TABLE)).toBeUndefined();
    expect(table.said?.("none", 50, TABLE)).toBeUndefined();
  });

  it("name the rarest cells first", () => {
    expect(table.caption(ROWS, 0, TABLE)).toMatch(/^smoker yes, dose 12.5/);
    expect(table.caption(ROWS, 1, TABLE)).toMatch(/^town missing, well missing/);
  });

  it("come back from what a perfect decoder gives", () => {
    const x = table.tensor(ROWS, held(TABLE));
    expect(x.length).toBe(2 * (1 + 2 + 1 + 3 + 3 + 1));
    expect(table.items(x, held(TABLE))).toEqual(ROWS);
  });

  it("stay within what training rows have, in their decimals", () => {
    const [columns, y] = [COLUMNS.slice(0, 2), Float32Array.from([9, 0.333, 0.7, -9, 0.333, 0.4])];
    expect(Array.from(table.items(y, held(about({ columns }))).data)).toEqual([100, 58.3, 0, NaN]);
  });

  it("are written as CSV, what is missing empty", () => {
    expect(csv([one(ROWS, 0), one(ROWS, 1)], TABLE)).toBe(
      "age,dose,smoker,well,town,day\n50,12.5,yes,no,Oslo,2021-01-01\n80,,no,,,1970-01-01\n",
    );
    expect(csv([{ data: Float64Array.from([0, 0, 0, 0, 0, 0]), shape: [1, 6] }], TABLE)).toContain(
      '"Rome, the old"',
    );
  });

  it("interpolate as numpy does", () => {
    expect([-1, 0, 25, 50, 99, 200].map((x) => interp(x, [0, 50, 100], [-2, 0, 2]))).toEqual([
      -2, -2, -1, 0, 1.96, 2,
    ]);
  });
});

describe("the chart", () => {
  it("is y itself for numbers, and roots of probabilities for symbols", () => {
    const y = Float32Array.from([0.25, 0, 0.75, 1]);
    expect(chart(y, 1, { name: "gaussian", config: {} })).toBe(y);
    expect(Array.from(chart(y, 1, { name: "categorical", config: { classes: 2 } }))).toEqual([
      0.5,
      Math.fround(1e-10),
      Math.fround(Math.sqrt(0.75)),
      1,
    ]);
    expect(
      Array.from(target(Float32Array.from([1, 0]), 1, { name: "categorical", config: { classes: 2 } })),
    ).toEqual([0, 1, 1, 0]);
    expect(
      Array.from(
        symbols(Float32Array.from([0, 1, 1, 0]), 1, {
          name: "categorical",
          config: { classes: 2, end: null },
        }),
      ),
    ).toEqual([1, 0]);
  });
});
