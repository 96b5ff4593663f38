/**
 * Rows of tables: a bar for each column where there is little room, its name and value beside it where there
 * is more.
 */
import { likeliest } from "../local/chart.ts";
import { sized, surface } from "./painted.ts";
import { PAPER, sizes, type Held, type How, type Ink, type Items, type View } from "./view.ts";
import { human } from "../names.ts";
import type { Modality } from "../wire.ts";

/**
 * A column as `Table.config()` in Python has it: `knots` of a number and where they lie `at` among about
 * standard normal quantiles, the decimals that it is rounded to, and the least and greatest code of each knot
 * (`limits`), where some values come often; of others how often each of the `rare` values came that share a
 * symbol, and `shares` of the symbols, that for a missing cell the last.
 */
export interface Column {
  name: string;
  kind: "number" | "integer" | "yes" | "category" | "date";
  values?: readonly string[];
  missing: boolean;
  low: number;
  high: number;
  knots: readonly number[];
  at: readonly number[];
  decimals?: number | null;
  limits?: readonly number[];
  rare?: readonly number[];
  shares?: readonly number[];
}
const columnsOf = (about: Pick<Modality, "config">): readonly Column[] => about.config["columns"] as Column[];

const REACH = 2.5; // standard deviations from the middle of a bar to its ends
const DAY = 86_400_000; // milliseconds

/** Piecewise linear from xs (rising) to ys, level beyond their ends: numpy.interp. */
export function interp(x: number, xs: readonly number[], ys: readonly number[]): number {
  const last = xs.length - 1;
  if (!(x > (xs[0] as number))) return ys[0] as number;
  if (x >= (xs[last] as number)) return ys[last] as number;
  let i = 1;
  while ((xs[i] as number) <= x) i++;
  const [a, b] = [xs[i - 1] as number, xs[i] as number];
  return (ys[i - 1] as number) + ((x - a) / (b - a)) * ((ys[i] as number) - (ys[i - 1] as number));
}

export interface Cell {
  name: string;
  text: string;
  /** Where its bar begins and ends on its track, 0 to 1; both NaN where it is missing. */
  from: number;
  to: number;
  symbol: boolean;
}

const wordsOf = ({ kind, values }: Column): readonly string[] =>
  kind === "yes" ? ["no", "yes"] : (values ?? []);
/** How many symbols a column's words have: all rare ones share one. */
const knownOf = (column: Column): number => {
  const rare = column.rare ?? [];
  return wordsOf(column).length - rare.length + Number(rare.length > 0);
};
export const isNumber = ({ kind }: Column): boolean =>
  kind === "number" || kind === "integer" || kind === "date";

function written(value: number, column: Column): string {
  if (Number.isNaN(value)) return "";
  if (!isNumber(column)) return wordsOf(column)[value] ?? "";
  if (column.kind === "integer") return String(Math.round(value));
  if (column.kind === "date")
    return new Date(value * DAY)
      .toISOString()
      .slice(0, Number.isInteger(value) ? 10 : 19)
      .replace("T", " ");
  return String(Number(value.toPrecision(Math.max(4, String(Math.trunc(Math.abs(value))).length))));
}

/**
 * Numbers from their median to the right (above) or to the left; symbols as a block at their place among all.
 */
function span(value: number, column: Column): [from: number, to: number] {
  if (Number.isNaN(value)) return [NaN, NaN];
  const count = wordsOf(column).length;
  if (!isNumber(column)) return [value / count, (value + 1) / count];
  const end = 0.5 + 0.5 * Math.min(Math.max(interp(value, column.knots, column.at) / REACH, -1), 1);
  return [Math.min(0.5, end), Math.max(0.5, end, 0.5 + (end === 0.5 ? 0.02 : 0))];
}

/** The cells of one row. */
export function cells(items: Items, index: number, about: Pick<Modality, "config">): Cell[] {
  const { size } = sizes(items);
  return columnsOf(about).map((column, i) => {
    const value = items.data[index * size + i] as number;
    const [from, to] = span(value, column);
    return { name: column.name, text: written(value, column), from, to, symbol: !isNumber(column) };
  });
}

/** Where a bar points to. */
const tip = ({ from, to, symbol }: Cell): number => (symbol ? (from + to) / 2 : from < 0.5 ? from : to);
const NOTICED = 0.02; // of a bar's track: a tenth of a standard deviation
/** Whether a cell says something else than another one of its column, as far as one would see that. */
export function changed(now: Cell, before: Cell | undefined): boolean {
  if (!before || now.text === before.text) return false;
  return now.symbol || !(Math.abs(tip(now) - tip(before)) <= NOTICED);
}

