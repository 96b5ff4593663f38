/**
 * The words of formulas and filters: their tree, their names and how these are quoted;
 * ops/formulas/syntax.py.
 */
import { Refused } from "../api.ts";

export type Node =
  | { kind: "number"; value: number }
  | { kind: "item"; id: number }
  | { kind: "mean"; where: string; test: Test }
  | { kind: "mix"; parts: Node[] }
  | { kind: "random"; seed: number }
  | { kind: "typed"; of: string; text: string; at: number }
  | { kind: "dim"; index: number }
  | { kind: "named"; name: string; value: string | null; at: number }
  | { kind: "minus"; node: Node }
  | { kind: "sum"; terms: Node[] }
  | { kind: "product"; factors: Node[] };

/** What a filter says of one row; null where the row does not know. `of` gives a column's value. */
export type Value = string | number | boolean | null;
export type Test = (of: (column: string) => Value) => boolean | null;

export const WORD = /^[\p{L}_][\p{L}\p{N}_]*$/u;
export const KEYWORDS = new Set(["and", "or", "not", "in", "is", "null", "like", "between", "true", "false"]);

export const quoteName = (name: string): string =>
  WORD.test(name) && !KEYWORDS.has(name.toLowerCase()) ? name : `\`${name.replaceAll("`", "``")}\``;
export const quoteText = (text: string): string => `'${text.replaceAll("'", "''")}'`;
export const bare = (value: string): string =>
  WORD.test(value) && !KEYWORDS.has(value.toLowerCase()) ? value : quoteText(value);

export class Misread extends Refused {
  constructor(message: string, at: number | null = null, near: readonly string[] = []) {
    super(message, 400, at, near);
  }
}
