/** Sounds: transforms, phases that are found again, and how they are seen and follow each other. */
import { describe, expect, it } from "vitest";
import { audio, envelope, resized } from "../src/modalities/audio.ts";
import { Fourier } from "../src/modalities/fourier.ts";
import { cut } from "../src/modalities/listening.ts";
import { hopOf, POWERS, spectrogram, waveform, weights } from "../src/modalities/phase.ts";
import type { Modality } from "../src/wire.ts";

const [RATE, BANDS, FRAMES] = [8000, 32, 16];
const HOP = hopOf(RATE);
const about = { config: { hertz: RATE, bands: BANDS } } as unknown as Modality;
const random = (seed: number) => () => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647;

/** The levels of a sound, by the formulas of modalities/phase.py, each bin summed by itself. */
function levels(samples: Float32Array, frames: number): Uint8Array {
  const n = 4 * HOP;
  const window = Array.from({ length: n }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / n));
  const whole = 4 / (n * window.reduce((sum, w) => sum + w * w, 0));
  const out = new Uint8Array(BANDS * frames);
  for (let t = 0; t < frames; t++) {
    const power = Array.from({ length: n / 2 + 1 }, (_, k) => {
      let [x, y] = [0, 0];
      window.forEach((w, i) => {
        const value = w * (samples[t * HOP - 1.5 * HOP + i] ?? 0);
        x += value * Math.cos((2 * Math.PI * i * k) / n);
        y += value * Math.sin((2 * Math.PI * i * k) / n);
      });
      return (x * x + y * y) * whole;
    });
    weights(RATE, BANDS).forEach(({ first, weights }, b) => {
      const p = weights.reduce((sum, w, i) => sum + w * (power[first + i] as number), 0);
      out[b * frames + t] = Math.round(
        255 * Math.min(Math.max(1 + Math.log10(Math.max(p, 1e-12)) / 8, 0), 1),
      );
    });
  }
  return out;
}
const tone = (hertz: number, count: number) =>
  Float32Array.from({ length: count }, (_, i) => 0.5 * Math.sin((2 * Math.PI * hertz * i) / RATE));
/** How far the levels of what is loud are off, in dB: the root of their mean square. */
function off(got: Uint8Array, wanted: Uint8Array): number {
  const loud = Array.from(wanted, (value, i) => [value, got[i] as number] as const).filter(([v]) => v > 128);
  return (80 / 255) * Math.sqrt(loud.reduce((sum, [a, b]) => sum + (a - b) ** 2, 0) / loud.length);
}

describe("transforms", () => {
  it.each([2, 8, 16, 64])("of %i are sums of turns, and come back", (size) => {
    const draw = random(size);
    const [x, y] = [0, 1].map(() => Float64Array.from({ length: size }, draw)) as [
      Float64Array,
      Float64Array,
    ];
    const [re, im, fourier] = [x.slice(), y.slice(), new Fourier(size)];
    fourier.forward(re, im);
    for (let k = 0; k < size; k++) {
      let [a, b] = [0, 0];
      for (let i = 0; i < size; i++) {
        const [c, s] = [Math.cos((2 * Math.PI * i * k) / size), -Math.sin((2 * Math.PI * i * k) / size)];
        a += (x[i] as number) * c - (y[i] as number) * s;
        b += (x[i] as number) * s + (y[i] as number) * c;
      }
      expect(re[fourier.places[k] as number]).toBeCloseTo(a, 9);
      expect(im[fourier.places[k] as number]).toBeCloseTo(b, 9);
    }
    fourier.back(re, im);
    re.forEach((value, i) => expect(value / size).toBeCloseTo(x[i] as number, 9));
    im.forEach((value, i) => expect(value / size).toBeCloseTo(y[i] as number, 9));
  });
});