// pixels: where none are said; a line with words, and from which width there is room for these
const [SIDE, ROW, ROOM] = [64, 18, 132];
const MOST = 60; // columns with words
const BOTH = 250; // pixels of width from which a line has room for two values
// shares of a line's width: of bars, and of values at least and at most
const [BAR, LEAST, MOST_VALUE] = [0.22, 0.2, 0.38];

function bar(
  pen: CanvasRenderingContext2D,
  cell: Cell,
  before: Cell | undefined,
  ink: Ink,
  x: number,
  y: number,
  width: number,
  height: number,
): void {
  const differs = changed(cell, before);
  pen.fillStyle = differs ? ink.mark : ink.line;
  pen.fillRect(x, y, width, height);
  if (!Number.isNaN(cell.from)) {
    pen.fillStyle = cell.symbol ? ink.symbol : cell.from < 0.5 ? ink.below : ink.above;
    pen.fillRect(x + cell.from * width, y, Math.max((cell.to - cell.from) * width, 1), height);
  }
  if (!differs || !before || Number.isNaN(before.from)) return;
  const thick = Math.max(Math.round(width / 60), 1);
  pen.fillStyle = ink.accent; // where it was
  pen.fillRect(Math.min(x + tip(before) * width, x + width - thick), y, thick, height);
}

/** Bars alone, none below two pixels: then stacks of them stand side by side. */
function pattern(
  pen: CanvasRenderingContext2D,
  all: readonly Cell[],
  before: readonly Cell[],
  ink: Ink,
): void {
  const { width, height } = pen.canvas;
  pen.fillStyle = ink.ground;
  pen.fillRect(0, 0, width, height);
  const beside = Math.max(1, Math.ceil((2 * all.length) / height));
  const deep = Math.ceil(all.length / beside);
  const [wide, tall] = [width / beside, height / deep];
  all.forEach((cell, i) => {
    const [top, bottom] = [Math.round((i % deep) * tall), Math.round(((i % deep) + 1) * tall)];
    bar(
      pen,
      cell,
      before[i],
      ink,
      Math.floor(i / deep) * wide,
      top,
      wide,
      Math.max(bottom - top - (tall >= 2 ? 1 : 0), 1),
    );
  });
}

/** The longest that a column's values may read, so that lines stand still while values change. */
function longest(column: Column): string {
  const said = isNumber(column)
    ? [column.low, column.high].map((value) => written(value, column))
    : wordsOf(column);
  return [...said, column.missing ? "missing" : ""].reduce((a, b) => (b.length > a.length ? b : a));
}

/** A line for each column: its name, its bar, its value; where there is room, also what that was before. */
function lines(
  pen: CanvasRenderingContext2D,
  all: readonly Cell[],
  before: readonly Cell[],
  ink: Ink,
  unit: number,
  columns: readonly Column[],
): void {
  const { width, height } = pen.canvas;
  const [tall, pad] = [ROW * unit, 5 * unit];
  pen.font = `600 ${11.5 * unit}px system-ui, sans-serif`;
  const widest = Math.max(...columns.map((column) => pen.measureText(longest(column)).width)) + 2 * pad;
  const both = before.length > 0 && width >= BOTH * unit;
  const value = Math.min(Math.max(widest, LEAST * width), (both ? 0.7 : 1) * MOST_VALUE * width);
  const right = width - (both ? 2 : 1) * value;
  const left = right - (both ? 0.6 : 1) * BAR * width;
  pen.fillStyle = ink.ground;
  pen.fillRect(0, 0, width, height);
  pen.textBaseline = "middle";
  all.forEach((cell, i) => {
    const [y, middle] = [i * tall, (i + 0.5) * tall];
    const differs = changed(cell, before[i]);
    if (differs) {
      pen.fillStyle = ink.mark;
      pen.fillRect(0, y, width, tall - 1);
    }
    bar(pen, cell, before[i], ink, left, y + 5 * unit, right - left, tall - 10 * unit);
    pen.font = `${differs ? "600 " : ""}${11.5 * unit}px system-ui, sans-serif`;
    pen.fillStyle = ink.soft;
    pen.fillText(clipped(pen, human(cell.name), left - 2 * pad), pad, middle);
    const tell = (text: string, x: number, colour: string): void => {
      pen.fillStyle = colour;
      pen.fillText(clipped(pen, text || "missing", value - 2 * pad), x + pad, middle);
    };
    if (both && before[i]?.text !== cell.text) tell(before[i]?.text ?? "", right, ink.soft);
    tell(cell.text, width - value, cell.text ? ink.ink : ink.soft);
  });
}

