/**
 * Sentences as words in lines. Beside another one, the words that only one of them has are marked: new ones
 * lie on a ground of their own, those that have gone are struck through.
 */
import { ids, pieces, readable, said, tidy, utf8, words, type Tokens } from "../local/words.ts";
import { quoteText } from "../local/syntax.ts";
import { sized, surface } from "./painted.ts";
import {
  PAPER,
  sizes,
  type Held,
  type How,
  type Ink,
  type Items,
  type Opened,
  type Run,
  type View,
} from "./view.ts";
import type { Modality } from "../wire.ts";

interface Config extends Tokens {
  length: number;
  width: number;
}
const config = (about: Pick<Modality, "config">): Config => about.config as unknown as Config;

/** The text of a stored item. */
export function textOf(items: Items, index: number): string {
  const { size } = sizes(items);
  const data = items.data.subarray(index * size, (index + 1) * size) as Uint8Array;
  let end = size;
  while (end > 0 && data[end - 1] === 0) end--;
  return readable(data.subarray(0, end));
}

/** Texts as stored items; of what is too long, as many whole characters as there is room for. */
function stored(texts: readonly string[], width: number): Items {
  const data = new Uint8Array(texts.length * width);
  texts.forEach((text, i) => {
    const all = utf8(text);
    let end = Math.min(all.length, width);
    while (end < all.length && ((all[end] as number) & 0xc0) === 0x80) end--;
    data.set(all.subarray(0, end), i * width);
  });
  return { data, shape: [texts.length, width] };
}

// what differs

// scripts that put no spaces between words: their signs stand for themselves
const ALONE = /[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmr}\p{sc=Mymr}]/u;
const single = new Intl.Segmenter(undefined, { granularity: "grapheme" });
const letters = (text: string): string[] => Array.from(single.segment(text), ({ segment }) => segment);
const parts = (text: string): string[] =>
  pieces(text && ` ${text}`).flatMap((piece) => (ALONE.test(piece) ? letters(piece) : [piece]));

/** A text in runs of words that another one has too, by a longest common subsequence, or that one lacks. */
export function differing(now: string, before: string): Run[] {
  const [a, b] = [parts(before), parts(now)];
  const long = Array.from({ length: a.length + 1 }, () => new Int32Array(b.length + 1));
  const at = (i: number, j: number): number => long[i]?.[j] as number;
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      (long[i] as Int32Array)[j] =
        a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
  const runs: Run[] = [];
  const add = (text: string, what: Run["what"]): void => {
    const last = runs.at(-1);
    if (last?.what === what) last.text += text;
    else runs.push({ text, what });
  };
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length)
    if (i < a.length && j < b.length && a[i] === b[j]) {
      add(b[j++] as string, "same");
      i++;
    } else if (i < a.length && (j === b.length || at(i + 1, j) >= at(i, j + 1)))
      add(a[i++] as string, "gone");
    else add(b[j++] as string, "new");
  const [first] = runs;
  if (first) first.text = first.text.trimStart();
  return runs.filter(({ text }) => text);
}

/** A stored item in such runs; all of it in one where there is nothing beside it. */
function told(items: Items, index: number, than: Items | null): Run[] {
  const text = textOf(items, index);
  return than ? differing(text, textOf(than, 0)) : [{ text, what: "same" }];
}

// pixels

type Pen = CanvasRenderingContext2D;
const FONT = "system-ui, sans-serif";
const [SIDE, SMALLEST] = [64, 9]; // pixels of the page: where none are said; of the smallest letters
const [SHAPE, LEADING] = [0.6, 1.36]; // height for the width; of a line, for that of its letters
const BARS = 40; // pixels below which words are bars
const RIGHT = /^[^\p{L}]*[\p{sc=Arab}\p{sc=Hebr}\p{sc=Syrc}\p{sc=Thaa}\p{sc=Nkoo}]/u;

interface Line {
  text: string;
  runs: Run[];
  width: number;
}

