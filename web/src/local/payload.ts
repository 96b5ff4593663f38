/**
 * What a shared page holds of its space, written by src/liminal/studio/share.py: arrays and facts of one
 * packed answer.
 */
import {
  unpack,
  type Column,
  type Dimension,
  type Direction,
  type Found,
  type Grid,
  type Method,
  type Space,
  type Values,
} from "../wire.ts";
import type { Likelihood } from "./chart.ts";

type Floats = Grid<Float32Array>;
type Rows = Grid<Int32Array>;

/**
 * `n` latents are known, the first `shown` of them are items that can be seen; `whole`: they are all that
 * there are.
 */
export interface Payload {
  space: Space;
  shown: number;
  whole: boolean;
  map: { method: Method; words: string; trustworthiness: number | null; fitted_on: number };
  id: Rows;
  xy: Floats; // (n, 2)
  z: Grid<Uint16Array>; // (n, d): z = z_low + z_step * level
  z_low: Floats;
  z_step: Floats;

  inverse: { method: "average" | "weighted" | "plane"; k: number; limits: [number, number, number] };
  spacing: Floats;
  squared: Floats;
  /**
   * What places a latent on the map: some of the items and the unit of length among them, or the main axes.
   */
  among?: Rows;
  unit?: Floats;
  place_mean?: Floats;
  place_axes?: Floats;

  support?: { itself: number; k: number };
  mean?: Floats;
  axes?: Floats; // (d, a)
  /**
   * Rows of the latents that support looks at; the mean of their k nearest distances, the k-th and the next
   * one (m, 3).
   */
  member?: Rows;
  rings?: Floats;
  calibration?: Floats;
  errors?: Floats;
  both?: Floats;

  columns: Record<string, Pick<Column, "kind" | "values" | "low" | "high">>;
  sources: string[];
  splits: string[];
  /**
   * Captions of the shown items, where any has one; the items themselves, where thumbnails do not show all of
   * them.
   */
  captions?: string[];
  items?: Grid<Values>;
  /** Reconstruction error of each shown item. */
  error?: Floats;

  directions: Partial<Record<Found, Direction[]>>;
  dimensions: Dimension[];
  centre: Floats;
  deviation: Floats;
  /** Rows of `means`, by the filter that they are the mean of. */
  means_of: Record<string, number>;
  means: Floats;
  draws: Floats;

  prior: { name: string; support: string };
  by_default: string;
  mixture_weights?: Floats;
  mixture_means?: Floats;
  mixture_cholesky?: Floats;
  flow_mean?: Floats;
  flow_scale?: Floats;
  flow_steps?: number;

  /**
   * Of one x, one y and one stored item; and what y means: of its arguments those that are not the modality's
   * own, until the page is opened.
   */
  shape: number[];
  soft_shape: number[];
  item_shape: number[];
  likelihood: Likelihood;
  decoder: Grid<Uint8Array>;
  encoder?: Grid<Uint8Array>;
  reader?: Grid<Uint8Array>;
  velocity?: Grid<Uint8Array>;
  /**
   * What is read from y, and by what a column of the reader's becomes what it reads: the first `read` are its
   * columns.
   */
  readings: { name: string; mean: number; std: number }[];
  read?: number;
  /** One standard deviation of each reading among decoded items. */
  spread?: Record<string, number>;

  [more: `column ${string}`]: Grid<Uint16Array | Uint8Array | Float32Array>;
  [more: `sheet ${number}`]: Grid<Uint8Array>;
  [more: `directions ${string}`]: Floats;
}

const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%:()*+-;,=>?@^_`{|}~";

/**
 * Bytes from base 85, four from five characters; text is a quarter longer than what it says, where base 64 is
 * a third.
 */
export function bytes(text: string): Uint8Array<ArrayBuffer> {
  const digit = new Uint8Array(128);
  for (let i = 0; i < DIGITS.length; i++) digit[DIGITS.charCodeAt(i)] = i;
  const out = new Uint8Array(Math.ceil(text.length / 5) * 4);
  for (let i = 0, at = 0; i < text.length; i += 5, at += 4) {
    let value = 0;
    for (let j = i; j < i + 5; j++)
      value = value * 85 + (j < text.length ? (digit[text.charCodeAt(j)] as number) : 84);
    out[at] = value / 16777216;
    out[at + 1] = value >>> 16;
    out[at + 2] = value >>> 8;
    out[at + 3] = value;
  }
  return out.subarray(0, Math.floor((text.length * 4) / 5));
}

export async function inflate(data: Uint8Array<ArrayBuffer>): Promise<ArrayBuffer> {
  return new Response(new Blob([data]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}

/** A block of bytes of the page, which then lets go of its text. */
export async function block(name: string): Promise<ArrayBuffer> {
  const found = document.getElementById(`liminal-${name}`);
  if (!found) throw new Error("This page holds no space: it was not written by liminal share.");
  const text = found.textContent;
  found.remove();
  return inflate(bytes(text));
}

export const opened = async (): Promise<Payload> => unpack<Payload>(await block("space"));