function clipped(pen: CanvasRenderingContext2D, text: string, room: number): string {
  if (pen.measureText(text).width <= room) return text;
  let end = text.length;
  while (end > 1 && pen.measureText(`${text.slice(0, end)}…`).width > room) end--;
  return `${text.slice(0, end)}…`;
}

function paint(
  items: Items,
  index: number,
  canvas: HTMLCanvasElement,
  about: Modality,
  { side = SIDE, ink = PAPER, than = null }: How = {},
): void {
  const [all, before] = [cells(items, index, about), than ? cells(than, 0, about) : []];
  const unit = ink === PAPER ? 1 : (globalThis.devicePixelRatio ?? 1);
  const width = Math.max(Math.round(side), 1);
  if (side / unit < ROOM || all.length > MOST) pattern(sized(canvas, width, width), all, before, ink);
  else
    lines(
      sized(canvas, width, Math.round(all.length * ROW * unit)),
      all,
      before,
      ink,
      unit,
      columnsOf(about),
    );
}

// between rows and what networks take and give

/**
 * Where each column's numbers begin in x and y, and how many they are; a yes/no that may be missing is a
 * category too.
 */
function places(
  columns: readonly Column[],
): { column: Column; from: number; width: number; symbols: boolean }[] {
  let from = 0;
  return columns.map((column) => {
    const symbols = column.kind === "category" || (column.kind === "yes" && column.missing);
    const width = symbols
      ? Math.max(knownOf(column) + Number(column.missing), 2)
      : isNumber(column) && column.missing
        ? 2
        : 1;
    from += width;
    return { column, from: from - width, width, symbols };
  });
}

/** Rows of y as rows of a table. */
export function rows(y: Float32Array, columns: readonly Column[]): Items {
  const all = places(columns);
  const [width, k] = [all.reduce((sum, place) => sum + place.width, 0), columns.length];
  const data = new Float64Array((y.length / width) * k);
  for (let row = 0; row < y.length / width; row++)
    all.forEach(({ column, from, width: wide, symbols }, i) => {
      const part = y.subarray(row * width + from, row * width + from + wide);
      data[row * k + i] = symbols ? symbol(part, knownOf(column)) : value(part, column);
    });
  return { data, shape: [y.length / width, k] };
}
function symbol(part: Float32Array, count: number): number {
  const best = likeliest(part);
  return best < count ? best : NaN;
}
function value([first = 0, known = 1]: Float32Array, column: Column): number {
  if (column.kind === "yes") return Number(first > 0.5);
  return known > 0.5 ? decoded(first, column) : NaN;
}
/** The code of a number: between two knots that come often, between their shares. */
function coded(found: number, { knots, at, limits = [] }: Column): number {
  const beyond = found < (knots[0] as number) || found > (knots.at(-1) as number);
  if (!limits.length || beyond || knots.includes(found)) return interp(found, knots, at);
  return interp(found, twice(knots), limits);
}
const twice = (all: readonly number[]): number[] => all.flatMap((one) => [one, one]);
/** The number that a code stands for, as far out as any of those in training, in its decimals. */
function decoded(first: number, { knots, at, low, high, decimals = null, limits = [] }: Column): number {
  const ends = limits.length ? twice(knots) : knots;
  const found = Math.min(Math.max(interp(first, limits.length ? limits : at, ends), low), high);
  return decimals === null ? found : Math.round(found * 10 ** decimals) / 10 ** decimals;
}

