/**
 * What the formula bar knows of the language by itself: which name is being written, and how to put another
 * in its place.
 */

export interface Word {
  /** What is being written, with the characters [start, end) of the text that a completion replaces. */
  text: string;
  /** Whether that is inside a `mean(`, all of which is replaced. */
  mean: boolean;
  start: number;
  end: number;
}

const NAME = /[\p{L}\p{N}_@.]/u;

/** The name at the caret; in `mean(label=San|` it is San, and a completion replaces all of the call. */
export function wordAt(text: string, caret: number): Word {
  let start = caret;
  while (start > 0 && NAME.test(text[start - 1] as string)) start--;
  let end = caret;
  while (end < text.length && NAME.test(text[end] as string)) end++;
  const open = openMean(text, caret);
  return { text: text.slice(start, caret), mean: open >= 0, start: open >= 0 ? open : start, end };
}

/** Where a `mean(` begins that is still open at the caret; -1 where there is none. */
function openMean(text: string, caret: number): number {
  const before = text.slice(0, caret);
  const at = before.lastIndexOf("mean(");
  return at >= 0 && !before.slice(at).includes(")") && !/[\p{L}\p{N}_]/u.test(before[at - 1] ?? " ")
    ? at
    : -1;
}

/** Puts a completion where the word stands; gives the new text and where the caret goes. */
export function complete(text: string, word: Word, completion: string): { text: string; caret: number } {
  let end = word.end;
  if (completion.endsWith(")") && text[end] === ")") end++;
  const caret = word.start + completion.length;
  return { text: text.slice(0, word.start) + completion + text.slice(end), caret };
}

/**
 * Puts a name in the place of the one at a character, with the value of it that stands there where the new
 * name has one.
 */
export function repair(text: string, at: number, name: string): string {
  const [word = ""] = /^(?:`[^`]*`|[\p{L}\p{N}_@.]+)/u.exec(text.slice(at)) ?? [];
  const after = text.slice(at + word.length);
  const [value = ""] =
    (name.includes("=") && /^\s*==?\s*(?:'[^']*'|"[^"]*"|[\p{L}\p{N}_.]+)/u.exec(after)) || [];
  return text.slice(0, at) + name + after.slice(value.length);
}

/** Adds a term at the end, with a plus where the text does not end in an operator already. */
export function append(text: string, term: string): string {
  const trimmed = text.trimEnd();
  if (!trimmed) return term;
  return /[-+*(,]$/.test(trimmed) ? `${trimmed} ${term}` : `${trimmed} + ${term}`;
}
