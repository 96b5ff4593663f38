/** What a person has made: the part of the state that can be undone and that an address holds. */
import type { Along, Found, Method, Place } from "./wire.ts";
import type { Filter } from "./colours.ts";
import type { Camera } from "./scales.ts";

export const VIEWS = [
  "start",
  "item",
  "path",
  "directions",
  "dimensions",
  "sample",
  "style",
  "complete",
  "compose",
  "list",
  "report",
  "tour",
] as const;
export type View = (typeof VIEWS)[number];
/** Views that have key frames and what leads through them. */
export const walks = (view: View): boolean => view === "path" || view === "compose";

/**
 * Something one can look at: a real item, or a place in the latent space with a word on where it comes from.
 */
export type Subject = { kind: "item"; id: number } | { kind: "place"; z: readonly number[]; said: string };

export const LISTED = ["shown", "a", "b", "where", "lonely"] as const;
export type Listed = (typeof LISTED)[number];

export interface Doc {
  view: View;
  method: Method;
  /** The column that colours the map; "" for none. */
  colour: string;
  /** What of that column is hidden. */
  off: readonly string[];
  range: readonly [number, number] | null;
  /** What is hidden of columns that coloured the map before, by their names. */
  others: Readonly<Record<string, Filter>>;
  points: boolean;
  microscope: boolean;
  subject: Subject | null;
  /** What the subject is held beside. */
  other: Subject | null;
  keys: readonly Subject[];
  along: Along;
  loop: boolean;
  found: Found;
  change: Readonly<Record<string, number>>;
  locked: readonly string[];
  /** Whether what the model cannot restore of an item is put back after a change. */
  detail: boolean;
  /** Whether attributes are moved along what all attributes of an item tell. */
  bend: boolean;
  a: readonly number[];
  b: readonly number[];
  formula: string;
  /** Which items are listed: what the map shows, a group, those that a condition holds for, the loneliest. */
  list: Listed;
  /** The condition. */
  where: string;
  /** The attribute that the list is sorted by, with a minus before it where it falls; "" for none. */
  sort: string;
  content: Subject | null;
  style: Subject | null;
  blend: number;
  /** The category that names what an item is. */
  by: string;
  /** The part of an item that is known, and whether all but it is. */
  part: string;
  rest: boolean;
  /** Of a piece: its form, what it is over, and how many items each letter of its form has; 0: as suits. */
  form: string;
  over: string;
  each: number;
  source: string;
  seed: number;
  step: number;
}

export const EMPTY: Doc = {
  view: "start",
  method: "umap",
  colour: "",
  off: [],
  range: null,
  others: {},
  points: true,
  microscope: true,
  subject: null,
  other: null,
  keys: [],
  along: "linear",
  loop: false,
  found: "attributes",
  change: {},
  locked: [],
  detail: false,
  bend: false,
  a: [],
  b: [],
  formula: "",
  list: "shown",
  where: "",
  sort: "",
  content: null,
  style: null,
  blend: 1,
  by: "",
  part: "",
  rest: false,
  form: "",
  over: "",
  each: 0,
  source: "",
  seed: 0,
  step: 0,
};

export const place = (subject: Subject): Place =>
  subject.kind === "item" ? `@${subject.id}` : [...subject.z];
export const keyOf = (subject: Subject): string =>
  subject.kind === "item" ? `@${subject.id}` : subject.z.join(",");
export const nameOf = (subject: Subject): string =>
  subject.kind === "item" ? `@${subject.id}` : subject.said;

/**
 * Another column colours the map: what is hidden of the former one stays hidden, and what was of the next is
 * its own again.
 */
export function recolour({ colour, off, range, others }: Doc, next: string): Partial<Doc> {
  const { [next]: own, ...rest } = off.length || range ? { ...others, [colour]: { off, range } } : others;
  return { colour: next, off: own?.off ?? [], range: own?.range ?? null, others: rest };
}
/** All that is hidden, by column. */
export const hidden = ({ colour, off, range, others }: Doc): [string, Filter][] => [
  ...(off.length || range ? [[colour, { off, range }] as [string, Filter]] : []),
  ...Object.entries(others),
];

/** Six significant digits of each number: enough to decode the same picture. */
function write(subject: Subject): string {
  if (subject.kind === "item") return `@${subject.id}`;
  return `${subject.said.replace(/[|;]/g, " ")}|${subject.z.map((v) => Number(v.toPrecision(6))).join(",")}`;
}

function read(text: string): Subject | null {
  if (/^@\d+$/.test(text)) return { kind: "item", id: Number(text.slice(1)) };
  const cut = text.lastIndexOf("|");
  const z = text
    .slice(cut + 1)
    .split(",")
    .map(Number);
  return cut >= 0 && z.every(Number.isFinite) ? { kind: "place", z, said: text.slice(0, cut) } : null;
}

