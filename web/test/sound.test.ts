/** What sounds: tones, their files, and ends that do not click. */
import { describe, expect, it } from "vitest";
import { midi } from "../src/modalities/midi.ts";
import { RATE, sound, wav } from "../src/modalities/synth.ts";
import { melody } from "../src/modalities/melody.ts";
import { faded } from "../src/sound.ts";
import type { Modality } from "../src/wire.ts";

const peak = (samples: Float32Array) => samples.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
/** How much of a frequency is in samples. */
function share(samples: Float32Array, hertz: number): number {
  let [x, y] = [0, 0];
  samples.forEach((value, i) => {
    x += value * Math.cos((2 * Math.PI * hertz * i) / RATE);
    y += value * Math.sin((2 * Math.PI * hertz * i) / RATE);
  });
  return Math.hypot(x, y) / samples.length;
}

describe("tones", () => {
  it("have their pitch, last as long as they should, and end in silence", () => {
    const found = sound([{ start: 0.1, length: 0.5, pitch: 69 }], 1, 1);
    expect(found.length).toBe(Math.trunc(1.06 * RATE) + 1);
    const [before, during, after] = [0.1, 0.6, 0.665].map((t) => Math.round(t * RATE));
    expect(peak(found.subarray(0, before))).toBe(0);
    expect(peak(found.subarray(after))).toBe(0);
    const tone = found.subarray(before, during);
    expect(share(tone, 440)).toBeGreaterThan(20 * share(tone, 466.16));
    expect(peak(tone)).toBeGreaterThan(0.3);
    let leap = 0;
    found.forEach((value, i) => (leap = Math.max(leap, Math.abs(value - (found[i - 1] ?? 0)))));
    expect(leap).toBeLessThan(0.25); // no faster than its own harmonics
  });

  it("stay below 1, however many sound at once", () => {
    const many = Array.from({ length: 12 }, (_, i) => ({ start: 0, length: 0.2, pitch: 48 + i }));
    expect(peak(sound(many, 0.2, 1))).toBeLessThanOrEqual(0.951);
    expect(peak(sound([], 0.2, 1))).toBe(0);
  });

  it("are written as WAV", () => {
    const file = new DataView(wav(Float32Array.from([0, 1, -1, 2]), RATE).buffer);
    expect(file.byteLength).toBe(52);
    expect([0, 1, 2, 3].map((i) => file.getInt16(44 + 2 * i, true))).toEqual([0, 32_767, -32_767, 32_767]);
    expect(file.getUint32(24, true)).toBe(RATE);
  });

  it("begin and end at nothing where they are cut", () => {
    const cut = faded({ samples: new Float32Array(1000).fill(1), rate: 20_000, seconds: 0.05 });
    expect([cut[0], cut[999], cut[50], cut[100], cut[500]]).toEqual([0, 0, 0.5, 1, 1]);
    expect(Array.from(faded({ samples: Float32Array.from([1]), rate: 20_000, seconds: 1 }))).toEqual([1]);
  });
});

describe("melodies", () => {
  const about = { config: { bars: 1, grid: 1, voices: 2, meter: [3, 4] } } as unknown as Modality;
  const items = { data: Uint8Array.from([41, 0, 1, 29, 0, 0, 43, 1, 0, 1, 0, 0]), shape: [2, 2, 3] };

  it("last as long as their bars, each begun anew", () => {
    const found = melody.sound?.(items, 1, about);
    expect(found?.seconds).toBe(1.5);
    expect(found?.samples.length).toBe(Math.trunc(1.56 * RATE) + 1);
    const tone = found?.samples.subarray(0, RATE / 2) as Float32Array;
    expect(share(tone, 293.66)).toBeGreaterThan(20 * share(tone, 261.63)); // D4, not C4
  });

  it("are written as MIDI, waits of more than 127 ticks in two bytes", () => {
    const file = midi([[{ first: 0, last: 200, pitch: 60 }]], [6, 8], 480, 120, 240);
    const hex = Array.from(file, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
    expect(hex).toBe(
      "4d 54 68 64 00 00 00 06 00 01 00 01 01 e0 4d 54 72 6b 00 00 00 31 00 ff 58 04 06 03 18 08 " +
        "00 ff 51 03 07 a1 20 00 ff 03 07 76 6f 69 63 65 20 31 00 c0 00 00 90 3c 5a 81 48 80 3c 5a " +
        "28 ff 06 03 65 6e 64 01 ff 2f 00",
    );
  });
});
