/** Files of sound as items, in a page: decoded by the browser, then cut as modalities/audio.py cuts them. */
import { hopOf, spectrogram } from "./phase.ts";
import type { Held, Opened } from "./view.ts";

const QUIET = 10 ** (-50 / 20); // of the peak: what is below it before and after a sound is silence
const [OVER, AHEAD] = [1.5, 10]; // items that a one-shot lasts at most, seconds of silence beside it

interface Config {
  hertz: number;
  seconds: number;
}

/** Samples of one channel at a rate, and how many channels there were. */
async function decoded(file: Blob, hertz: number): Promise<{ samples: Float32Array; channels: number }> {
  const unread = new Error("This file is no sound that the browser can read.");
  const data = await file.arrayBuffer();
  const room = new OfflineAudioContext(1, 1, hertz);
  const sound = await room.decodeAudioData(data).catch(() => Promise.reject(unread));
  const channels = Array.from({ length: sound.numberOfChannels }, (_, c) => sound.getChannelData(c));
  const samples = new Float32Array(sound.length);
  for (const channel of channels) channel.forEach((value, i) => (samples[i]! += value / channels.length));
  return { samples, channels: channels.length };
}

/** The item in samples: a one-shot from its onset, else the first window that is not silent. */
export function cut(
  samples: Float32Array,
  { hertz, seconds }: Config,
  [bands = 1, frames = 1]: readonly number[],
): Opened {
  const [hop, shape] = [hopOf(hertz), [1, bands, frames]];
  const room = frames * hop;
  const peak = samples.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const loud = (value: number): boolean => Math.abs(value) > QUIET * peak;
  const onset = samples.findIndex(loud);
  if (onset < 0) throw new Error("This file is silent.");
  const first = Math.max(onset - hop, 0);
  const length = samples.findLastIndex(loud) + 1 - first;
  if (length <= OVER * room && samples.length <= OVER * room + AHEAD * hertz) {
    const shot = samples.subarray(first, first + room + 4 * hop);
    const remarks = length > room ? [`cut to ${Number(seconds.toPrecision(3))} s`] : [];
    return { item: { data: spectrogram(shot, 0, frames, hertz, bands), shape }, remarks };
  }
  for (let number = 0; number * room < samples.length; number++) {
    const data = spectrogram(samples, number * frames, frames, hertz, bands);
    if (data.some((level) => level > 0))
      return { item: { data, shape }, remarks: ["the first of several sounds in the file"] };
  }
  throw new Error("This file is silent.");
}

export async function open(file: Blob, held: Held): Promise<Opened> {
  const config = held.modality.config as unknown as Config;
  const { samples, channels } = await decoded(file, config.hertz);
  const { item, remarks } = cut(samples, config, held.item_shape);
  return {
    item,
    remarks: [...(channels > 1 ? [`folded from ${channels} channels to one`] : []), ...remarks],
  };
}
