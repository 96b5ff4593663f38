/** Colours of data: categories, numbers, yes and no; the page's own colours are in style/base.css. */

export type Rgb = readonly [number, number, number];

const hex = (text: string): Rgb =>
  [0, 2, 4].map((at) => parseInt(text.slice(at, at + 2), 16)) as unknown as Rgb;

/** Twelve hues that stay apart on paper and on night, then the same again lighter and darker. */
const HUES = "4e79c4 e0812b 3f9e6d c8485a 8b6bbf a57a4b d673ab 6f7d8c a9a13a 3aa3b5 e2b23c 7fae4e"
  .split(" ")
  .map(hex);
export const UNKNOWN: Rgb = [150, 146, 140];
export const PLAIN: Rgb = [112, 124, 150];
/** Codes above this are not drawn (255) or unknown (254). */
export const HIDDEN = 255;
export const MISSING = 254;
export const LAST = 253;

const mix = (a: Rgb, b: Rgb, t: number): Rgb =>
  [0, 1, 2].map((c) => Math.round((a[c] as number) * (1 - t) + (b[c] as number) * t)) as unknown as Rgb;

export function categoryColour(code: number): Rgb {
  const hue = HUES[code % HUES.length] as Rgb;
  const round = Math.floor(code / HUES.length) % 3;
  return round === 0 ? hue : mix(hue, round === 1 ? [255, 255, 255] : [20, 18, 22], 0.42);
}

/**
 * Colours that have names, as such values are drawn: black and white a little short of the paper's and the
 * night's own.
 */
const NAMED: Readonly<Record<string, Rgb>> = Object.fromEntries(
  [
    "auburn b2452b|beige d3bd94|black 615c59|blond dfb34a|blonde dfb34a|blue 4a78cf|brown 7d5a3b|chestnut " +
      "8f4f33|cyan 2fa9bd|gold cf9f2b|golden cf9f2b|gray a3a3a8|green 3f9a58|grey a3a3a8|magenta c03f9c",
    "navy 3f5191|olive 86863a|orange e8822c|pink ea8bb0|purple 8a58b8|red d13c3c|silver b3b7bd|tan " +
      "c29b6c|teal 1f8f8a|turquoise 35b3a6|violet 8f63c9|white d5d0c4|yellow dcbf2e",
  ]
    .join("|")
    .split("|")
    .map((pair) => pair.split(" "))
    .map(([name, colour]) => [name, hex(colour as string)]),
);

/**
 * The colour of each value of a category: the colours that the values name, where at most one of them names
 * none.
 */
export function categoryColours({ kind, values }: Pick<Column, "kind" | "values">): Rgb[] {
  const named = values.map((value) => (kind === "category" ? NAMED[value.trim().toLowerCase()] : undefined));
  const enough = values.length > 1 && named.filter(Boolean).length >= Math.max(2, values.length - 1);
  return values.map((_, code) => (enough && named[code]) || categoryColour(code));
}

const RAMP = "3d3a6b 33659a 2a94a0 54b48a a9c95f f2d64b".split(" ").map(hex);

/** A ramp of rising lightness from violet over green to yellow, t in [0, 1]. */
export function rampColour(t: number): Rgb {
  const at = Math.min(Math.max(t, 0), 1) * (RAMP.length - 1);
  const low = Math.min(Math.floor(at), RAMP.length - 2);
  return mix(RAMP[low] as Rgb, RAMP[low + 1] as Rgb, at - low);
}

export const css = (colour: Rgb): string => `rgb(${colour.join(" ")})`;

export interface Column {
  name: string;
  kind: "category" | "bool" | "number";
  /** The names of the codes; for numbers empty. */
  values: string[];
  /** A code for each row (categories and yes or no), or the numbers themselves. */
  data: Uint16Array | Uint8Array | Float32Array;
  low: number;
  high: number;
}

/** The colour code of each row (0..253, 254 unknown) and the 256 colours of the codes. */
export function paint(column: Column | null, rows: number): { codes: Uint8Array; palette: Uint8Array } {
  const codes = new Uint8Array(rows);
  const palette = new Uint8Array(256 * 4).fill(255);
  const set = (code: number, colour: Rgb) => palette.set(colour, code * 4);
  const colours = column ? categoryColours(column) : [];
  for (let code = 0; code <= LAST; code++) {
    if (!column) set(code, PLAIN);
    else if (column.kind === "number") set(code, rampColour(code / LAST));
    else set(code, colours[code] ?? categoryColour(code));
  }
  set(MISSING, UNKNOWN);
  if (!column) return { codes, palette };
  const { data, kind, low, high, values } = column;
  for (let row = 0; row < rows; row++) codes[row] = code(data[row] as number);
  return { codes, palette };

  function code(value: number): number {
    if (kind === "number")
      return Number.isNaN(value)
        ? MISSING
        : Math.round(Math.min(Math.max((value - low) / (high - low || 1), 0), 1) * LAST);
    if (value >= values.length) return MISSING;
    return Math.min(value, LAST);
  }
}

/** What the legend lets through: named values that are off, or a range of numbers. */
export interface Filter {
  off: readonly string[];
  range: readonly [number, number] | null;
}

/** Whether each row is shown, 1 or 0; unknown values go with the name "unknown". */
export function passes(column: Column | null, filter: Filter, rows: number): Uint8Array {
  const shown = new Uint8Array(rows).fill(1);
  if (!column || (!filter.off.length && !filter.range)) return shown;
  const off = new Set(filter.off);
  const dark = column.values.map((name) => off.has(name));
  const unknown = off.has("unknown");
  for (let row = 0; row < rows; row++) {
    const value = column.data[row] as number;
    if (column.kind === "number") {
      if (
        Number.isNaN(value) ? unknown : filter.range && (value < filter.range[0] || value > filter.range[1])
      )
        shown[row] = 0;
    } else if (value >= dark.length ? unknown : dark[value]) shown[row] = 0;
  }
  return shown;
}