const SUBJECTS = ["subject", "other", "content", "style"] as const;
const TEXTS = [
  "view",
  "method",
  "colour",
  "along",
  "found",
  "formula",
  "list",
  "where",
  "sort",
  "source",
  "by",
  "part",
  "form",
  "over",
] as const;
const NUMBERS = ["blend", "each", "seed", "step"] as const;
const SWITCHES = ["points", "microscope", "loop", "detail", "bend", "rest"] as const;
const NAMES = ["off", "locked"] as const;
const ROWS = ["a", "b"] as const;
const MOST_ROWS = 400; // a longer selection makes no address

/** The part of an address after `#`; what is as at the start is left out. */
export function toHash(doc: Doc, camera: Camera | null, start: Doc = EMPTY): string {
  const to = new URLSearchParams();
  for (const key of TEXTS) if (doc[key] !== start[key]) to.set(key, doc[key]);
  for (const key of NUMBERS) if (doc[key] !== start[key]) to.set(key, String(doc[key]));
  for (const key of SWITCHES) if (doc[key] !== start[key]) to.set(key, doc[key] ? "1" : "0");
  for (const key of SUBJECTS) if (doc[key]) to.set(key, write(doc[key]));
  for (const key of NAMES) if (doc[key].length) to.set(key, JSON.stringify(doc[key]));
  for (const key of ROWS)
    if (doc[key].length && doc[key].length <= MOST_ROWS) to.set(key, doc[key].join(","));
  if (doc.range) to.set("range", doc.range.join(","));
  if (Object.keys(doc.others).length) to.set("others", JSON.stringify(doc.others));
  if (doc.keys.length) to.set("keys", doc.keys.map(write).join(";"));
  if (Object.keys(doc.change).length) to.set("change", JSON.stringify(doc.change));
  if (camera) to.set("at", [camera.x, camera.y, camera.k].map((v) => Number(v.toPrecision(6))).join(","));
  return to.toString();
}

/** Reads an address; what is not understood is left as at the start. */
export function fromHash(hash: string, start: Doc = EMPTY): { doc: Doc; camera: Camera | null } {
  const from = new URLSearchParams(hash.replace(/^#/, ""));
  const doc: Doc = { ...start };
  const set = <K extends keyof Doc>(key: K, value: Doc[K] | null | undefined) => {
    if (value !== null && value !== undefined) doc[key] = value;
  };
  for (const key of TEXTS) set(key, from.get(key) as never);
  if (!VIEWS.includes(doc.view)) doc.view = start.view;
  if (!LISTED.includes(doc.list)) doc.list = start.list;
  for (const key of NUMBERS)
    if (from.has(key) && Number.isFinite(Number(from.get(key)))) doc[key] = Number(from.get(key));
  for (const key of SWITCHES) if (from.has(key)) doc[key] = from.get(key) === "1";
  for (const key of SUBJECTS) set(key, read(from.get(key) ?? ""));
  for (const key of NAMES) set(key, parsed(from.get(key), isNames));
  for (const key of ROWS) if (from.has(key)) doc[key] = numbers(from.get(key)).filter(Number.isInteger);
  const range = numbers(from.get("range"));
  if (range.length === 2) doc.range = [range[0] as number, range[1] as number];
  if (from.has("keys"))
    doc.keys = (from.get("keys") ?? "")
      .split(";")
      .map(read)
      .filter((found) => found !== null);
  set("others", parsed(from.get("others"), isHidden));
  set("change", parsed(from.get("change"), isChange));
  const [x, y, k] = numbers(from.get("at"));
  return { doc, camera: x !== undefined && y !== undefined && k !== undefined && k > 0 ? { x, y, k } : null };
}

const numbers = (text: string | null): number[] =>
  text ? text.split(",").map(Number).filter(Number.isFinite) : [];
const isNames = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((x) => typeof x === "string");
const isRange = (value: unknown): boolean =>
  value === null || (Array.isArray(value) && value.length === 2 && value.every(Number.isFinite));
const isHidden = (value: unknown): value is Record<string, Filter> =>
  typeof value === "object" &&
  value !== null &&
  !Array.isArray(value) &&
  Object.values(value).every((v: Partial<Filter> | null) => v && isNames(v.off) && isRange(v.range));
const isChange = (value: unknown): value is Record<string, number> =>
  typeof value === "object" &&
  value !== null &&
  !Array.isArray(value) &&
  Object.values(value).every((v) => typeof v === "number" && Number.isFinite(v));

function parsed<T>(text: string | null, is: (value: unknown) => value is T): T | null {
  try {
    const value: unknown = text === null ? null : JSON.parse(text);
    return is(value) ? value : null;
  } catch {
    return null;
  }
}
