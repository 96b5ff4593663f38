/**
 * Melodies and harmonies as piano rolls: pitch up, time to the right, a colour for each voice. Painted from
 * the stored symbols exactly as modalities/roll.py does.
 */
import { pngs, sized, surface } from "./painted.ts";
import { sizes, type Held, type Items, type View } from "./view.ts";
import type { Modality } from "../wire.ts";

// symbols: what was before goes on, silence begins, the first pitch (MIDI 21)
const [HOLD, REST, FIRST, LOWEST] = [0, 1, 2, 21];
const [GROUND, BLACK, BEAT, BAR] = ["#ffffff", "#f6f7f9", "#eceff3", "#c4cbd4"];
const COLOURS = ["#2c6ebb", "#d68400", "#3a8a68", "#9650a0"];
const [OCTAVE, SIDE, ROOM, TOLD] = [12, 64, 128, 10];
const KEYS = new Set([1, 3, 6, 8, 10]); // black ones
const NAMES = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];

interface Config {
  bars: number;
  voices: number;
  meter: readonly [number, number];
}
const config = (about: Pick<Modality, "config">): Config => about.config as unknown as Config;

type Symbols = ArrayLike<number>;

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
): void {
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
  fill(GROUND, 0, 0, width - 1, height - 1);
  if (width >= ROOM) {
    for (let symbol = low; symbol <= high; symbol++)
      if (KEYS.has((symbol - FIRST + 9 + 12) % 12)) fill(BLACK, 0, y(symbol), width - 1, y(symbol - 1) - 1);
    for (let i = 0; i < bars * beats; i++) {
      const at = Math.floor((i * width) / (bars * beats));
      fill(BEAT, at, 0, at, height - 1);
    }
  }
  for (let i = 1; i < bars; i++) {
    const at = Math.floor((i * width) / bars);
    fill(BAR, at, 0, at, height - 1);
  }
  for (let v = voices - 1; v >= 0; v--)
    for (const [first, last, symbol] of notes(item.slice(v * steps, (v + 1) * steps)))
      fill(
        COLOURS[v % COLOURS.length] as string,
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

export const melody: View = {
  paint(items, index, canvas, about, { side = SIDE } = {}) {
    const width = Math.max(Math.round(side), 1);
    draw(sized(canvas, width, width), items, index, config(about));
  },
  rgba(items, index, width, height, about) {
    const { pen } = surface(width, height);
    draw(pen, items, index, config(about));
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
  items: settled,
  tensor: (items) => Float32Array.from(items.data),
  files: (items, about) => pngs(melody, items, about),
};