/** Runs in lines that fit, broken between words, or where they must be. */
function lines(pen: Pen, runs: readonly Run[], room: number): Line[] {
  const found: Line[] = [{ text: "", runs: [], width: 0 }];
  const put = (text: string, what: Run["what"]): boolean => {
    const line = found.at(-1) as Line;
    const width = pen.measureText(line.text + text).width;
    if (line.text && width > room) return false;
    line.text += text;
    line.width = width;
    const last = line.runs.at(-1);
    if (last?.what === what) last.text += text;
    else line.runs.push({ text, what });
    return width <= room || letters(text).length < 2;
  };
  const next = (): void => void found.push({ text: "", runs: [], width: 0 });
  for (const { text, what } of runs)
    for (const word of text.match(/\s*\S+|\s+/gu) ?? []) {
      if (pen.measureText(word.trim()).width <= room) {
        if (!put(word, what)) {
          next();
          put(word.trimStart(), what);
        }
        continue;
      }
      for (const letter of letters(word)) if (!put(letter, what)) (next(), put(letter.trimStart(), what));
    }
  return found.filter((line) => line.text.trim());
}

interface Block {
  all: Line[];
  step: number;
  points: number;
}
function block(pen: Pen, runs: readonly Run[], room: number, points: number): Block {
  pen.font = `${points}px ${FONT}`;
  return { all: lines(pen, runs, room), step: points * LEADING, points };
}

/** Lines on a canvas, the first one's upper edge so far below its own. */
function write(pen: Pen, { all, step, points }: Block, ink: Ink, pad: number, top: number): void {
  const { width, height } = pen.canvas;
  const right = RIGHT.test(all.map(({ text }) => text).join(""));
  pen.fillStyle = ink.ground;
  pen.fillRect(0, 0, width, height);
  pen.font = `${points}px ${FONT}`;
  Object.assign(pen, { textBaseline: "middle", direction: right ? "rtl" : "ltr", textAlign: "start" });
  all.forEach((line, i) => {
    const y = top + (i + 0.5) * step;
    let [before, done] = ["", 0];
    for (const { text, what } of line.runs) {
      before += text;
      const long = pen.measureText(before).width;
      const blank = text.length > text.trimStart().length ? pen.measureText(" ").width : 0;
      const [from, wide] = [done + blank, long - done - blank];
      const x = right ? width - pad - from - wide : pad + from;
      if (what === "new") {
        pen.fillStyle = ink.mark;
        pen.fillRect(x - points / 8, y - points * 0.62, wide + points / 4, points * 1.24);
      }
      pen.fillStyle = what === "gone" ? ink.soft : ink.ink;
      pen.fillText(text, right ? width - pad - done : pad + done, y);
      if (what === "gone") pen.fillRect(x, y, wide, Math.max(points / 14, 1));
      if (what === "new") {
        pen.fillStyle = ink.accent;
        pen.fillRect(x - points / 8, y + points * 0.62 - points / 10, wide + points / 4, points / 10);
      }
      done = long;
    }
  });
}

/** A card of a fixed shape: the largest letters that have room; of what has no room, its beginning. */
function card(pen: Pen, runs: readonly Run[], ink: Ink, most: number, least: number): void {
  const { width, height } = pen.canvas;
  const pad = Math.max(Math.round(width * 0.05), 1);
  let [points, found] = [most, block(pen, runs, width - 2 * pad, most)];
  while (found.all.length * found.step > height - pad && points > least)
    found = block(pen, runs, width - 2 * pad, (points = Math.max(points * 0.94, least)));
  const room = Math.max(Math.floor((height - pad) / found.step), 1);
  if (found.all.length > room) {
    const last = found.all[room - 1] as Line;
    const end = last.runs.at(-1) as Run;
    end.text = `${end.text.trimEnd()}…`;
    found.all.length = room;
  }
  write(pen, found, ink, pad, Math.max((height - found.all.length * found.step) / 2, Math.min(pad, 2)));
}

/** Words as bars: a picture of how long they are, for where none can be read. */
function bars(pen: Pen, runs: readonly Run[], ink: Ink): void {
  const { width, height } = pen.canvas;
  const pad = Math.max(Math.round(width * 0.08), 1);
  const points = Math.max(height / 5, 3);
  const { all, step } = block(pen, runs, width - 2 * pad, points);
  pen.fillStyle = ink.ground;
  pen.fillRect(0, 0, width, height);
  const rows = all.slice(0, Math.max(Math.floor((height - pad) / step), 1));
  const top = (height - rows.length * step) / 2;
  rows.forEach(({ runs: part }, i) => {
    let x = pad;
    for (const { text, what } of part)
      for (const word of text.match(/\S+/gu) ?? []) {
        const wide = pen.measureText(word).width;
        pen.fillStyle = what === "new" ? ink.accent : what === "gone" ? ink.line : ink.soft;
        pen.fillRect(x, top + (i + 0.3) * step, wide, Math.max(step * 0.4, 1));
        x += wide + points * 0.3;
      }
  });
}

