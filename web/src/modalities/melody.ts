/**
 * Melodies and harmonies as piano rolls: pitch up, time to the right, a colour for each voice. Painted from
 * the stored symbols, on paper exactly as modalities/roll.py does; heard and written as modalities/scores.py
 * does.
 */
import { midi } from "./midi.ts";
import { sized, surface } from "./painted.ts";
import { RATE, sound, wav } from "./synth.ts";
import { PAPER, sizes, type Held, type Ink, type Items, type View } from "./view.ts";
import type { Modality } from "../wire.ts";

// symbols: what was before goes on, silence begins, the first pitch (MIDI 21)
const [HOLD, REST, FIRST, LOWEST] = [0, 1, 2, 21];
const [TEMPO, TICKS] = [120, 120]; // quarter notes a minute; of a step in files
const [OCTAVE, SIDE, ROOM, TOLD] = [12, 64, 128, 10];
const KEYS = new Set([1, 3, 6, 8, 10]); // black ones
const NAMES = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];

interface Config {
  bars: number;
  grid: number;
  voices: number;
  meter: readonly [number, number];
}
const config = (about: Pick<Modality, "config">): Config => about.config as unknown as Config;

type Symbols = ArrayLike<number>;

/** The colours of the ground, black keys, beats and bars, and of each voice: on paper, or the page's own. */
const colours = (ink: Ink) => ({
  ...(ink === PAPER
    ? { ground: ink.ground, black: "#f6f7f9", beat: "#eceff3", bar: "#c4cbd4" }
    : { ground: ink.line, black: `${ink.soft}14`, beat: `${ink.soft}24`, bar: `${ink.soft}70` }),
  voices: [ink.above, ink.accent, ink.symbol, "#9650a0"],
});

/** One voice's notes: first step, the step after the last, symbol. */
export function notes(row: Symbols): [first: number, last: number, symbol: number][] {
  const found: [number, number, number][] = [];
  let begun: [number, number] | null = null;
  for (let t = 0; t <= row.length; t++) {
    const symbol = t < row.length ? (row[t] as number) : REST;
    if (symbol === HOLD) continue;
    if (begun) found.push([begun[0], t, begun[1]]);
    begun = symbol >= FIRST ? [t, symbol] : null;
  }
  return found;
}

/** The lowest and the highest symbol shown: one beyond those that sound, and an octave at least. */
export function span(item: Symbols): [low: number, high: number] {
  let [low, high] = [Infinity, -Infinity];
  for (const symbol of Array.from(item)) {
    if (symbol < FIRST) continue;
    low = Math.min(low, symbol);
    high = Math.max(high, symbol);
  }
  if (low > high) low = high = 41;
  const more = Math.max(OCTAVE - (high - low + 1), 0);
  return [low - Math.floor(more / 2) - 1, high + Math.floor((more + 1) / 2) + 1];
}

function draw(
  pen: CanvasRenderingContext2D,
  items: Items,
  index: number,
  { bars, meter, voices }: Config,
  ink: Ink,
): void {
  const inks = colours(ink);
  const { width, height } = pen.canvas;
  const { size } = sizes(items);
  const [item, steps] = [items.data.slice(index * size, (index + 1) * size), size / voices];
  const beats = Math.max(1, Math.floor((4 * meter[0]) / meter[1]));
  const [low, high] = span(item);
  const x = (t: number): number => Math.floor((t * width) / steps);
  const y = (symbol: number): number => Math.floor(((high - symbol) * height) / (high - low + 1));
  const fill = (colour: string, left: number, top: number, right: number, bottom: number): void => {
    pen.fillStyle = colour;
    pen.fillRect(left, top, right - left + 1, bottom - top + 1);
  };
  fill(inks.ground, 0, 0, width - 1, height - 1);
  if (width >= ROOM) {
    for (let symbol = low; symbol <= high; symbol++)
      if (KEYS.has((symbol - FIRST + 9 + 12) % 12))
        fill(inks.black, 0, y(symbol), width - 1, y(symbol - 1) - 1);
    for (let i = 0; i < bars * beats; i++) {
      const at = Math.floor((i * width) / (bars * beats));
      fill(inks.beat, at, 0, at, height - 1);
    }
  }
  for (let i = 1; i < bars; i++) {
    const at = Math.floor((i * width) / bars);
    fill(inks.bar, at, 0, at, height - 1);
  }
  for (let v = voices - 1; v >= 0; v--)
    for (const [first, last, symbol] of notes(item.slice(v * steps, (v + 1) * steps)))
      fill(
        inks.voices[v % inks.voices.length] as string,
        x(first),
        y(symbol),
        Math.max(x(last) - 2, x(first)),
        Math.max(y(symbol - 1) - 1, y(symbol)),
      );
}

