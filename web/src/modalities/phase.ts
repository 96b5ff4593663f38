/**
 * Sounds as spectrograms of few bands, and those as sound: the phase is found again, the same as
 * modalities/phase.py does, which says how and after whom. Two frames are transformed at once, as one of
 * complex numbers.
 */
import { Fourier } from "./fourier.ts";

const [LEVELS, DECADES, TINY] = [255, 8, 1e-12];
const [UPDATES, MOMENTUM, KEPT] = [32, 0.99, 4];
export const ITERATIONS = 32;

/** Samples from one frame to the next. */
export const hopOf = (rate: number): number => 2 ** Math.floor(Math.log2(Math.trunc(rate / 62.5)));
/** The power of each level. */
export const POWERS = Float64Array.from({ length: LEVELS + 1 }, (_, q) =>
  q ? 10 ** (DECADES * (q / LEVELS - 1)) : 0,
);

/** Which bins a band sees, the first and those after it, and how much of each. */
export interface Band {
  first: number;
  weights: Float64Array;
}
/** The bands' centres in Hz, 0 before them and half the rate after them. */
function edges(rate: number, bands: number): Float64Array {
  const top = Math.log10(1 + rate / 1400);
  return Float64Array.from({ length: bands + 2 }, (_, b) => 700 * (10 ** ((top * b) / (bands + 1)) - 1));
}
export const centres = (rate: number, bands: number): Float64Array => edges(rate, bands).slice(1, -1);

export function weights(rate: number, bands: number): Band[] {
  const [n, c] = [4 * hopOf(rate), edges(rate, bands)];
  const found = Array.from(c.subarray(1, -1), (middle, b) => {
    const low = Math.min(c[b] as number, middle - rate / n);
    const high = Math.max(c[b + 2] as number, middle + rate / n);
    const first = Math.max(0, Math.ceil((low * n) / rate));
    const last = Math.min(n / 2, Math.floor((high * n) / rate));
    const weights = Float64Array.from({ length: last - first + 1 }, (_, i) => {
      const f = ((first + i) * rate) / n;
      return Math.max(0, Math.min((f - low) / (middle - low), (high - f) / (high - middle)));
    });
    return { first, weights };
  });
  const seen = sums(found, n / 2 + 1);
  for (const { first, weights } of found)
    weights.forEach((w, i) => (weights[i] = w / Math.max(seen[first + i] as number, 1)));
  return found;
}
/** How much all bands together see of each bin. */
function sums(bands: readonly Band[], bins: number): Float64Array {
  const out = new Float64Array(bins);
  for (const { first, weights } of bands)
    weights.forEach((w, i) => (out[first + i] = (out[first + i] as number) + w));
  return out;
}

/** What is the same for all sounds of a rate and of so many bands. */
interface Tables {
  hop: number;
  bins: number;
  window: Float64Array;
  fourier: Fourier;
  bands: Band[];
  /** One over how much all bands together see of a bin. */
  share: Float64Array;
  /** Of a bin's power, the square of its amplitude. */
  whole: number;
}
const known = new Map<string, Tables>();
function tables(rate: number, count: number): Tables {
  const key = `${rate} ${count}`;
  const there = known.get(key);
  if (there) return there;
  if (known.size >= KEPT) known.delete(known.keys().next().value as string);
  const hop = hopOf(rate);
  const [n, bins, bands] = [4 * hop, 2 * hop + 1, weights(rate, count)];
  const window = Float64Array.from({ length: n }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / n));
  const whole = (n * window.reduce((sum, w) => sum + w * w, 0)) / 4;
  const made = {
    ...{ hop, bins, window, bands, whole },
    fourier: new Fourier(n),
    share: sums(bands, bins).map((seen) => (seen > 0 ? 1 / seen : 0)),
  };
  known.set(key, made);
  return made;
}

