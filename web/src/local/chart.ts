/**
 * What y means, and y as rows whose plain distance is how far items look apart: modalities/likelihoods.py in
 * the browser.
 */

import { vectors, words } from "./words.ts";

/** Its name in Python, and the arguments that make it. */
export interface Likelihood {
  name: string;
  config: Record<string, unknown>;
}
type Column = readonly [kind: "number" | "optional" | "yes" | "category", width: number];

const LEAST = 1e-20;
const root = (p: number): number => Math.sqrt(Math.max(p, LEAST));

const classes = (of: Likelihood): number => of.config["classes"] as number;
const columns = (of: Likelihood): readonly Column[] => of.config["columns"] as Column[];

/**
 * n rows of y: numbers as they are, probabilities as square roots, a number that may be missing weighed by
 * how likely it is known.
 */
export function chart(y: Float32Array, n: number, of: Likelihood): Float32Array {
  if (of.name === "categorical") return y.map(root);
  if (of.name !== "mixed") return y;
  const width = y.length / n;
  const out: number[] = [];
  for (let row = 0; row < n; row++) {
    let at = row * width;
    for (const [kind, size] of columns(of)) {
      const part = y.subarray(at, at + size);
      const [first = 0, known = 0] = part;
      if (kind === "category") for (const p of part) out.push(root(p));
      else if (kind === "yes") out.push(root(first), root(1 - first));
      else if (kind === "optional") out.push(first * known, root(known), root(1 - known));
      else out.push(first);
      at += size;
    }
  }
  return Float32Array.from(out);
}

/** n rows of x as a perfect decoder would give them. */
export function target(x: Float32Array, n: number, of: Likelihood): Float32Array {
  if (of.name === "words") return vectors(x, n, of);
  if (of.name !== "categorical") return x;
  const [v, t] = [classes(of), x.length / n];
  const out = new Float32Array(n * v * t);
  x.forEach((symbol, i) => (out[Math.floor(i / t) * v * t + symbol * t + (i % t)] = 1));
  return out;
}

/** n rows of y of symbols as the likeliest ones (n, t); what follows the first end is end too. */
export function symbols(y: Float32Array, n: number, of: Likelihood): Uint8Array | Int32Array {
  const [v, end] = [classes(of), of.config["end"] as number | null];
  const t = y.length / n / v;
  const out = v > 256 ? new Int32Array(n * t) : new Uint8Array(n * t);
  for (let row = 0; row < n; row++) {
    let ended = false;
    for (let place = 0; place < t; place++) {
      let best = 0;
      for (let s = 1; s < v; s++)
        if ((y[(row * v + s) * t + place] as number) > (y[(row * v + best) * t + place] as number)) best = s;
      ended ||= best === end;
      out[row * t + place] = ended ? (end as number) : best;
    }
  }
  return out;
}

/** n rows of y as the data that they stand for, in y's own form. */
export function harden(y: Float32Array, n: number, of: Likelihood): Float32Array {
  if (of.name === "words") return vectors(words(y, n, of), n, of);
  if (of.name === "categorical") return target(Float32Array.from(symbols(y, n, of)), n, of);
  if (of.name !== "mixed") return y;
  const [out, width] = [y.slice(), y.length / n];
  for (let row = 0; row < n; row++) {
    let at = row * width;
    for (const [kind, size] of columns(of)) {
      const part = out.subarray(at, at + size);
      if (kind === "category") part.fill(0).fill(1, ...only(likeliest(y.subarray(at, at + size))));
      else if (kind === "yes") part[0] = Number((part[0] as number) > 0.5);
      else if (kind === "optional") {
        part[1] = Number((part[1] as number) > 0.5);
        part[0]! *= part[1];
      }
      at += size;
    }
  }
  return out;
}
const only = (index: number): [number, number] => [index, index + 1];
export const likeliest = (p: Float32Array): number => p.indexOf(Math.max(...p));

/** Mean squared difference of two rows in the chart. */
export function error(a: Float32Array, b: Float32Array, of: Likelihood): number {
  const [p, q] = [chart(a, 1, of), chart(b, 1, of)];
  return p.reduce((sum, value, i) => sum + (value - (q[i] as number)) ** 2, 0) / p.length;
}