describe("spectrograms", () => {
  it("are what the formulas say, from any frame on, with silence beside", () => {
    const sound = tone(700, 11 * HOP + 17).map((value, i) => value * Math.exp(-i / 500));
    const whole = levels(sound, FRAMES);
    const near = (got: Uint8Array, wanted: (i: number) => number | undefined) =>
      got.forEach((level, i) => expect(Math.abs(level - (wanted(i) ?? NaN))).toBeLessThanOrEqual(1));
    near(spectrogram(sound, 0, FRAMES, RATE, BANDS), (i) => whole[i]);
    const [from, count] = [3, 5]; // an odd number of them
    near(
      spectrogram(sound, from, count, RATE, BANDS),
      (i) => whole[Math.floor(i / count) * FRAMES + from + (i % count)],
    );
  });
});

describe("files", () => {
  const config = { hertz: RATE, seconds: (FRAMES * HOP) / RATE };
  const shape = [BANDS, FRAMES];
  const padded = (before: number, sound: Float32Array, after: number) =>
    Float32Array.from([...new Float32Array(before), ...sound, ...new Float32Array(after)]);

  it("are one-shots from a hop before their onset", () => {
    const sound = padded(1234, tone(440, 5 * HOP), 9 * HOP); // a tone begins with a zero
    const { item, remarks } = cut(sound, config, shape);
    expect(item.data).toEqual(spectrogram(sound.subarray(1235 - HOP), 0, FRAMES, RATE, BANDS));
    expect([item.shape, remarks]).toEqual([[1, ...shape], []]);
    expect(cut(tone(440, 20 * HOP), config, shape).remarks).toEqual(["cut to 0.256 s"]);
  });

  it("are windows where they are long, the first that sounds", () => {
    const sound = padded((2 * FRAMES + 3) * HOP, tone(440, 40 * HOP), 0);
    const { item, remarks } = cut(sound, config, shape);
    expect(item.data).toEqual(spectrogram(sound, 2 * FRAMES, FRAMES, RATE, BANDS));
    expect(remarks).toEqual(["the first of several sounds in the file"]);
    expect(() => cut(new Float32Array(99), config, shape)).toThrow("silent");
  });
});

describe("phases", () => {
  it("are found so that a tone has its levels again, and nearly so after few iterations or none", () => {
    const swell = tone(440, FRAMES * HOP).map(
      (value, i, all) => value * Math.sin((Math.PI * i) / all.length) ** 2,
    );
    const wanted = levels(swell, FRAMES);
    const heard = (iterations: number) =>
      levels(waveform(wanted, FRAMES, RATE, iterations).slice(1.5 * HOP, (1.5 + FRAMES) * HOP), FRAMES);
    const [none, few, full] = [0, 8, 32].map((count) => off(heard(count), wanted)) as [
      number,
      number,
      number,
    ];
    expect(none).toBeLessThan(4);
    expect(few).toBeLessThan(2);
    expect(full).toBeLessThan(1.5);
  });

  it("are none of silence, also where frames are odd", () => {
    const found = waveform(new Uint8Array(BANDS * 5), 5, RATE);
    expect(found.length).toBe(8 * HOP);
    expect(found.every((value) => value === 0)).toBe(true);
  });

  it("have hops of 8 to 16 ms", () => {
    expect([8000, 16_000, 22_050, 44_100].map(hopOf)).toEqual([128, 256, 256, 512]);
  });
});

