/**
 * A space in a page: its known latents, and what is decoded, judged and found near by the definitions of the
 * library.
 */
import { Refused } from "../api.ts";
import { viewOf } from "../modalities/index.ts";
import type { Held, View } from "../modalities/view.ts";
import { NEITHER, UNKNOWN, type Grid, type Look, type Values } from "../wire.ts";
import { chart, harden } from "./chart.ts";
import { Inverse, Places } from "./inverse.ts";
import { encoding } from "./mp4.ts";
import { nearest } from "./near.ts";
import type { Nets } from "./nets.ts";
import { Mixer } from "./paths.ts";
import type { Payload } from "./payload.ts";
import type { Value } from "./syntax.ts";
import { Trust } from "./trust.ts";

const FAR = 1e6;
const FILMS = ["gif", "png"]; // that pages can make of anything

export const refuse = (words: string): never => {
  throw new Refused(words, 400);
};
export const grid = <A extends ArrayLike<number>>(data: A, ...shape: number[]): Grid<A> => ({ data, shape });

export class Core {
  readonly view: View;
  readonly held: Held;
  readonly films: Promise<string[]>; // that this browser can make
  readonly d: number;
  readonly z: Float32Array; // of all known latents
  readonly same: number; // distance below which a latent is that of an item: its levels are no finer
  readonly rows: Map<number, number>;
  readonly inverse: Inverse;
  readonly places: Places;
  readonly trust: Trust | null;
  readonly mixer: Mixer;

  constructor(
    readonly of: Payload,
    readonly nets: Nets,
  ) {
    const {
      modality,
      tile: [width, height],
    } = of.space;
    this.view = viewOf(modality);
    const { likelihood } = of;
    of.likelihood = { ...likelihood, config: { ...modality.config, ...likelihood.config } };
    this.held = { ...of, modality };
    this.films = encoding(height, width).then((found) => {
      const made = new Set([...FILMS, ...(found ? ["mp4"] : []), ...Object.keys(this.view.films ?? {})]);
      return modality.films.filter((format) => made.has(format));
    });
    const d = (this.d = of.z_low.data.length);
    this.z = Float32Array.from(
      of.z.data,
      (level, i) => (of.z_low.data[i % d] as number) + level * (of.z_step.data[i % d] as number),
    );
    this.same = Math.hypot(...of.z_step.data);
    this.rows = new Map(Array.from(of.id.data.subarray(0, of.shown), (id, row) => [id, row]));
    this.inverse = new Inverse(of, this.z, d);
    this.places = new Places(of, this.z, d);
    this.trust = Trust.of(of, this.z, d);
    this.mixer = new Mixer(of, nets, d);
  }

  async raw(z: Float32Array, signal?: AbortSignal): Promise<Float32Array> {
    for (const x of z)
      if (!(Math.abs(x) < FAR))
        refuse("A latent with such numbers cannot be looked at; items have numbers of a few units.");
    return this.nets.run("decoder", { z: { data: z, dims: [z.length / this.d, this.d] } }, signal);
  }

  async items(z: Float32Array, signal?: AbortSignal): Promise<Grid<Values>> {
    return this.view.items(await this.raw(z, signal), this.held);
  }

  /** Decoded rows (n, m) in which plain distance is how far items look apart. */
  chart(y: Float32Array): Float32Array {
    return chart(y, this.count(y), this.of.likelihood);
  }

  count(y: Float32Array): number {
    return y.length / this.of.soft_shape.reduce((a, b) => a * b, 1);
  }

  support(z: Float32Array): Float32Array {
    return this.trust?.support(z) ?? new Float32Array(z.length / this.d).fill(NaN);
  }

  /** The k nearest of the items that the page shows. */
  near(z: Float32Array, k: number): { rows: Int32Array; far: Float32Array; k: number } {
    const [m, most] = [z.length / this.d, Math.min(k, this.of.shown)];
    const [rows, far] = [new Int32Array(m * most), new Float32Array(m * most)];
    for (let i = 0; i < m && most; i++) {
      const found = nearest(this.z, this.d, this.of.shown, z, i * this.d, most);
      rows.set(found.rows, i * most);
      far.set(found.far, i * most);
    }
    return { rows, far, k: most };
  }

  async look(z: Float32Array, signal?: AbortSignal): Promise<Look> {
    const m = z.length / this.d;
    const decoded = this.items(z, signal);
    const { rows, far, k } = this.near(z, 3);
    const xy = this.places.of_(z);
    for (let i = 0; i < m && k; i++)
      if ((far[i * k] as number) <= this.same)
        xy.set(this.of.xy.data.subarray(2 * (rows[i * k] as number), 2 * (rows[i * k] as number) + 2), 2 * i);
    return {
      z: grid(z, m, this.d),
      support: grid(this.support(z), m),
      nearest: grid(rows, m, k),
      distance: grid(far, m, k),
      xy: grid(xy, m, 2),
      items: await decoded,
    };
  }

  /** Places of latents on the map, (n, 2); an item lies where it is. */
  placed(z: Float32Array): Float32Array {
    const xy = this.places.of_(z);
    const { rows, far, k } = this.near(z, 1);
    for (let i = 0; k && i < far.length; i++)
      if ((far[i] as number) <= this.same)
        xy.set(this.of.xy.data.subarray(2 * (rows[i] as number), 2 * (rows[i] as number) + 2), 2 * i);
    return xy;
  }

  row(id: number): number {
    const row = this.rows.get(id);
    if (row !== undefined) return row;
    if (!this.of.shown)
      return refuse("There are no single items in this page: write about places, such as random(7).");
    return refuse(`@${id} is not among the ${this.of.shown.toLocaleString("en")} items of this page.`);
  }

  latent(row: number): Float32Array {
    return this.z.slice(row * this.d, (row + 1) * this.d);
  }

  value(column: string, row: number): Value {
    if (column === "id") return this.of.id.data[row] ?? null;
    const about = this.of.columns[column];
    const value = this.of[`column ${column}`]?.data[row];
    if (!about || value === undefined)
      return refuse(
        `There is no attribute '${column}': there are ${Object.keys(this.of.columns).join(", ") || "none"}.`,
      );
    if (about.kind === "category") return value === UNKNOWN ? null : (about.values?.[value] ?? null);
    if (about.kind === "bool") return value === NEITHER ? null : value === 1;
    // what was said before it became a float32
    return Number.isNaN(value) ? null : Number(value.toPrecision(7));
  }

  /**
   * What is read in decoded rows, made hard: what they state themselves, else what the reader sees, (n,
   * readings); null: nothing.
   */
  async seen(y: Float32Array, n: number): Promise<Float32Array | null> {
    const { readings, read = 0, soft_shape, likelihood } = this.of;
    if (!readings.length) return null;
    const hard = harden(y, n, likelihood);
    const stated = this.view.states?.(hard, this.held);
    const by = read
      ? await this.nets.run("reader", { x: { data: hard, dims: [n, ...soft_shape] } })
      : new Float32Array();
    return Float32Array.from({ length: n * readings.length }, (_, at) => {
      const [row, i] = [Math.floor(at / readings.length), at % readings.length];
      const { name, mean, std } = readings[i] as (typeof readings)[number];
      return stated?.get(name)?.[row] ?? (i < read ? (by[row * read + i] as number) * std + mean : NaN);
    });
  }

  sheet(page: number): Blob {
    const found = this.of[`sheet ${page}`];
    return found
      ? new Blob([found.data as Uint8Array<ArrayBuffer>], { type: "image/webp" })
      : refuse(`There is no sheet ${page} in this page.`);
  }
}
