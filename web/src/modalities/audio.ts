/**
 * Sounds as spectrograms: low bands below, time to the right. On paper in the colours of
 * modalities/sonogram.py; heard and written as modalities/phase.py finds the phase again.
 */
import { open } from "./listening.ts";
import { sized, surface } from "./painted.ts";
import { hopOf, ITERATIONS, POWERS, waveform } from "./phase.ts";
import { told } from "./pitch.ts";
import { wav } from "./synth.ts";
import {
  one,
  PAPER,
  sizes,
  type Held,
  type How,
  type Ink,
  type Items,
  type Track,
  type View,
} from "./view.ts";
import type { Modality } from "../wire.ts";

type Rgb = readonly [number, number, number];
const LEVELS = 255;
// from silence to `FULL` in even steps, as modalities/sonogram.py has them
const COLOURS: readonly Rgb[] = [
  [255, 255, 255],
  [226, 238, 245],
  [165, 204, 229],
  [92, 155, 208],
  [44, 110, 187],
  [62, 58, 140],
  [52, 20, 82],
  [24, 6, 32],
];
const FULL = 0.85;
const [SIDE, ROOM, STRIP, GAP] = [64, 160, 0.16, 0.02]; // pixels; shares of a picture that has a waveform
const CALM = 256_000; // iterations times samples a second: a second of sound is there within 40 ms

const hertz = (about: Pick<Modality, "config">): number => about.config["hertz"] as number;

/** A colour the other way round, of the same hue, as the page turns what is drawn on paper by night. */
function turned([r, g, b]: Rgb): Rgb {
  const twice = 2 * (0.213 * (LEVELS - r) + 0.715 * (LEVELS - g) + 0.072 * (LEVELS - b));
  return [twice - (LEVELS - r), twice - (LEVELS - g), twice - (LEVELS - b)];
}
const parsed = (hex: string): Rgb =>
  [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)) as unknown as Rgb;

/** Four bytes for each level, on paper or on the page's own ground. */
function palette(ink: Ink): Uint8ClampedArray {
  let stops = COLOURS;
  if (ink !== PAPER) {
    const ground = parsed(ink.line);
    const dark = ground[1] < LEVELS / 2;
    stops = [ground, ...COLOURS.slice(1).map((colour) => (dark ? turned(colour) : colour))];
  }
  const out = new Uint8ClampedArray(4 * (LEVELS + 1)).fill(LEVELS);
  for (let q = 0; q <= LEVELS; q++) {
    const at = Math.min(q / LEVELS / FULL, 1) * (stops.length - 1);
    const low = Math.min(Math.floor(at), stops.length - 2);
    const [a, b] = [stops[low] as Rgb, stops[low + 1] as Rgb];
    for (let c = 0; c < 3; c++)
      out[4 * q + c] = Math.round((a[c] as number) + (at - low) * ((b[c] as number) - (a[c] as number)));
  }
  return out;
}

/** From where and how much each of m numbers takes of n, by cubic curves, which are wider where m < n. */
function taps(n: number, m: number): { first: number; weights: number[] }[] {
  const wide = Math.max(n / m, 1);
  const cubic = (x: number): number =>
    x < 1 ? (1.5 * x - 2.5) * x * x + 1 : x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
  return Array.from({ length: m }, (_, i) => {
    const middle = ((i + 0.5) * n) / m;
    const first = Math.max(Math.trunc(middle - 2 * wide + 0.5), 0);
    const last = Math.min(Math.trunc(middle + 2 * wide + 0.5), n);
    const each = Array.from({ length: last - first }, (_, j) =>
      cubic(Math.abs(first + j + 0.5 - middle) / wide),
    );
    const sum = each.reduce((a, b) => a + b, 0);
    return { first, weights: each.map((weight) => weight / sum) };
  });
}

/** Levels (bands, frames) as a picture of some size, the highest band first. */
export function resized(
  levels: ArrayLike<number>,
  frames: number,
  width: number,
  height: number,
): Float32Array {
  const bands = levels.length / frames;
  const [across, down] = [taps(frames, width), taps(bands, height)];
  const rows = new Float32Array(bands * width);
  for (let b = 0; b < bands; b++)
    across.forEach(({ first, weights }, x) => {
      const from = (bands - 1 - b) * frames + first;
      let sum = 0;
      for (let i = 0; i < weights.length; i++) sum += (weights[i] as number) * (levels[from + i] as number);
      rows[b * width + x] = sum;
    });
  const out = new Float32Array(height * width);
  down.forEach(({ first, weights }, y) => {
    for (let i = 0; i < weights.length; i++)
      for (let x = 0; x < width; x++)
        out[y * width + x] =
          (out[y * width + x] as number) + (weights[i] as number) * (rows[(first + i) * width + x] as number);
  });
  return out;
}

function rgba(items: Items, index: number, width: number, height: number, ink: Ink): Uint8ClampedArray {
  const colours = palette(ink);
  const out = new Uint8ClampedArray(4 * width * height);
  resized(one(items, index).data, items.shape.at(-1) as number, width, height).forEach((level, i) => {
    const at = 4 * Math.min(Math.max(Math.round(level), 0), LEVELS);
    for (let c = 0; c < 4; c++) out[4 * i + c] = colours[at + c] as number;
  });
  return out;
}