/** Letters of a card such that the longest sentences have room, whatever the one on it is. */
function fitting({ length }: Config, width: number, least: number): number {
  const letters = 6 * length; // of a token, with the space before it
  return Math.min(Math.max(Math.sqrt((SHAPE * width * width) / (0.72 * letters)), least), width / 9);
}

function paint(
  items: Items,
  index: number,
  canvas: HTMLCanvasElement,
  about: Modality,
  { side = SIDE, ink = PAPER, than = null }: How = {},
): void {
  const runs = told(items, index, than);
  const unit = ink === PAPER ? 1 : (globalThis.devicePixelRatio ?? 1);
  const width = Math.max(Math.round(side), 8);
  const pen = sized(canvas, width, Math.round(SHAPE * width));
  if (width / unit < BARS) bars(pen, runs, ink);
  else card(pen, runs, ink, fitting(config(about), width, SMALLEST * unit), SMALLEST * unit);
}

// between sentences and what networks take and give

function tensor(items: Items, { modality, shape: [places = 1] }: Held): Float32Array {
  const { n } = sizes(items);
  const out = new Float32Array(n * places);
  for (let row = 0; row < n; row++)
    out.set(ids(textOf(items, row), config(modality)).slice(0, places - 1), row * places);
  return out;
}

function sentences(y: Float32Array, { modality, soft_shape, item_shape, likelihood }: Held): Items {
  const n = y.length / soft_shape.reduce((a, b) => a * b, 1);
  const [x, of] = [words(y, n, likelihood), config(modality)];
  const t = x.length / Math.max(n, 1);
  const texts = Array.from({ length: n }, (_, row) => said(x.subarray(row * t, (row + 1) * t), of));
  return stored(texts, item_shape[0] as number);
}

const TABLES = /\.(csv|tsv|tab|parquet|pq|jsonl|ndjson)$/i;

async function open(file: Blob, { modality }: Held, name = ""): Promise<Opened> {
  if (TABLES.test(name))
    throw new Error("This page reads sentences from .txt; open tables of them with liminal studio.");
  const all = (await file.text()).replace(/^\ufeff/, "").split(/\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/u);
  const texts = all.map(tidy).filter((line) => line);
  const [text] = texts;
  if (!text) throw new Error("This file holds no text: wanted a sentence.");
  const of = config(modality);
  const count = ids(text, of).length;
  if (count > of.length)
    throw new Error(`The sentence has ${count.toLocaleString("en")} tokens; wanted ${of.length} at most.`);
  return {
    item: stored([text], of.width),
    remarks: texts.length > 1 ? [`the first of several ${modality.plural} in the file`] : [],
  };
}

const listed = (texts: readonly string[]): string => texts.map((text) => `${text}\n`).join("");
const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;
const texts = (items: Items): string[] => Array.from({ length: sizes(items).n }, (_, i) => textOf(items, i));
const TOLD = 90; // letters of a caption

export const text: View = {
  paint,
  rgba(items, index, width, height, about) {
    const { pen } = surface(width, height);
    card(pen, [{ text: textOf(items, index), what: "same" }], PAPER, fitting(config(about), width, 9), 8);
    return pen.getImageData(0, 0, width, height).data;
  },
  caption(items, index) {
    const all = Array.from(textOf(items, index));
    return all.length <= TOLD
      ? all.join("")
      : `${all
          .slice(0, TOLD - 1)
          .join("")
          .trimEnd()}…`;
  },
  exact: true,
  words: told,
  typed: (words) => `text(${quoteText(words)})`,
  paper: true,
  items: sentences,
  tensor,
  open,
  films: {
    txt: (items) => new Blob([listed(texts(items))], { type: "text/plain" }),
    csv: (items, about) => {
      const name = (about.config["column"] as string | null) ?? "text";
      const rows = texts(items).map((text, i) => `${i},${quoted(text)}\n`);
      return new Blob([`"frame",${quoted(name)}\n`, ...rows], { type: "text/csv" });
    },
  },
  async files(items) {
    const all = items.map((item) => textOf(item, 0));
    return {
      files: new Map([["sentences.txt", utf8(listed(all))]]),
      names: items.map((_, i) => `sentences.txt#${i}`),
    };
  },
};
