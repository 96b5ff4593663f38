/** A small synthesiser: notes as sound, the same as modalities/synth.py makes of them. */
export const RATE = 22_050; // samples a second
const [ATTACK, RELEASE] = [0.008, 0.06]; // seconds
const [HARMONICS, DARK, FADE] = [12, 1.6, 0.9]; // how many, how much softer the higher, their decay in 1/s
const [LOUD, PEAK, LONGEST] = [0.7, 0.95, 8]; // of one voice, of all at most; seconds of a note
const KEPT = 256; // tones

export interface Note {
  /** In seconds. */
  start: number;
  length: number;
  /** MIDI; A4 = 69 = 440 Hz. */
  pitch: number;
}

/** The nearest whole number, of two the even one, as Python rounds. */
function rounded(x: number): number {
  const up = Math.round(x);
  return up - x === 0.5 && up % 2 ? up - 1 : up;
}

/** Notes of some voices as samples within -1 and 1, with the fading of the last one. */
export function sound(notes: readonly Note[], seconds: number, voices: number): Float32Array<ArrayBuffer> {
  const out = new Float32Array(Math.trunc((seconds + RELEASE) * RATE) + 1);
  for (const { start, length, pitch } of notes) {
    const first = rounded(start * RATE);
    const made = tone(pitch, rounded(Math.min(length, LONGEST) * RATE));
    const last = Math.min(made.length, out.length - first);
    for (let i = 0; i < last; i++)
      out[first + i] = (out[first + i] as number) + (made[i] as number) / Math.sqrt(voices);
  }
  const peak = out.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return peak > PEAK ? out.map((value) => (value * PEAK) / peak) : out;
}

const tones = new Map<string, Float32Array>();
/** One note, held for so many samples, and its fading. */
function tone(pitch: number, count: number): Float32Array {
  const key = `${pitch} ${count}`;
  const known = tones.get(key);
  if (known) return known;
  if (tones.size >= KEPT) tones.delete(tones.keys().next().value as string);
  const base = 440 * 2 ** ((pitch - 69) / 12);
  const out = new Float64Array(count + Math.trunc(RELEASE * RATE));
  let total = 0;
  for (let k = 1; k <= HARMONICS && (k === 1 || k * base <= 0.4 * RATE); k++) {
    const [share, turn] = [k ** -DARK, (2 * Math.PI * k * base) / RATE];
    const fade = Math.exp((-FADE * k ** 0.7) / RATE);
    const [by, across] = [fade * Math.cos(turn), fade * Math.sin(turn)];
    // a number that turns and shrinks: its imaginary part is the sine
    for (let i = 0, x = share, y = 0; i < out.length; i++) {
      out[i] = (out[i] as number) + y;
      [x, y] = [x * by - y * across, x * across + y * by];
    }
    total += share;
  }
  const made = Float32Array.from(out, (value, i) => {
    const rise = 0.5 - 0.5 * Math.cos(Math.PI * Math.min(i / RATE / ATTACK, 1));
    const gone = Math.min(Math.max((i - count) / RATE / RELEASE, 0), 1);
    return (LOUD / total) * value * rise * (0.5 + 0.5 * Math.cos(Math.PI * gone));
  });
  tones.set(key, made);
  return made;
}

/** Samples within -1 and 1 as a WAV file of 16 bits. */
export function wav(samples: Float32Array, rate: number): Uint8Array<ArrayBuffer> {
  const file = new DataView(new ArrayBuffer(44 + 2 * samples.length));
  const word = (at: number, text: string): void =>
    [...text].forEach((letter, i) => file.setUint8(at + i, letter.charCodeAt(0)));
  word(0, "RIFF");
  file.setUint32(4, 36 + 2 * samples.length, true);
  word(8, "WAVEfmt ");
  file.setUint32(16, 16, true);
  file.setUint16(20, 1, true); // plain numbers
  file.setUint16(22, 1, true); // one channel
  file.setUint32(24, rate, true);
  file.setUint32(28, 2 * rate, true);
  file.setUint16(32, 2, true);
  file.setUint16(34, 16, true);
  word(36, "data");
  file.setUint32(40, 2 * samples.length, true);
  samples.forEach((value, i) =>
    file.setInt16(44 + 2 * i, Math.round(Math.min(Math.max(value, -1), 1) * 32_767), true),
  );
  return new Uint8Array(file.buffer);
}