describe("sounds", () => {
  const data = new Uint8Array(2 * BANDS * FRAMES);
  data.set(levels(tone(440, FRAMES * HOP), FRAMES));
  const items = { data, shape: [2, BANDS, FRAMES] };
  const lasting = (FRAMES * HOP) / RATE;

  it("last as long as their frames, at any tempo at the same pitch", () => {
    for (const tempo of [0.5, 1, 2]) {
      const found = audio.sound!(items, 0, about, tempo);
      expect(found.seconds).toBeCloseTo(lasting / tempo);
      expect(found.samples.length / RATE).toBeCloseTo(found.seconds + 2 * found.early!);
      const share = (hertz: number) => {
        let [x, y] = [0, 0];
        found.samples.forEach((value, i) => {
          x += value * Math.cos((2 * Math.PI * hertz * i) / RATE);
          y += value * Math.sin((2 * Math.PI * hertz * i) / RATE);
        });
        return Math.hypot(x, y);
      };
      expect(share(440)).toBeGreaterThan(3 * Math.max(share(220), share(880)));
    }
    expect(audio.sound!(items, 1, about).samples.every((value) => value === 0)).toBe(true);
  });

  it("follow each other as loud as they are", () => {
    const draw = random(3);
    const wave = Float32Array.from({ length: FRAMES * HOP }, () => draw() - draw());
    const noise = { data: levels(wave, FRAMES), shape: [1, BANDS, FRAMES] };
    const { samples, seconds, early } = audio.sound!(noise, 0, about);
    expect(early).toBe(HOP / RATE);
    const [step, power] = [
      Math.round(seconds * RATE),
      (of: Float32Array) => of.reduce((s, v) => s + v * v, 0),
    ];
    const both = new Float32Array(step + samples.length);
    samples.forEach((value, i) => {
      both[i] = (both[i] as number) + value;
      both[step + i] = (both[step + i] as number) + value;
    });
    const seam = power(both.subarray(step, step + 2 * HOP)) / 2;
    const share = seam / (power(both.subarray(4 * HOP, 12 * HOP)) / 8);
    expect(share).toBeGreaterThan(0.5);
    expect(share).toBeLessThan(1.5);
  });

  it("are files as long as all of them, without a seam", async () => {
    const twice = {
      data: new Uint8Array([...data.subarray(0, BANDS * FRAMES), ...data.subarray(0, BANDS * FRAMES)]),
      shape: items.shape,
    };
    const file = new DataView(await audio.films!["wav"]!(twice, about).arrayBuffer());
    expect(file.byteLength).toBe(44 + 2 * 2 * FRAMES * HOP);
    const found = Float32Array.from({ length: 2 * FRAMES * HOP }, (_, i) => file.getInt16(44 + 2 * i, true));
    const leap = (from: number, till: number) => {
      let most = 0;
      for (let i = from; i < till; i++) most = Math.max(most, Math.abs(found[i]! - found[i - 1]!));
      return most;
    };
    const seam = leap(FRAMES * HOP - 8, FRAMES * HOP + 8);
    expect(seam).toBeLessThan(1.5 * leap(4 * HOP, 8 * HOP));
    const { files, names } = await audio.files([items], about);
    expect(names).toEqual(["sample-1.wav"]);
    expect(files.get("sample-1.wav")?.length).toBe(44 + 2 * 2 * FRAMES * HOP);
  });

  it("are seen with low bands below, and a size of their own stays as it is", () => {
    const one = Uint8Array.from([1, 2, 3, 4, 5, 6]); // two bands of three frames
    expect(Array.from(resized(one, 3, 3, 2))).toEqual([4, 5, 6, 1, 2, 3]);
    const flat = resized(new Uint8Array(64).fill(200), 8, 5, 20);
    expect(flat.length).toBe(100);
    flat.forEach((value) => expect(value).toBeCloseTo(200, 3));
  });

  it("have the amplitude of their tone as envelope", () => {
    const loud = envelope(data.subarray(0, BANDS * FRAMES), FRAMES);
    expect(loud[FRAMES / 2]).toBeGreaterThan(0.4);
    expect(loud[FRAMES / 2]).toBeLessThan(0.6);
    expect(POWERS[255]).toBe(1);
  });

  it("are told by their pitch and their length", () => {
    const quarter = levels(tone(440, (FRAMES * HOP) / 2), FRAMES);
    expect(audio.caption({ data: quarter, shape: [1, BANDS, FRAMES] }, 0, about)).toMatch(/^A4, 0.1[3-7] s$/);
    expect(audio.caption(items, 1, about)).toBe("0.00 s");
  });

  it("come back from what a perfect decoder gives", () => {
    const y = audio.tensor(items, {} as never);
    expect(audio.items(y, { item_shape: [BANDS, FRAMES] } as never)).toEqual(items);
  });
});
