/**
 * Ways from key to key and where their frames stand: ops/ways/mixing.py, ops/ways/noise_mixing.py and
 * ops/ways/arclength.py in the browser.
 */
import { joined, type Nets } from "./nets.ts";
import type { Payload } from "./payload.ts";

export type Latent = Float32Array;
/** Fractions t of one stretch -> (t, d), row after row. */
type Stretch = (t: readonly number[]) => Promise<Float32Array> | Float32Array;

const SMALL = 1e-6;
const TINY = 1e-300;
const OPPOSITE = 1e-12;
const [LEAST, MOST, ROUNDS, FINEST, BLOCK] = [32, 256, 2, 16, 128];

const norm = (v: ArrayLike<number>): number =>
  Math.sqrt(Array.from(v, (x) => x * x).reduce((a, b) => a + b, 0));
const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a, (x, i) => x * (b[i] as number)).reduce((p, q) => p + q, 0);

export function line(a: Latent, b: Latent, t: number): Latent {
  return a.map((x, i) => x + t * ((b[i] as number) - x));
}

/** The arc between two directions at constant angular speed, the norm going linearly. */
export function arc(a: Latent, b: Latent, t: number): Latent {
  const [na, nb] = [norm(a), norm(b)];
  let ua = Float64Array.from(a, (x) => x / Math.max(na, TINY));
  let ub = Float64Array.from(b, (x) => x / Math.max(nb, TINY));
  if (!na) ua = ub;
  if (!nb) ub = ua;
  const w =
    2 *
    Math.atan2(norm(ua.map((x, i) => x - (ub[i] as number))), norm(ua.map((x, i) => x + (ub[i] as number))));
  if (!(w > SMALL)) return line(a, b, t);
  const along = dot(ua, ub);
  let side = ub.map((x, i) => x - along * (ua[i] as number));
  const length = norm(side);
  side = length > OPPOSITE ? side.map((x) => x / length) : perpendicular(ua);
  const size = (1 - t) * na + t * nb;
  return Float32Array.from(
    ua,
    (x, i) => size * (Math.cos(t * w) * x + Math.sin(t * w) * (side[i] as number)),
  );
}

function perpendicular(u: Float64Array): Float64Array<ArrayBuffer> {
  let least = 0;
  u.forEach((x, i) => Math.abs(x) < Math.abs(u[least] as number) && (least = i));
  const axis = Float64Array.from(u, (x, i) => (i === least ? 1 : 0) - (u[least] as number) * x);
  const length = norm(axis);
  return axis.map((x) => x / length);
}

/** The middle of latents with weights on the sphere of their directions, at their mean norm. */
export function average(z: readonly Latent[], w: readonly number[]): Latent {
  if (z.length === 1) return z[0] as Latent;
  if (z.length === 2) return arc(z[0] as Latent, z[1] as Latent, w[1] as number);
  const [d, norms] = [(z[0] as Latent).length, z.map(norm)];
  const unit = z.map((v, i) => Float64Array.from(v, (x) => x / Math.max(norms[i] as number, TINY)));
  let mean = new Float64Array(d);
  unit.forEach((u, i) => u.forEach((x, c) => (mean[c]! += (w[i] as number) * x)));
  const length = norm(mean);
  if (!(length > SMALL))
    return Float32Array.from({ length: d }, (_, c) =>
      z.reduce((sum, v, i) => sum + (w[i] as number) * (v[c] as number), 0),
    );
  mean = mean.map((x) => x / length);
  for (let round = 0; round < 50; round++) {
    const step = new Float64Array(d);
    unit.forEach((u, i) => {
      if (!(norms[i] as number)) return;
      const cosine = dot(mean, u);
      const side = u.map((x, c) => x - cosine * (mean[c] as number));
      const sine = norm(side);
      const pull = sine > SMALL ? Math.atan2(sine, cosine) / sine : 1;
      side.forEach((x, c) => (step[c]! += (w[i] as number) * pull * x));
    });
    const far = norm(step);
    mean = mean.map(
      (x, c) => Math.cos(far) * x + (Math.sin(far) * (step[c] as number)) / Math.max(far, TINY),
    );
    const size = norm(mean);
    mean = mean.map((x) => x / size);
    if (far < SMALL) break;
  }
  const size = norms.reduce((sum, x, i) => sum + (w[i] as number) * x, 0);
  return Float32Array.from(mean, (x) => x * size);
}

/** Latents brought onto the support of the model's prior. */
export function brought(z: Float32Array, d: number, support: string): Float32Array {
  if (support === "uniform") return z.map((x) => Math.min(Math.max(x, -1), 1));
  if (support !== "sphere") return z;
  const out = z.slice();
  for (let i = 0; i < z.length; i += d) {
    const size = Math.max(norm(z.subarray(i, i + d)), 1e-12);
    for (let c = i; c < i + d; c++) out[c]! /= size;
  }
  return out;
}

