/**
 * From places on the map back to latents, and from latents to places: maps/inverse.py, maps/answers.py and
 * maps/place.py in the browser.
 */
import { nearest } from "./near.ts";
import type { Payload } from "./payload.ts";

const FEW = 5;
const RIDGE = 1e-3;
const TINY = 1.1754943508222875e-38;
const NEIGHBORS = 15;
const REACH = 4;
const STEPS = 5;

export interface Placed {
  z: Float32Array; // (m, d)
  inside: Uint8Array;
  /** Expected distance from the latent of an item that lies there; NaN outside. */
  error: Float32Array;
}

export class Inverse {
  constructor(
    private readonly of: Payload,
    private readonly z: Float32Array,
    private readonly d: number,
  ) {}

  /** What lies at places (m, 2). */
  back(points: Float32Array): Placed {
    const { of, d } = this;
    const [m, n, few] = [points.length / 2, of.xy.data.length / 2, Math.min(FEW, of.xy.data.length / 2)];
    const out: Placed = { z: new Float32Array(m * d), inside: new Uint8Array(m), error: new Float32Array(m) };
    const [low, high, multiple] = of.inverse.limits;
    for (let i = 0; i < m; i++) {
      const { far, rows } = nearest(of.xy.data, 2, n, points, 2 * i, Math.max(of.inverse.k, few));
      let [spacing, squared] = [0, 0];
      for (let j = 0; j < few; j++) {
        spacing += (of.spacing.data[rows[j] as number] as number) / few;
        squared += (of.squared.data[rows[j] as number] as number) / few;
      }
      const outside = (far[few - 1] as number) > multiple * Math.min(Math.max(spacing, low), high);
      out.inside[i] = outside ? 0 : 1;
      out.error[i] = outside ? NaN : Math.sqrt(squared);
      const weights = this.weights(points[2 * i] as number, points[2 * i + 1] as number, far, rows, outside);
      weights.forEach((weight, j) => {
        const from = (rows[j] as number) * d;
        for (let c = 0; c < d; c++) out.z[i * d + c]! += weight * (this.z[from + c] as number);
      });
    }
    return out;
  }

  /** Weights of the neighbours; a plane's value at a place is a weighted sum too. */
  private weights(
    px: number,
    py: number,
    far: Float64Array,
    rows: Int32Array,
    outside: boolean,
  ): Float64Array {
    const { method } = this.of.inverse;
    const k = Math.min(this.of.inverse.k, rows.length);
    if (method === "average") return new Float64Array(k).fill(1 / k);
    const scale = Math.max(far[k - 1] as number, TINY);
    const w = Float64Array.from({ length: k }, (_, j) => Math.exp(-2 * ((far[j] as number) / scale) ** 2));
    const all = w.reduce((a, b) => a + b, 0);
    for (let j = 0; j < k; j++) w[j]! /= all;
    if (method !== "plane" || outside) return w;
    const xy = this.of.xy.data;
    const x = Float64Array.from(
      { length: k },
      (_, j) => ((xy[2 * (rows[j] as number)] as number) - px) / scale,
    );
    const y = Float64Array.from(
      { length: k },
      (_, j) => ((xy[2 * (rows[j] as number) + 1] as number) - py) / scale,
    );
    const sum = (f: (j: number) => number): number => {
      let total = 0;
      for (let j = 0; j < k; j++) total += (w[j] as number) * f(j);
      return total;
    };
    const [mx, my] = [sum((j) => x[j] as number), sum((j) => y[j] as number)];
    for (let j = 0; j < k; j++) {
      x[j]! -= mx;
      y[j]! -= my;
    }
    const xx = sum((j) => (x[j] as number) ** 2) + RIDGE;
    const yy = sum((j) => (y[j] as number) ** 2) + RIDGE;
    const both = sum((j) => (x[j] as number) * (y[j] as number));
    const [sx, sy] = [mx * yy - my * both, my * xx - mx * both];
    const under = xx * yy - both ** 2;
    for (let j = 0; j < k; j++) w[j]! *= 1 - (sx * (x[j] as number) + sy * (y[j] as number)) / under;
    return w;
  }
}

/** Where latents lie on the map: on its axes, or at the highest mode of the places of their nearest items. */
export class Places {
  private readonly known: Float32Array;
  private readonly same: number;
  private readonly xy: Float32Array;

  constructor(
    private readonly of: Payload,
    z: Float32Array,
    private readonly d: number,
  ) {
    const rows = of.among?.data ?? new Int32Array();
    this.same = Math.hypot(...of.z_step.data);
    this.known = new Float32Array(rows.length * d);
    this.xy = new Float32Array(rows.length * 2);
    rows.forEach((row, i) => {
      this.known.set(z.subarray(row * d, (row + 1) * d), i * d);
      this.xy.set(of.xy.data.subarray(2 * row, 2 * row + 2), 2 * i);
    });
  }

  of_(z: Float32Array): Float32Array {
    const [m, out] = [z.length / this.d, new Float32Array((z.length / this.d) * 2)];
    for (let i = 0; i < m; i++) {
      const [x, y] = this.of.place_axes ? this.projected(z, i) : this.mode(z, i);
      out[2 * i] = x;
      out[2 * i + 1] = y;
    }
    return out;
  }

  private projected(z: Float32Array, i: number): [number, number] {
    const [mean, axes] = [this.of.place_mean?.data, this.of.place_axes?.data];
    const across = (axes?.length ?? 0) / this.d;
    const out: [number, number] = [0, 0];
    for (let c = 0; c < this.d; c++)
      for (let a = 0; a < across; a++)
        out[a]! += ((z[i * this.d + c] as number) - (mean?.[c] ?? 0)) * (axes?.[c * across + a] ?? 0);
    return out;
  }

  private mode(z: Float32Array, i: number): [number, number] {
    const { far, rows } = nearest(this.known, this.d, this.known.length / this.d, z, i * this.d, NEIGHBORS);
    const k = rows.length;
    const at = (j: number): [number, number] => [
      this.xy[2 * (rows[j] as number)] as number,
      this.xy[2 * (rows[j] as number) + 1] as number,
    ];
    if ((far[0] as number) <= this.same) return at(0);
    const last = Math.max(far[k - 1] as number, TINY);
    const width = REACH * (this.of.unit?.data[0] ?? 0) || 1;
    const places = Array.from({ length: k }, (_, j) => at(j));
    const under = ([cx, cy]: [number, number]): number[] =>
      places.map(
        ([x, y], j) =>
          Math.exp(-(((far[j] as number) / last) ** 2) / 2) *
          Math.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * width ** 2)),
      );
    const total = (values: number[]): number => values.reduce((a, b) => a + b, 0);
    const density = places.map((place) => total(under(place)));
    let centre = places[density.indexOf(Math.max(...density))] as [number, number];
    for (let step = 0; step < STEPS; step++) {
      const share = under(centre);
      const all = total(share);
      centre = [
        total(share.map((w, j) => w * (places[j]?.[0] ?? 0))) / all,
        total(share.map((w, j) => w * (places[j]?.[1] ?? 0))) / all,
      ];
    }
    return centre;
  }
}