/** Levels (bands, frames) of so many frames of a sound from one of them on; beside the sound is silence. */
export function spectrogram(
  samples: Float32Array,
  from: number,
  frames: number,
  rate: number,
  count: number,
): Uint8Array<ArrayBuffer> {
  const { hop, bins, window, fourier, bands, whole } = tables(rate, count);
  const n = 4 * hop;
  const out = new Uint8Array(count * frames);
  const [re, im] = [new Float64Array(n), new Float64Array(n)];
  const power = [new Float64Array(bins), new Float64Array(bins)] as const;
  for (let t = 0; t < frames; t += 2) {
    for (let i = 0, at = (from + t - 1.5) * hop; i < n; i++, at++) {
      re[i] = (samples[at] ?? 0) * (window[i] as number);
      im[i] = (samples[at + hop] ?? 0) * (window[i] as number);
    }
    fourier.forward(re, im);
    for (let k = 0; k < bins; k++) {
      const [one, other] = [fourier.places[k] as number, fourier.places[(n - k) & (n - 1)] as number];
      const [x, y, u, v] = [re[one], im[one], re[other], im[other]] as [number, number, number, number];
      power[0][k] = ((x + u) ** 2 + (y - v) ** 2) / (4 * whole);
      power[1][k] = ((y + v) ** 2 + (u - x) ** 2) / (4 * whole);
    }
    bands.forEach(({ first, weights }, b) =>
      power.forEach((of, late) => {
        if (t + late >= frames) return;
        const p = weights.reduce((sum, w, i) => sum + w * (of[first + i] as number), 0);
        const level = 1 + Math.log10(Math.max(p, TINY)) / DECADES;
        out[b * frames + t + late] = Math.round(LEVELS * Math.min(Math.max(level, 0), 1));
      }),
    );
  }
  return out;
}

/**
 * Amplitudes of bins, frame by frame, that give such levels (bands, frames), and which frames are silent; one
 * more that is, where they are odd.
 */
function amplitudes(
  levels: ArrayLike<number>,
  frames: number,
  { bands, bins, share, whole }: Tables,
): { wanted: Float32Array; silent: Uint8Array } {
  const silent = new Uint8Array(frames + (frames & 1)).fill(1);
  const wanted = new Float32Array(silent.length * bins);
  const [power, more] = [new Float64Array(bins), new Float64Array(bins)];
  const [p, ratio] = [new Float64Array(bands.length), new Float64Array(bands.length)];
  for (let t = 0; t < frames; t++) {
    let loud = 0;
    for (let b = 0; b < p.length; b++) loud += p[b] = POWERS[levels[b * frames + t] as number] as number;
    if (!loud) continue;
    silent[t] = 0;
    spread(p, bands, more);
    for (let k = 0; k < bins; k++) power[k] = (more[k] as number) * (share[k] as number);
    for (let update = 0; update < UPDATES; update++) {
      ratios(p, power, bands, ratio);
      spread(ratio, bands, more);
      for (let k = 0; k < bins; k++)
        power[k] = (power[k] as number) * (more[k] as number) * (share[k] as number);
    }
    for (let k = 0; k < bins; k++) wanted[t * bins + k] = Math.sqrt((power[k] as number) * whole);
  }
  return { wanted, silent };
}
/** What bins have of bands. */
function spread(of: Float64Array, bands: readonly Band[], out: Float64Array): void {
  out.fill(0);
  for (let b = 0; b < bands.length; b++) {
    const { first, weights } = bands[b] as Band;
    const value = of[b] as number;
    for (let i = 0; i < weights.length; i++)
      out[first + i] = (out[first + i] as number) + value * (weights[i] as number);
  }
}
/** How many times what bins have of them bands want to be. */
function ratios(p: Float64Array, power: Float64Array, bands: readonly Band[], out: Float64Array): void {
  for (let b = 0; b < bands.length; b++) {
    const { first, weights } = bands[b] as Band;
    let sum = 0;
    for (let i = 0; i < weights.length; i++) sum += (power[first + i] as number) * (weights[i] as number);
    out[b] = (p[b] as number) / Math.max(sum, TINY);
  }
}