/** Mixtures in the noise of the latent flow, or of a prior whose arcs are typical already. */
export class Mixer {
  readonly how: string;

  constructor(
    private readonly of: Payload,
    private readonly nets: Nets,
    private readonly d: number,
  ) {
    const plain =
      of.prior.name === "sphere"
        ? "arcs on the sphere of the prior (no latent flow)"
        : "arcs of the latents themselves, direction and norm apart (no latent flow; normal prior)";
    this.how = nets.has("velocity") ? "arcs in the noise of the latent flow" : plain;
  }

  /** du/dt = v from one end of time to the other, by Runge and Kutta's fourth order. */
  private async carry(from: Float64Array, start: number, end: number): Promise<Float64Array> {
    const [steps, rows] = [this.of.flow_steps ?? 12, from.length / this.d];
    const step = (end - start) / steps;
    const v = async (u: Float64Array, t: number): Promise<Float32Array> =>
      this.nets.run("velocity", {
        u: { data: Float32Array.from(u), dims: [rows, this.d] },
        t: { data: new Float32Array(rows).fill(t), dims: [rows] },
      });
    let u = from;
    const plus = (by: number, slope: Float32Array): Float64Array =>
      u.map((x, i) => x + by * (slope[i] as number));
    for (let i = 0; i < steps; i++) {
      const t = start + i * step;
      const a = await v(u, t);
      const b = await v(plus(step / 2, a), t + step / 2);
      const c = await v(plus(step / 2, b), t + step / 2);
      const e = await v(plus(step, c), t + step);
      u = u.map(
        (x, j) =>
          x +
          (step / 6) * ((a[j] as number) + 2 * (b[j] as number) + 2 * (c[j] as number) + (e[j] as number)),
      );
    }
    return u;
  }

  private scaled(z: Float32Array, there: boolean): Float64Array {
    const [mean, scale] = [this.of.flow_mean?.data, this.of.flow_scale?.data];
    return Float64Array.from(z, (x, i) =>
      there ? (x - (mean?.[i % this.d] ?? 0)) / (scale?.[i % this.d] ?? 1) : x,
    );
  }

  async toNoise(z: Float32Array): Promise<Float32Array> {
    return this.nets.has("velocity") ? Float32Array.from(await this.carry(this.scaled(z, true), 1, 0)) : z;
  }

  async fromNoise(e: Float32Array): Promise<Float32Array> {
    if (!this.nets.has("velocity")) return e;
    const [mean, scale] = [this.of.flow_mean?.data, this.of.flow_scale?.data];
    return Float32Array.from(
      await this.carry(Float64Array.from(e), 0, 1),
      (x, i) => x * (scale?.[i % this.d] ?? 1) + (mean?.[i % this.d] ?? 0),
    );
  }

  /** Noises of latents, and what of them is lost on the way there and back. */
  private async carried(keys: readonly Latent[]): Promise<{ e: Latent[]; lost: Latent[] }> {
    const all = joined(keys);
    const noise = await this.toNoise(all);
    const back = await this.fromNoise(noise);
    const lost = all.map((x, i) => x - (back[i] as number));
    const cut = (table: Float32Array): Latent[] =>
      keys.map((_, i) => table.slice(i * this.d, (i + 1) * this.d));
    return { e: cut(noise), lost: cut(lost) };
  }

  private async back(e: Float32Array, lost: Float32Array): Promise<Float32Array> {
    const z = await this.fromNoise(e);
    return brought(
      z.map((x, i) => x + (lost[i] as number)),
      this.d,
      this.of.prior.support,
    );
  }

  /** The stretches from key to key. */
  async stretches(stops: readonly Latent[]): Promise<Stretch[]> {
    const { e, lost } = await this.carried(stops);
    return stops.slice(1).map((_, i) => (t: readonly number[]) => {
      const [ea, eb, la, lb] = [e[i], e[i + 1], lost[i], lost[i + 1]] as [Latent, Latent, Latent, Latent];
      return this.back(joined(t.map((at) => arc(ea, eb, at))), joined(t.map((at) => line(la, lb, at))));
    });
  }

  async blend(z: readonly Latent[]): Promise<Latent> {
    const { e, lost } = await this.carried(z);
    const w = z.map(() => 1 / z.length);
    return this.back(
      average(e, w),
      Float32Array.from({ length: this.d }, (_, c) =>
        lost.reduce((sum, v, i) => sum + (w[i] as number) * (v[c] as number), 0),
      ),
    );
  }
}