export function pitchName(symbol: number): string {
  const pitch = symbol - FIRST + LOWEST;
  return `${NAMES[pitch % 12] as string}${Math.floor(pitch / 12) - 1}`;
}

/**
 * Rows of y, the probability of each symbol, as symbols in the one form that their music has: nothing goes on
 * at the first step, and silence does not begin twice.
 */
export function settled(y: Float32Array, held: Pick<Held, "soft_shape">): Items {
  const [symbols = 1, voices = 1, steps = 1] = held.soft_shape;
  const places = voices * steps;
  const n = y.length / (symbols * places);
  const data = new Uint8Array(n * places);
  for (let row = 0; row < n; row++)
    for (let v = 0; v < voices; v++) {
      let state = FIRST;
      for (let t = 0; t < steps; t++) {
        const at = row * symbols * places + v * steps + t;
        let best = t ? HOLD : REST;
        for (let s = best + 1; s < symbols; s++)
          if ((y[at + s * places] as number) > (y[at + best * places] as number)) best = s;
        if (t && best === REST && state === REST) best = HOLD;
        if (best !== HOLD) state = best;
        data[row * places + v * steps + t] = best;
      }
    }
  return { data, shape: [n, voices, steps] };
}

/** The notes of each voice, in steps, of some melodies one after the other. */
function played(items: Items, from: number, till: number, about: Modality): ReturnType<typeof notes>[] {
  const { voices } = config(about);
  const [{ size }, steps] = [sizes(items), sizes(items).size / voices];
  return Array.from({ length: voices }, (_, v) => {
    const row: number[] = [];
    for (let i = from; i < till; i++) {
      const at = i * size + v * steps;
      row.push(...Array.from(items.data.slice(at, at + steps) as ArrayLike<number>));
    }
    return notes(row);
  });
}
const lasting = (items: Items, from: number, till: number, { voices }: Config): number =>
  ((till - from) * sizes(items).size) / voices;

/** Seconds of a step. */
const lasts = (about: Modality, tempo: number): number => 60 / TEMPO / tempo / config(about).grid;

function heard(
  items: Items,
  from: number,
  till: number,
  about: Modality,
  tempo = 1,
): Float32Array<ArrayBuffer> {
  const step = lasts(about, tempo);
  const all = played(items, from, till, about).flatMap((voice) =>
    voice.map(([first, last, symbol]) => ({
      start: first * step,
      length: (last - first) * step,
      pitch: symbol - FIRST + LOWEST,
    })),
  );
  return sound(all, lasting(items, from, till, config(about)) * step, config(about).voices);
}

function score(items: Items, about: Modality): Uint8Array<ArrayBuffer> {
  const [{ n }, { meter, grid }] = [sizes(items), config(about)];
  const voices = played(items, 0, n, about).map((voice) =>
    voice.map(([first, last, symbol]) => ({
      first: first * TICKS,
      last: last * TICKS,
      pitch: symbol - FIRST + LOWEST,
    })),
  );
  return midi(voices, meter, grid * TICKS, TEMPO, lasting(items, 0, n, config(about)) * TICKS);
}

export const melody: View = {
  paint(items, index, canvas, about, { side = SIDE, ink = PAPER } = {}) {
    const width = Math.max(Math.round(side), 1);
    draw(sized(canvas, width, width), items, index, config(about), ink);
  },
  rgba(items, index, width, height, about) {
    const { pen } = surface(width, height);
    draw(pen, items, index, config(about), PAPER);
    return pen.getImageData(0, 0, width, height).data;
  },
  caption(items, index, about) {
    const { size } = sizes(items);
    const top = items.data.slice(index * size, index * size + size / config(about).voices);
    const names = Array.from(top as ArrayLike<number>)
      .filter((symbol) => symbol >= FIRST)
      .map(pitchName);
    return names.slice(0, TOLD).join(" ") + (names.length > TOLD ? " ..." : "");
  },
  exact: true,
  paper: true,
  sound: (items, index, about, tempo = 1) => ({
    samples: heard(items, index, index + 1, about, tempo),
    rate: RATE,
    seconds: lasting(items, index, index + 1, config(about)) * lasts(about, tempo),
  }),
  track: (items, about) => ({ samples: heard(items, 0, sizes(items).n, about), rate: RATE }),
  films: {
    mid: (items, about) => new Blob([score(items, about)], { type: "audio/midi" }),
    wav: (items, about) =>
      new Blob([wav(heard(items, 0, sizes(items).n, about), RATE)], { type: "audio/wav" }),
  },
  items: settled,
  tensor: (items) => Float32Array.from(items.data),
  async files(items, about) {
    const names = items.map((_, i) => `sample-${i + 1}.mid`);
    return { files: new Map(items.map((item, i) => [names[i] as string, score(item, about)])), names };
  },
};
