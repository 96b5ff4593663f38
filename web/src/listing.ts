/** Lists of items: their order, what stands in a cell, and conditions as one writes them in the bar. */
import { UNKNOWN, NEITHER, type Attribute } from "./wire.ts";
import type { Column } from "./colours.ts";

type Known = Pick<Column, "kind" | "values" | "data">;

/** What a row has in a column, as text for files; empty where nothing is known. */
export function told({ kind, values, data }: Known, row: number): string {
  const value = data[row] ?? NaN;
  if (kind === "category") return values[value] ?? "";
  if (kind === "bool") return value === 1 ? "yes" : value === 0 ? "no" : "";
  return Number.isNaN(value) ? "" : String(Number(value.toPrecision(7)));
}

const unknown = ({ kind }: Known, value: number): boolean =>
  kind === "number" ? Number.isNaN(value) : value === (kind === "category" ? UNKNOWN : NEITHER);

/** Rows by what they have in a column, texts by the alphabet, as they stood where that is the same; what is
 * unknown comes last either way. */
export function ordered(rows: readonly number[], by: Known, falling: boolean): number[] {
  const rank = by.kind === "category" ? alphabet(by.values) : null;
  const of = (row: number): number => {
    const value = by.data[row] ?? NaN;
    if (unknown(by, value)) return Infinity;
    return (falling ? -1 : 1) * (rank ? (rank[value] ?? NaN) : value);
  };
  const keys = new Map(rows.map((row) => [row, of(row)]));
  const key = (row: number): number => keys.get(row) as number;
  return [...rows].sort((a, b) => (key(a) === key(b) ? 0 : key(a) - key(b)));
}
function alphabet(values: readonly string[]): number[] {
  const rank: number[] = [];
  [...values.keys()]
    .sort((a, b) => (values[a] as string).localeCompare(values[b] as string, "en", { numeric: true }))
    .forEach((code, at) => (rank[code] = at));
  return rank;
}

const QUOTED = /'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`/g;
const CALL = /([\p{L}_][\p{L}\p{N}_]*)\(/gu;
const JOINS = /^(and|or|not|in)$/i;

/**
 * Whether what stands in the bar asks which items something holds for, rather than leading to a place: it
 * compares, and there are no items, calls or sums in it.
 */
export function isCondition(text: string): boolean {
  if (/^\s*where\b/i.test(text)) return true;
  const bare = text.replace(QUOTED, "''");
  if (/@\d/.test(bare) || [...bare.matchAll(CALL)].some(([, name]) => !JOINS.test(name as string)))
    return false;
  if (/[<>]|!=|\b(and|or|not|in|is|like|between)\b/i.test(bare)) return true;
  return bare.includes("=") && !/[+*]|^\s*-|\s-/.test(bare);
}

/** A condition without the word before it. */
export const condition = (text: string): string => text.replace(/^\s*where\b/i, "").trim();

const quoted = (name: string): string => (/^[\p{L}_][\p{L}\p{N}_]*$/u.test(name) ? name : `\`${name}\``);

/** A condition that holds for some items, as an example; null where nothing is known of any. */
export function someCondition(attributes: readonly Attribute[]): string | null {
  const of = (kind: Attribute["kind"]) => attributes.find((one) => one.kind === kind);
  const [yes, number] = [of("bool"), of("number")];
  const category = attributes.find(({ kind, values }) => kind === "category" && (values?.length ?? 0) > 1);
  const value = category?.values?.[0];
  if (category && value) return `${quoted(category.name)} = '${value.replaceAll("'", "''")}'`;
  if (yes) return `${quoted(yes.name)} = true`;
  if (!number) return null;
  const middle = ((number.low ?? 0) + (number.high ?? 0)) / 2;
  return `${quoted(number.name)} > ${Number(middle.toPrecision(2))}`;
}
