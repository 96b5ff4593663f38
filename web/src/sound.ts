/**
 * What is heard: one thing at a time, through one context, which the first gesture makes that asks for sound.
 */
import { signal } from "@preact/signals";
import type { Items, Sound } from "./modalities/view.ts";

/** One of some items, and how it sounds. */
export interface Part {
  items: Items;
  index: number;
  sound: Sound;
}

const VOLUME = 0.5; // two that sound into each other stay below 1
const SOFT = 0.3; // of that
const [FADE, BEFORE] = [0.005, 0.03]; // seconds: at ends, until it begins
/**
 * Seconds that are made ready: what changes is soon heard, but a page in the background is woken once each.
 */
const ahead = (): number => (document.hidden ? 2 : 0.4);
const TICK = 40; // milliseconds

export const sounding = signal<Part | null>(null);
/** How much of what sounds now is over, 0 to 1. */
export const at = signal(0);
/** Whether it is this one that sounds now. */
export const sounds = (items: Items | null, index: number): boolean =>
  sounding.value !== null && sounding.value.items.data === items?.data && sounding.value.index === index;

/** The same samples with ends that do not click. */
export function faded({ samples, rate }: Sound): Float32Array<ArrayBuffer> {
  const count = Math.min(Math.round(FADE * rate), samples.length >> 1);
  const out = samples.slice();
  for (let i = 0; i < count; i++)
    for (const at of [i, out.length - 1 - i]) out[at] = ((out[at] as number) * i) / count;
  return out;
}

let context: AudioContext | null = null;
/** Makes the context, which takes a while, before it is wanted: not until somebody has clicked or typed. */
export function prepare(): void {
  if (context || !navigator.userActivation?.hasBeenActive) return;
  context = new AudioContext();
  void context.suspend();
}
let stop: (() => void) | null = null;

/** Silence; whoever was heard is told. */
export const hush = (): void => stop?.();

/** Who is told of each part as it begins, and once when all is over or is stopped; whether it is soft. */
interface Told {
  heard?: (part: Part) => void;
  ended?: () => void;
  soft?: boolean;
}
/** Plays parts one after the other for as long as there is a next one, asked for shortly before it begins. */
export function play(
  next: () => Part | null,
  { heard = () => {}, ended = () => {}, soft = false }: Told = {},
): void {
  hush();
  const on = (context ??= new AudioContext());
  void on.resume();
  const gain = new GainNode(on, { gain: soft ? SOFT * VOLUME : VOLUME });
  gain.connect(on.destination);
  const waiting: { part: Part; from: number; till: number }[] = [];
  let [till, done] = [on.currentTime + BEFORE, false];
  const over = (): void => {
    clearInterval(timer);
    document.removeEventListener("visibilitychange", run);
    stop = null;
    sounding.value = null;
    setTimeout(() => (gain.disconnect(), stop || void on.suspend()), 1000); // the last one may sound on
    ended();
  };
  const run = (): void => {
    while (!done && till - on.currentTime < ahead()) {
      const part = next();
      if (!part) done = true;
      else till = schedule(part);
      if (!sounding.peek()) break; // the first one is heard before the next one is made
    }
    while (waiting.length && (waiting[0]?.till ?? 0) <= on.currentTime) waiting.shift();
    const [first] = waiting;
    if (!first) return over();
    at.value = Math.max(on.currentTime - first.from, 0) / (first.till - first.from);
    if (sounding.peek() === first.part) return;
    sounding.value = first.part;
    heard(first.part);
  };
  const schedule = (part: Part): number => {
    const { early = 0 } = part.sound;
    const from = Math.max(till, on.currentTime + early);
    const buffer = new AudioBuffer({ length: part.sound.samples.length, sampleRate: part.sound.rate });
    buffer.copyToChannel(faded(part.sound), 0);
    const source = new AudioBufferSourceNode(on, { buffer });
    source.connect(gain);
    source.start(from - early);
    waiting.push({ part, from, till: from + part.sound.seconds });
    return from + part.sound.seconds;
  };
  const timer = setInterval(run, TICK);
  document.addEventListener("visibilitychange", run);
  stop = () => {
    gain.gain.setTargetAtTime(0, on.currentTime, FADE / 3);
    over();
  };
  run();
}
