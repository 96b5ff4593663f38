/**
 * What the page asks of a kind of data: `modalities/NAME.ts` for the kind that Python calls NAME, else
 * `any.ts`.
 */
import type { Likelihood } from "../local/chart.ts";
import type { Grid, Modality, Values } from "../wire.ts";

export type Items = Grid<Values>;

/** Colours of what is painted with numbers and words; the page's own, or those of paper. */
export interface Ink {
  ground: string;
  line: string;
  ink: string;
  soft: string;
  accent: string;
  mark: string;
  above: string;
  below: string;
  symbol: string;
}
export const PAPER: Ink = {
  ground: "#ffffff",
  line: "#e8ebef",
  ink: "#282c34",
  soft: "#6e747e",
  accent: "#d68400",
  mark: "#fff1c7",
  above: "#2c6ebb",
  below: "#c45c3e",
  symbol: "#3a8a68",
};

/**
 * How an item is painted: about how many pixels wide, in which colours, and beside which other one, so that
 * what differs is marked.
 */
export interface How {
  side?: number;
  ink?: Ink;
  than?: Items | null;
  /** From where it is seen, where its kind has more than one side. */
  turn?: Turn;
}
/** From where an item is seen, in degrees: to the right of its front, and above the horizon. */
export interface Turn {
  across: number;
  up: number;
}

/**
 * What a shared page knows of its items beside their kind: shapes of one x, of one y, of one stored item, and
 * what y means.
 */
export interface Held {
  modality: Modality;
  shape: readonly number[];
  soft_shape: readonly number[];
  item_shape: readonly number[];
  likelihood: Likelihood;
}

/** A part of a text: which another one has too, or lacks, or has and it lacks. */
export interface Run {
  text: string;
  what: "same" | "new" | "gone";
}

export interface Opened {
  item: Items;
  remarks: string[];
}

/**
 * An item as sound: samples within -1 and 1, how many a second, and after how many seconds the next one
 * begins where several follow each other; what is longer sounds on into that. So many seconds of it come
 * `early`, and sound into what was before.
 */
export interface Sound {
  samples: Float32Array<ArrayBuffer>;
  rate: number;
  seconds: number;
  early?: number;
}

/** Samples within -1 and 1, and how many a second. */
export type Track = Pick<Sound, "samples" | "rate">;

export interface View {
  /** Paints one item; the canvas takes the size that suits it. */
  paint(items: Items, index: number, canvas: HTMLCanvasElement, about: Modality, how?: How): void;
  /** The same on paper, as rgba bytes in width x height, for a texture. */
  rgba(items: Items, index: number, width: number, height: number, about: Modality): Uint8ClampedArray;
  /** The item in a few words; empty where its picture says all. */
  caption(items: Items, index: number, about: Modality): string;
  /**
   * Whether it shows a stored item with all its details; else the library's own picture of it is shown where
   * there is room.
   */
  exact?: boolean;
  /**
   * The item in words, of kinds that are read rather than looked at, and beside another one what differs: it
   * stands so where it is large. The page has such items in lines below each other, and their captions in the
   * place of thumbnails.
   */
  words?(items: Items, index: number, than: Items | null): Run[];
  /** A value of an attribute as the kind shows it, where a plain number would say little: a day as a date. */
  said?(name: string, value: number, about: Modality): string | undefined;
  /** The formula that stands for an item which is typed in plain words, of kinds that can be. */
  typed?(words: string): string;
  /** From where items are seen at first, where they can be turned; a kind without it has one side only. */
  turn?: Turn;
  /**
   * Whether its picture, where it has the whole width, tells the values of the one that it was made from too:
   * that one then needs no picture beside it.
   */
  both?: boolean;
  /** Whether its small pictures are drawn with ink on paper: by night the page turns them round. */
  paper?: boolean;
  /**
   * The item as sound, so many times as fast, at the same pitch; a kind without it is seen only.
   */
  sound?(items: Items, index: number, about: Modality, tempo?: number): Sound;
  /** Items one after the other as one sound: `Modality.sound`. */
  track?(items: Items, about: Modality): Track;
  /** A path as a file beside films of its pictures, by the file's ending: its items one after the other. */
  films?: Readonly<Record<string, (items: Items, about: Modality) => Blob>>;
  /** Rows of y, as a decoder gives them, as stored items. */
  items(y: Float32Array, held: Held): Items;
  /** Stored items as rows of an encoder's x. */
  tensor(items: Items, held: Held): Float32Array;
  /** Attributes that rows of y state themselves, by name, or name=value of a category: `Modality.exact`. */
  states?(y: Float32Array, held: Held): ReadonlyMap<string, Float32Array>;
  /** The item in a file, where a page can read one by itself; without it such a page takes no files. */
  open?(file: Blob, held: Held, name?: string): Promise<Opened>;
  /** Files of some items, each item given as an answer of one, and what each item is called by them. */
  files(
    items: readonly Items[],
    about: Modality,
  ): Promise<{ files: Map<string, Uint8Array<ArrayBuffer>>; names: string[] }>;
}

/** How many items an answer has, and how many numbers each. */
export function sizes(items: Items): { n: number; size: number } {
  const n = items.shape[0] ?? 0;
  return { n, size: n ? items.data.length / n : 0 };
}
export function one(items: Items, index: number): Items {
  const { size } = sizes(items);
  return { data: items.data.slice(index * size, (index + 1) * size), shape: [1, ...items.shape.slice(1)] };
}