/** Numbers in their own units, yes/no and each value of a category as a probability. */
function states(y: Float32Array, { modality }: Held): Map<string, Float32Array> {
  const all = places(columnsOf(modality));
  const width = all.reduce((sum, place) => sum + place.width, 0);
  const found = new Map<string, Float32Array>();
  const each = (name: string, from: number, read: (row: Float32Array) => number): void => {
    found.set(
      name,
      Float32Array.from({ length: y.length / width }, (_, row) =>
        read(y.subarray(row * width + from, (row + 1) * width)),
      ),
    );
  };
  for (const { column, from, symbols } of all) {
    const words = wordsOf(column).slice(0, wordsOf(column).length - (column.rare ?? []).length);
    const share = (i: number) => (part: Float32Array) =>
      (part[i] as number) /
      Math.max(
        part.subarray(0, knownOf(column)).reduce((a, b) => a + b, 0),
        1e-9,
      );
    if (isNumber(column)) each(column.name, from, ([first = 0]) => decoded(first, column));
    else if (column.kind === "yes") each(column.name, from, symbols ? share(1) : ([first = 0]) => first);
    else words.forEach((word, i) => each(`${column.name}=${word}`, from, share(i)));
  }
  return found;
}

function tensor(items: Items, { modality }: Held): Float32Array {
  const all = places(columnsOf(modality));
  const [{ n }, width] = [sizes(items), all.reduce((sum, place) => sum + place.width, 0)];
  const out = new Float32Array(n * width);
  for (let row = 0; row < n; row++)
    all.forEach(({ column, from, width: wide, symbols }, i) => {
      const [found, at] = [items.data[row * all.length + i] as number, row * width + from];
      const known = !Number.isNaN(found);
      if (symbols) out[at + (known ? Math.min(found, knownOf(column) - 1) : wide - 1)] = 1;
      else if (column.kind === "yes") out[at] = found;
      else {
        out[at] = known ? coded(found, column) : 0;
        if (column.missing) out[at + 1] = Number(known);
      }
    });
  return out;
}

const quoted = (text: string): string => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
/** Rows as a CSV file with the columns' names; what is missing stays empty. */
export function csv(items: readonly Items[], about: Pick<Modality, "config">): string {
  const columns = columnsOf(about);
  const line = (item: Items) => columns.map((column, i) => cell(item.data[i] as number, column)).join(",");
  return [columns.map(({ name }) => quoted(name)).join(","), ...items.map(line), ""].join("\n");
}
function cell(found: number, column: Column): string {
  if (Number.isNaN(found)) return "";
  return column.kind === "number" ? String(found) : quoted(written(found, column));
}

const TOLD = 4; // cells of a caption
/**
 * How rare a cell is among the rows that the model has learned from, in nats; of a number, to lie so far out
 * on either side.
 */
function surprise(value: number, column: Column): number {
  if (!isNumber(column))
    return -Math.log(
      Math.max(
        column.shares?.[Number.isNaN(value) ? knownOf(column) : Math.min(value, knownOf(column) - 1)] ?? 0,
        1e-6,
      ),
    );
  return Number.isNaN(value) ? 0 : -Math.log(twoSided(Math.abs(interp(value, column.knots, column.at))));
}
/** The chance that a standard normal number lies further out than x, by Abramowitz and Stegun 7.1.26. */
function twoSided(x: number): number {
  const u = x / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * u);
  return (
    t *
    (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))) *
    Math.exp(-u * u)
  );
}
/** The rarest cells, the rarest first. */
function caption(items: Items, index: number, about: Pick<Modality, "config">): string {
  const [columns, all, { size }] = [columnsOf(about), cells(items, index, about), sizes(items)];
  const rare = columns.map((column, i) => surprise(items.data[index * size + i] as number, column));
  const order = rare.map((_, i) => i).sort((a, b) => (rare[b] as number) - (rare[a] as number));
  return order
    .slice(0, TOLD)
    .map((i) => `${all[i]?.name} ${all[i]?.text || "missing"}`)
    .join(", ");
}

export const table: View = {
  paint,
  rgba(items, index, width, height, about) {
    const { pen } = surface(width, height);
    pattern(pen, cells(items, index, about), [], PAPER);
    return pen.getImageData(0, 0, width, height).data;
  },
  caption,
  said(name, value, about) {
    const column = columnsOf(about).find((one) => one.name === name);
    if (column?.kind !== "date" || !Number.isFinite(value)) return undefined;
    return written(column.decimals === 0 ? Math.round(value) : value, column);
  },
  exact: true,
  both: true,
  paper: true,
  items: (y, { modality }) => rows(y, columnsOf(modality)),
  tensor,
  states,
  async files(items, about) {
    const files = new Map([["rows.csv", new TextEncoder().encode(csv(items, about))]]);
    return { files, names: items.map((_, i) => `rows.csv#${i}`) };
  },
};