/** The amplitude of each frame, 1 for a sine of full scale. */
export function envelope(levels: ArrayLike<number>, frames: number): Float64Array {
  const out = new Float64Array(frames);
  for (let i = 0; i < levels.length; i++)
    out[i % frames] = (out[i % frames] as number) + (POWERS[levels[i] as number] as number);
  return out.map(Math.sqrt);
}

function paint(
  items: Items,
  index: number,
  canvas: HTMLCanvasElement,
  { side = SIDE, ink = PAPER }: How,
): void {
  const size = Math.round(side);
  const strip = size < ROOM ? 0 : Math.round(STRIP * size);
  const tall = strip ? size - strip - Math.round(GAP * size) : size;
  const pen = sized(canvas, size, size);
  pen.fillStyle = ink === PAPER ? ink.ground : ink.line;
  pen.fillRect(0, 0, size, size);
  const picture = surface(size, tall);
  const colours = new ImageData(size, tall);
  colours.data.set(rgba(items, index, size, tall, ink));
  picture.pen.putImageData(colours, 0, 0);
  pen.drawImage(picture.canvas, 0, 0);
  if (!strip) return;
  const loud = envelope(one(items, index).data, items.shape.at(-1) as number);
  const [middle, peak] = [size - strip / 2, Math.max(...loud, 0.1)];
  pen.fillStyle = ink.above;
  pen.beginPath();
  for (const way of [1, -1])
    for (let i = 0; i < loud.length; i++) {
      const at = way > 0 ? i : loud.length - 1 - i;
      const high = Math.max(((loud[at] as number) / peak) * (strip / 2 - 1), 0.5);
      pen.lineTo(((at + 0.5) / loud.length) * size, middle - way * high);
    }
  pen.fill();
}

/** Levels of some frames in so many others, of the same bands. */
function stretched(levels: ArrayLike<number>, frames: number, count: number): ArrayLike<number> {
  if (count === frames) return levels;
  const out = new Uint8Array((levels.length / frames) * count);
  for (let i = 0; i < out.length; i++) {
    const at = Math.min(Math.max((((i % count) + 0.5) * frames) / count - 0.5, 0), frames - 1);
    const [first, row] = [Math.floor(at), Math.floor(i / count) * frames];
    const [a, b] = [levels[row + first] as number, levels[row + Math.min(first + 1, frames - 1)] as number];
    out[i] = Math.round(a + (at - first) * (b - a));
  }
  return out;
}

/** As loud as it is, or as it can be. */
function tamed(samples: Float32Array<ArrayBuffer>): Float32Array<ArrayBuffer> {
  let peak = 1;
  for (const value of samples) peak = Math.max(peak, Math.abs(value));
  return peak > 1 ? samples.map((value) => value / peak) : samples;
}

/** Some items one after the other as one sound without seams. */
function track(items: Items, about: Modality): Track {
  const [{ n, size }, frames, rate] = [sizes(items), items.shape.at(-1) as number, hertz(about)];
  const levels = new Uint8Array(items.data.length);
  for (let i = 0; i < levels.length; i++) {
    const [item, band, frame] = [Math.floor(i / size), Math.floor((i % size) / frames), i % frames];
    levels[(band * n + item) * frames + frame] = items.data[i] as number;
  }
  const [all, hop] = [waveform(levels, n * frames, rate), hopOf(rate)];
  return { samples: tamed(all.slice(1.5 * hop, (1.5 + n * frames) * hop)), rate };
}
const file = (items: Items, about: Modality): Uint8Array<ArrayBuffer> => {
  const { samples, rate } = track(items, about);
  return wav(samples, rate);
};

export const audio: View = {
  paint: (items, index, canvas, _, how = {}) => paint(items, index, canvas, how),
  rgba: (items, index, width, height) => rgba(items, index, width, height, PAPER),
  caption: (items, index, about) => told(one(items, index).data, items.shape.at(-1) as number, hertz(about)),
  exact: true,
  paper: true,
  /**
   * A hop before its time until a hop after its end, rising and falling over two: what follows it falls and
   * rises there, and both together are as loud as either.
   */
  sound(items, index, about, tempo = 1) {
    const [rate, frames] = [hertz(about), items.shape.at(-1) as number];
    const [hop, count] = [hopOf(rate), Math.max(1, Math.round(frames / tempo))];
    const iterations = Math.min(ITERATIONS, Math.max(1, Math.floor(CALM / rate)));
    const all = waveform(stretched(one(items, index).data, frames, count), count, rate, iterations);
    const samples = tamed(all.slice(hop / 2, (2.5 + count) * hop));
    for (let i = 0; i < 2 * hop; i++) {
      const gain = Math.sin(((i + 0.5) / hop) * (Math.PI / 4));
      for (const at of [i, samples.length - 1 - i]) samples[at] = (samples[at] as number) * gain;
    }
    return { samples, rate, seconds: (count * hop) / rate, early: hop / rate };
  },
  track,
  films: { wav: (items, about) => new Blob([file(items, about)], { type: "audio/wav" }) },
  items(y, { item_shape }: Pick<Held, "item_shape">) {
    const data = Uint8Array.from(y, (value) => Math.round(Math.min(Math.max(value, 0), 1) * LEVELS));
    return { data, shape: [y.length / item_shape.reduce((a, b) => a * b, 1), ...item_shape] };
  },
  tensor: (items) => Float32Array.from(items.data, (value) => value / LEVELS),
  open,
  async files(items, about) {
    const names = items.map((_, i) => `sample-${i + 1}.wav`);
    return { files: new Map(items.map((item, i) => [names[i] as string, file(item, about)])), names };
  },
};