/** From each key to the next, exactly the keys at 0 and 1; from an item to itself it stays there. */
export async function stretches(
  stops: readonly Latent[],
  along: string,
  mixer: Mixer | null,
): Promise<Stretch[]> {
  const ways = along === "mix" && mixer ? await mixer.stretches(stops) : null;
  return stops.slice(1).map((b, i) => {
    const a = stops[i] as Latent;
    if (a.every((x, c) => x === b[c])) return (t) => joined(t.map(() => a));
    const way =
      ways?.[i] ??
      ((t: readonly number[]) =>
        joined(t.map((at) => (along === "linear" ? line(a, b, at) : arc(a, b, at)))));
    return async (t) => {
      const z = (await way(t)).slice();
      t.forEach((at, row) => (at === 0 || at === 1) && z.set(at ? b : a, row * a.length));
      return z;
    };
  });
}

/** Root mean square difference of each of n rows from the next; on a loop also of the last from the first. */
export function steps(x: Float32Array, n: number, loop = false): number[] {
  const size = x.length / n;
  return Array.from({ length: loop ? n : n - 1 }, (_, i) => {
    const [from, to] = [i * size, ((i + 1) % n) * size];
    let sum = 0;
    for (let c = 0; c < size; c++) sum += ((x[from + c] as number) - (x[to + c] as number)) ** 2;
    return Math.sqrt(sum / size);
  });
}

type See = (z: Float32Array) => Promise<Float32Array>;

/** Fractions at which each stretch is shown, so that what is seen changes evenly from frame to frame. */
export async function even(
  curve: readonly Stretch[],
  count: number,
  d: number,
  see: See,
): Promise<number[][]> {
  const pieces = Math.min(Math.max(LEAST, Math.ceil((2 * count) / curve.length)), MOST);
  const start = Array.from({ length: pieces + 1 }, (_, i) => i / pieces);
  const places = curve.map(() => start);
  const arcs: number[][] = [];
  for (const stretch of curve) arcs.push(await arcOf(stretch, start, d, see));
  for (let round = 0; round < ROUNDS; round++) {
    const piece = arcs.reduce((sum, one) => sum + (one.at(-1) as number), 0) / (2 * count);
    for (let i = 0; i < curve.length; i++) {
      const finer = split(places[i] as number[], arcs[i] as number[], piece);
      if (finer.length <= (places[i] as number[]).length) continue;
      places[i] = finer;
      arcs[i] = await arcOf(curve[i] as Stretch, finer, d, see);
    }
  }
  const shares = share(
    arcs.map((one) => one.at(-1) as number),
    count,
  );
  return curve.map((_, i) => invert(places[i] as number[], arcs[i] as number[], shares[i] as number));
}

async function arcOf(stretch: Stretch, t: readonly number[], d: number, see: See): Promise<number[]> {
  const z = await stretch(t);
  const out = [0];
  for (let i = 0; i < t.length - 1; i += BLOCK) {
    const rows = Math.min(BLOCK + 1, t.length - i);
    for (const step of steps(await see(z.slice(i * d, (i + rows) * d)), rows))
      out.push((out.at(-1) as number) + step);
  }
  return out;
}

function split(t: readonly number[], arcs: readonly number[], piece: number): number[] {
  if (!(piece > 0)) return [...t];
  const out: number[] = [];
  for (let i = 0; i + 1 < t.length; i++) {
    const parts = Math.min(
      Math.max(Math.ceil(((arcs[i + 1] as number) - (arcs[i] as number)) / piece), 1),
      FINEST,
    );
    for (let p = 0; p < parts; p++)
      out.push((t[i] as number) + (p / parts) * ((t[i + 1] as number) - (t[i] as number)));
  }
  return [...out, 1];
}

function invert(t: readonly number[], arcs: readonly number[], n: number): number[] {
  const end = arcs.at(-1) as number;
  if (!(end > 0)) return Array.from({ length: n }, (_, i) => i / n);
  const rising = arcs.map((value, i) => i === 0 || value > (arcs[i - 1] as number));
  const [xs, ys] = [arcs.filter((_, i) => rising[i]), t.filter((_, i) => rising[i])];
  let at = 0;
  return Array.from({ length: n }, (_, i) => {
    const x = (end * i) / n;
    while (at + 2 < xs.length && (xs[at + 1] as number) <= x) at++;
    const [low, high] = [xs[at] as number, xs[at + 1] as number];
    return (ys[at] as number) + ((x - low) / (high - low)) * ((ys[at + 1] as number) - (ys[at] as number));
  });
}

/** Steps shared out by length, one or more each: the next always goes where steps are longest. */
export function share(lengths: readonly number[], count: number): number[] {
  const given = lengths.map(() => 1);
  const most = Math.max(...lengths);
  const parts = lengths.map((length) => (most > 0 ? Math.round((length / most) * 1e5) / 1e5 : 1));
  for (let step = lengths.length; step < count; step++) {
    let longest = 0;
    parts.forEach(
      (part, i) =>
        part / (given[i] as number) > (parts[longest] as number) / (given[longest] as number) &&
        (longest = i),
    );
    given[longest]!++;
  }
  return given;
}