/**
 * A sound that has these levels (bands, frames), as nearly as so many iterations come: (frames + 3) hops, of
 * which the first and the last one and a half are what frames beside the sound would share with it.
 */
export function waveform(
  levels: ArrayLike<number>,
  frames: number,
  rate: number,
  iterations = ITERATIONS,
): Float32Array<ArrayBuffer> {
  const own = tables(rate, levels.length / Math.max(frames, 1));
  const { hop, bins, window, fourier } = own;
  const { wanted, silent } = amplitudes(levels, frames, own);
  const n = 4 * hop;
  const [re, im] = [new Float64Array(n), new Float64Array(n)];
  const phases = started(wanted, frames, bins, silent);
  const before = new Float32Array(2 * wanted.length);
  const over = overlapping(frames, silent.length, own);
  let [sound, next] = [new Float32Array(over.length), new Float32Array(over.length)];
  for (let round = 0; round <= iterations; round++) {
    next.fill(0);
    for (let t = 0; t < frames; t += 2) {
      if (silent[t] && silent[t + 1]) continue;
      if (round) {
        for (let i = 0, at = t * hop; i < n; i++, at++) {
          const w = window[i] as number;
          re[i] = (sound[at] as number) * w;
          im[i] = (sound[at + hop] as number) * w;
        }
        fourier.forward(re, im);
      }
      if (round) ahead(re, im, wanted, before, t * bins, round > 1 ? MOMENTUM : 0, fourier.places);
      else begun(re, im, wanted, phases, t * bins, fourier.places);
      fourier.back(re, im);
      for (let i = 0, at = t * hop; i < n; i++, at++) {
        const w = window[i] as number;
        next[at] = (next[at] as number) + (re[i] as number) * w;
        next[at + hop] = (next[at + hop] as number) + (im[i] as number) * w;
      }
    }
    for (let i = 0; i < next.length; i++) next[i] = (next[i] as number) * (over[i] as number);
    [sound, next] = [next, sound];
  }
  return sound.slice(0, (frames + 3) * hop);
}

/** The phases that amplitudes start with, in the middle of each frame: those of sines that go on. */
function started(wanted: Float32Array, frames: number, bins: number, silent: Uint8Array): Float32Array {
  const phases = new Float32Array(wanted.length);
  const nearest = new Int32Array(bins);
  let [f, before] = [new Float64Array(bins), new Float64Array(bins)];
  for (let t = 0; t < frames; t++) {
    if (silent[t]) continue;
    [f, before] = [before, f];
    const from = t * bins;
    let [peak, filled] = [-1, 0];
    for (let k = 0; k < bins; k++) {
      const own = wanted[from + k] as number;
      const up = own - (k ? (wanted[from + k - 1] as number) : 0);
      const down = own - (k < bins - 1 ? (wanted[from + k + 1] as number) : 0);
      if (!(up > 0 && down >= 0)) continue;
      // up to the middle between two peaks bins have the lower one
      if (peak >= 0) filled = fill(nearest, filled, (peak + k) >> 1, peak);
      f[k] = k + (up - down) / (2 * (up + down));
      peak = k;
    }
    fill(nearest, filled, bins - 1, peak);
    for (let k = 0; k < bins; k++) f[k] = f[nearest[k] as number] as number;
    if (!t || silent[t - 1]) continue;
    for (let k = 0; k < bins; k++) {
      const n = nearest[k] as number;
      const turned = (Math.PI / 4) * ((before[n] as number) + (f[k] as number));
      phases[from + k] = ((phases[from - bins + n] as number) + turned) % (2 * Math.PI);
    }
  }
  return phases;
}
/** The bins of `first` to `last` have this peak; the bin after them. */
function fill(nearest: Int32Array, first: number, last: number, peak: number): number {
  nearest.fill(peak, first, last + 1);
  return last + 1;
}

