/**
 * Plays the frames of the path that is open: forwards and back, or round where it is a loop. What can be
 * heard plays as music: each frame in its own time, the next one right after it.
 */
import { computed, effect, signal, untracked } from "@preact/signals";
import { viewOf } from "../modalities/index.ts";
import { hush, play } from "../sound.ts";
import { doc, frame, space, walked } from "../state.ts";
import { heard } from "./Hear.tsx";

export const playing = signal(false);
export const speed = signal(1);
export const musical = computed(() => viewOf(space.value?.modality).sound !== undefined);
const PER_SECOND = 24;

let asked = 0;
let before = 0;
let way = 1;

const last = (): number => (walked.value?.items.shape[0] ?? 1) - 1;

function step(now: number): void {
  const moved = before ? ((now - before) / 1000) * PER_SECOND * speed.value : 0;
  before = now;
  let next = frame.value + way * moved;
  if (doc.value.loop && next > last()) next %= last() || 1;
  else if (next > last()) [next, way] = [last(), -1];
  else if (next < 0) [next, way] = [0, 1];
  frame.value = next;
  if (playing.value) asked = requestAnimationFrame(step);
}

function sing(): void {
  let next = Math.round(frame.value);
  if (next >= last()) next = 0;
  const part = () => {
    if (next > last() && doc.value.loop) next = 0;
    return next > last() ? null : heard(walked.value?.items ?? null, next++, speed.value);
  };
  play(part, { heard: ({ index }) => (frame.value = index), ended: () => (playing.value = false) });
}

effect(() => {
  const on = playing.value;
  untracked(() => {
    cancelAnimationFrame(asked);
    before = 0;
    if (on && musical.value) sing();
    else if (on) asked = requestAnimationFrame(step);
    else if (musical.value) hush();
  });
});
