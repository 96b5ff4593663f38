/**
 * Words told by vectors, and how texts are taken apart into them: modalities/words.py and
 * modalities/tokens.py in the browser.
 */
import type { Likelihood } from "./chart.ts";

const END = 0;
const UNKNOWN = " ▢"; // a word that training sentences do not have
const SIZE = 64; // words that have vectors of their own where none are told

/** Unit vectors of V words, row after row; the end is the first, and has the last axis to itself. */
interface Table {
  data: Float32Array;
  width: number;
  count: number;
}
const tables = new WeakMap<object, Table>();

function tableOf({ config }: Likelihood): Table {
  const known = tables.get(config);
  if (known) return known;
  const [count, packed] = [(config["counts"] as number[]).length, config["vectors"] as string];
  const levels = packed
    ? Int8Array.from(atob(packed), (one) => one.charCodeAt(0))
    : apart(count - 1 <= SIZE ? count - 1 : 0);
  const size = levels.length / (count - 1);
  const data = new Float32Array(count * (size + 1));
  data[END * (size + 1) + size] = 1;
  for (let v = 1; v < count; v++) {
    const row = levels.subarray((v - 1) * size, v * size);
    const length = Math.hypot(...row) || 1;
    row.forEach((level, i) => (data[v * (size + 1) + i] = level / length));
  }
  const made = { data, width: size + 1, count };
  tables.set(config, made);
  return made;
}
const apart = (n: number): Int8Array =>
  Int8Array.from({ length: n * n }, (_, i) => Number(i % (n + 1) === 0));

/** n rows of y as the words (n, t) whose vectors are nearest; after the first end all is end. */
export function words(y: Float32Array, n: number, of: Likelihood): Int32Array {
  const { data, width, count } = tableOf(of);
  const t = y.length / n / width;
  const out = new Int32Array(n * t);
  const place = new Float32Array(width);
  for (let row = 0; row < n; row++)
    for (let at = 0; at < t; at++) {
      for (let i = 0; i < width; i++) place[i] = y[(row * width + i) * t + at] as number;
      let [best, most] = [END, place[width - 1] as number];
      for (let v = 1, from = width; v < count; v++, from += width) {
        let sum = 0;
        for (let i = 0; i < width; i++) sum += (data[from + i] as number) * (place[i] as number);
        if (sum > most) [best, most] = [v, sum];
      }
      if (best === END) break;
      out[row * t + at] = best;
    }
  return out;
}

/** Words (n, t) as a perfect decoder would give them. */
export function vectors(x: ArrayLike<number>, n: number, of: Likelihood): Float32Array {
  const { data, width } = tableOf(of);
  const t = x.length / n;
  const out = new Float32Array(n * width * t);
  for (let row = 0; row < n; row++)
    for (let at = 0; at < t; at++) {
      const from = (x[row * t + at] as number) * width;
      for (let i = 0; i < width; i++) out[(row * width + i) * t + at] = data[from + i] as number;
    }
  return out;
}

// texts

const LETTER = "\\p{L}\\p{M}\\p{N}_";
const PIECE = new RegExp(` ?['’]?[${LETTER}]+(?:['’][${LETTER}]+)*| ?[^\\p{White_Space}${LETTER}]`, "gu");
// what Python takes for white space
const SPACE = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const [SPACES, EDGES] = [new RegExp(`[${SPACE}]+`, "g"), new RegExp(`^[${SPACE}]+|[${SPACE}]+$`, "g")];

export const stripped = (text: string): string => text.replace(EDGES, "");
/** A text as it is kept: composed characters, one space for whatever white space there is. */
export const tidy = (text: string): string => stripped(text.normalize("NFC").replace(SPACES, " "));

/** The words and signs of a text, each with the space before it, and what lies between them. */
export function pieces(text: string): string[] {
  const found: string[] = [];
  let end = 0;
  for (const match of text.matchAll(PIECE)) {
    if (match.index > end) found.push(text.slice(end, match.index));
    found.push(match[0]);
    end = match.index + match[0].length;
  }
  if (end < text.length) found.push(text.slice(end));
  return found;
}

/** Tokens as `Text.config()` in Python has them: as text with the spaces before, and merges of subwords. */
export interface Tokens {
  tokens: readonly string[];
  merges: readonly (readonly [string, string])[] | null;
}
interface Lookup {
  ids: Map<string, number>;
  ranks: Map<string, number>;
}
const lookups = new WeakMap<object, Lookup>();
function lookup({ tokens, merges }: Tokens): Lookup {
  let known = lookups.get(tokens);
  if (!known) {
    const ranks = new Map((merges ?? []).map(([a, b], rank) => [`${a}\0${b}`, rank]));
    lookups.set(tokens, (known = { ids: new Map(tokens.map((token, i) => [token, i + 1])), ranks }));
  }
  return known;
}

const [encoder, decoder] = [new TextEncoder(), new TextDecoder("utf-8", { ignoreBOM: true })];
export const utf8 = (text: string): Uint8Array<ArrayBuffer> => encoder.encode(text);
/** Bytes as text; what is none becomes a sign for that. */
export const readable = (data: Uint8Array): string => decoder.decode(data);

/** The tokens of a text, from 1 on. */
export function ids(text: string, of: Tokens): number[] {
  const known = lookup(of);
  const found = pieces(` ${text}`);
  const unknown = known.ids.get(UNKNOWN) as number;
  return of.merges
    ? found.flatMap((piece) => subwords(piece, known))
    : found.map((piece) => known.ids.get(piece) ?? unknown);
}

/** Byte pair encoding: the pair of the lowest rank is joined first, of equal ones the first. */
function subwords(piece: string, { ids: known, ranks }: Lookup): number[] {
  const parts = [...piece].flatMap((letter) =>
    known.has(letter)
      ? [letter]
      : Array.from(utf8(letter), (byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`),
  );
  for (;;) {
    let [at, least] = [-1, Infinity];
    for (let i = 0; i + 1 < parts.length; i++) {
      const rank = ranks.get(`${parts[i]}\0${parts[i + 1]}`) ?? Infinity;
      if (rank < least) [at, least] = [i, rank];
    }
    if (at < 0) return parts.map((part) => known.get(part) as number);
    parts.splice(at, 2, `${parts[at]}${parts[at + 1]}`);
  }
}

/** The text of tokens up to the first end; bytes that stand alone together make characters. */
export function said(found: ArrayLike<number>, { tokens }: Tokens): string {
  const data: number[] = [];
  for (let i = 0; i < found.length && found[i] !== END; i++) {
    const token = tokens[(found[i] as number) - 1] as string;
    const byte = /^<0x([0-9A-F]{2})>$/.exec(token);
    if (byte) data.push(parseInt(byte[1] as string, 16));
    else data.push(...utf8(token));
  }
  return stripped(readable(Uint8Array.from(data)));
}