/** Two frames of amplitudes at phases in their middle, the first real and the second imaginary. */
function begun(
  re: Float64Array,
  im: Float64Array,
  wanted: Float32Array,
  phases: Float32Array,
  from: number,
  places: Uint32Array,
): void {
  const [n, bins] = [re.length, re.length / 2 + 1];
  for (let k = 0; k < bins; k++) {
    const [one, other] = [places[k] as number, places[(n - k) & (n - 1)] as number];
    const [a, b, sign] = [from + k, from + bins + k, k & 1 ? -1 : 1];
    const [wa, wb] = [sign * (wanted[a] as number), sign * (wanted[b] as number)];
    const [pa, pb] = [phases[a] as number, phases[b] as number];
    lay(re, im, one, other, wa * Math.cos(pa), wa * Math.sin(pa), wb * Math.cos(pb), wb * Math.sin(pb));
  }
}

/** A bin of two frames, rx + i ry and qx + i qy, and its mirror; the lowest and the highest bin are real. */
function lay(
  re: Float64Array,
  im: Float64Array,
  one: number,
  other: number,
  rx: number,
  ry: number,
  qx: number,
  qy: number,
): void {
  if (one === other) ry = qy = 0;
  re[one] = rx - qy;
  im[one] = ry + qx;
  re[other] = rx + qy;
  im[other] = qx - ry;
}

/**
 * Two frames as they are, c, become A t / |t| of t = c + momentum (c - c before), in place. They lie in one
 * another: the transform of the first is half the sum of a bin and its mirror's conjugate, that of the second
 * half the difference, turned.
 */
function ahead(
  re: Float64Array,
  im: Float64Array,
  wanted: Float32Array,
  before: Float32Array,
  from: number,
  momentum: number,
  places: Uint32Array,
): void {
  const [n, bins] = [re.length, re.length / 2 + 1];
  for (let k = 0; k < bins; k++) {
    const one = places[k] as number;
    const other = places[(n - k) & (n - 1)] as number;
    const [a, b] = [from + k, from + bins + k];
    const x = re[one] as number;
    const y = im[one] as number;
    const u = re[other] as number;
    const v = im[other] as number;
    const [xa, ya, xb, yb] = [(x + u) / 2, (y - v) / 2, (y + v) / 2, (u - x) / 2];
    const tx = xa + momentum * (xa - (before[2 * a] as number));
    const ty = ya + momentum * (ya - (before[2 * a + 1] as number));
    const sx = xb + momentum * (xb - (before[2 * b] as number));
    const sy = yb + momentum * (yb - (before[2 * b + 1] as number));
    before[2 * a] = xa;
    before[2 * a + 1] = ya;
    before[2 * b] = xb;
    before[2 * b + 1] = yb;
    const size = Math.sqrt(tx * tx + ty * ty);
    const large = Math.sqrt(sx * sx + sy * sy);
    const [wa, wb] = [wanted[a] as number, wanted[b] as number];
    const [fa, fb] = [size > TINY ? wa / size : 0, large > TINY ? wb / large : 0];
    lay(re, im, one, other, fa ? tx * fa : wa, ty * fa, fb ? sx * fb : wb, sy * fb);
  }
}

/** What overlapping frames are divided by, and the size of the transform; as long as `room` frames are. */
function overlapping(frames: number, room: number, { hop, window }: Tables): Float64Array {
  const norm = new Float64Array((room + 3) * hop);
  for (let t = 0; t < frames; t++)
    for (let i = 0; i < 4 * hop; i++)
      norm[t * hop + i] = (norm[t * hop + i] as number) + (window[i] as number) ** 2;
  return norm.map((sum) => 1 / Math.max(sum, 1e-3) / (4 * hop));
}
