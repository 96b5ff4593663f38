/** The pitch and the length of a sound, in a few words: as modalities/timbre.py tells them. */
import { centres, hopOf, POWERS, weights, type Band } from "./phase.ts";

const TINY = 1e-8; // the power of the lowest level
const [LOW, HIGH, FINE, SHARP] = [50, 2000, 8, 400]; // Hz; pitches of a semitone; how much the best counts
const [TONAL, DECAY, KEPT] = [0.25, 40, 4];
const LOBE = 12; // bins beside it that hear a sine
const NAMES = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];

interface Pitches {
  semitones: Float64Array;
  /** For each of them, how strong each band would be. */
  kernels: Float64Array[];
}
const known = new Map<string, Pitches>();
function pitches(rate: number, bands: number): Pitches {
  const key = `${rate} ${bands}`;
  const there = known.get(key);
  if (there) return there;
  if (known.size >= KEPT) known.delete(known.keys().next().value as string);
  const top = Math.min(HIGH, 0.45 * rate);
  const low = Math.max(LOW, 2 * (centres(rate, bands)[0] as number));
  const count = Math.trunc(12 * FINE * Math.log2(top / low)) + 1;
  const semitones = Float64Array.from({ length: count }, (_, i) => 69 + 12 * Math.log2(low / 440) + i / FINE);
  const all = weights(rate, bands);
  const made = { semitones, kernels: Array.from(semitones, (at) => kernel(at, rate, all)) };
  known.set(key, made);
  return made;
}
function kernel(semitone: number, rate: number, bands: readonly Band[]): Float64Array {
  const [f, out] = [440 * 2 ** ((semitone - 69) / 12), new Float64Array(bands.length)];
  for (let h = 1; h <= Math.trunc(rate / 2 / f); h++)
    for (const [harmonic, size] of [
      [h, 1],
      [h - 0.5, -0.5],
      [h + 0.5, -0.5],
    ] as const)
      sine(harmonic * f, size * h ** -0.5, rate, bands, out);
  const norm = Math.hypot(...out);
  return out.map((value) => value / norm);
}
/** Adds the root of the power that a sine has in each band, times a factor. */
function sine(f: number, factor: number, rate: number, bands: readonly Band[], out: Float64Array): void {
  const at = (f * 4 * hopOf(rate)) / rate;
  const [from, till] = [at - LOBE, at + LOBE];
  bands.forEach(({ first, weights }, b) => {
    let sum = 0;
    const last = Math.min(Math.floor(till) - first, weights.length - 1);
    for (let i = Math.max(Math.ceil(from) - first, 0); i <= last; i++) {
      const x = at - first - i;
      const near = Math.abs(Math.abs(x) - 1) < 1e-6;
      const lobe = near ? 0.5 : x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x) / (1 - x * x);
      sum += ((lobe * lobe) / 1.5) * (weights[i] as number);
    }
    if (sum > 0) out[b] = (out[b] as number) + factor * Math.sqrt(sum);
  });
}

/** ``A4, 0.43 s`` of levels (bands, frames): the pitch, where there is one, and the length. */
export function told(levels: ArrayLike<number>, frames: number, rate: number): string {
  const bands = levels.length / frames;
  const [roots, power] = [new Float64Array(bands), new Float64Array(frames)];
  for (let b = 0; b < bands; b++)
    for (let t = 0; t < frames; t++) {
      const p = Math.max((POWERS[levels[b * frames + t] as number] as number) - TINY, 0);
      roots[b] = (roots[b] as number) + Math.sqrt(p);
      power[t] = (power[t] as number) + p;
    }
  const high = Math.max(...power);
  const long = power.reduce((sum, e) => {
    const near = 10 * Math.log10((e + TINY) / (high + TINY)) + DECAY;
    return sum + (e > 0 ? Math.min(Math.max(near, 0), 1) : 0);
  }, 0);
  const seconds = `${((long * hopOf(rate)) / rate).toFixed(2)} s`;
  const loud = power.reduce((sum, e) => sum + Math.sqrt(e), 0);
  if (loud < 1e-6) return seconds;
  const { semitones, kernels } = pitches(rate, bands);
  const fits = kernels.map(
    (one) => one.reduce((sum, value, b) => sum + value * (roots[b] as number), 0) / loud,
  );
  const best = Math.max(...fits);
  if (best <= TONAL) return seconds;
  const shares = fits.map((fit) => Math.exp(SHARP * (fit - best)));
  const whole = shares.reduce((a, b) => a + b, 0);
  const at = Math.round(shares.reduce((sum, share, i) => sum + share * (semitones[i] as number), 0) / whole);
  return `${NAMES[at % 12] as string}${Math.floor(at / 12) - 1}, ${seconds}`;
}
