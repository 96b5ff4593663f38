/**
 * The direction from one selection of items to another, with a score on items that had no say in it:
 * ops/directions/unsupervised.py, the mean difference alone.
 */
import { Refused } from "../api.ts";
import { numbers } from "./draws.ts";

const LEAST = 5;
const [FOLDS, REPEATS] = [5, 3];
const CHANCE = 0.6;
const RIDGE = 1e-6;

export interface Between {
  vector: Float32Array;
  /** Mean AUC over the folds. */
  score: number;
  works: boolean;
  words: string;
}

/** Rows of `z` (n, d): from the middle of a to the middle of b. */
export function between(
  z: Float32Array,
  d: number,
  n: number,
  a: readonly number[],
  b: readonly number[],
): Between {
  const inBoth = new Set(a.filter((row) => b.includes(row)));
  const [on, off] = [b, a].map((rows) => [...new Set(rows)].filter((row) => !inBoth.has(row))) as [
    number[],
    number[],
  ];
  for (const [which, rows] of [
    ["to go to", on],
    ["to come from", off],
  ] as const) {
    if (rows.length < LEAST)
      throw new Refused(
        `between: the selection ${which} has ${rows.length} different items; wanted ${LEAST} or more`,
        400,
      );
  }
  const spread = covariance(z, d, n);
  const vector = difference(z, d, on, off);
  const next = numbers(0);
  const scores: number[] = [];
  const folds = Math.min(FOLDS, on.length, off.length);
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    const [p, q] = [shuffled(on, next), shuffled(off, next)];
    for (let fold = 0; fold < folds; fold++) {
      const held = (rows: number[], inside: boolean): number[] =>
        rows.filter((_, i) => (i % folds === fold) === inside);
      const reader = solve(spread, difference(z, d, held(p, false), held(q, false)), d);
      const read = (row: number): number =>
        reader.reduce((sum, x, c) => sum + x * (z[row * d + c] as number), 0);
      scores.push(auc(held(p, true).map(read), held(q, true).map(read)));
    }
  }
  const score = scores.reduce((x, y) => x + y, 0) / scores.length;
  const words = [
    inBoth.size ? `${inBoth.size} items in both selections were left out` : "",
    score < CHANCE
      ? `cross-validated AUC ${score.toFixed(2)} is at chance: the latents do not tell the two apart`
      : "",
  ];
  return { vector, score, works: score >= CHANCE, words: words.filter(Boolean).join("; ") };
}

function mean(z: Float32Array, d: number, rows: readonly number[]): Float64Array {
  const out = new Float64Array(d);
  for (const row of rows) for (let c = 0; c < d; c++) out[c]! += (z[row * d + c] as number) / rows.length;
  return out;
}
function difference(z: Float32Array, d: number, on: readonly number[], off: readonly number[]): Float32Array {
  const from = mean(z, d, off);
  return Float32Array.from(mean(z, d, on), (x, c) => x - (from[c] as number));
}

function covariance(z: Float32Array, d: number, n: number): Float64Array {
  const out = new Float64Array(d * d);
  const centre = mean(
    z,
    d,
    Array.from({ length: n }, (_, i) => i),
  );
  for (let i = 0; i < n; i++)
    for (let r = 0; r < d; r++)
      for (let c = 0; c < d; c++)
        out[r * d + c]! +=
          (((z[i * d + r] as number) - (centre[r] as number)) *
            ((z[i * d + c] as number) - (centre[c] as number))) /
          n;
  return out;
}

/** x of C x = b, by elimination. */
function solve(of: Float64Array, b: Float32Array, d: number): Float64Array {
  const [m, x] = [of.slice(), Float64Array.from(b)];
  const most = Math.max(...Array.from({ length: d }, (_, i) => m[i * d + i] as number));
  for (let i = 0; i < d; i++) m[i * d + i]! += RIDGE * most;
  for (let i = 0; i < d; i++)
    for (let r = i + 1; r < d; r++) {
      const by = (m[r * d + i] as number) / (m[i * d + i] as number);
      for (let c = i; c < d; c++) m[r * d + c]! -= by * (m[i * d + c] as number);
      x[r]! -= by * (x[i] as number);
    }
  for (let i = d - 1; i >= 0; i--) {
    for (let c = i + 1; c < d; c++) x[i]! -= (m[i * d + c] as number) * (x[c] as number);
    x[i]! /= m[i * d + i] as number;
  }
  return x;
}

function auc(on: readonly number[], off: readonly number[]): number {
  let sum = 0;
  for (const x of on) for (const y of off) sum += x > y ? 1 : x === y ? 0.5 : 0;
  return sum / (on.length * off.length);
}

function shuffled(rows: readonly number[], next: () => number): number[] {
  const out = [...rows];
  for (let i = out.length - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1));
    [out[i], out[j]] = [out[j] as number, out[i] as number];
  }
  return out;
}
