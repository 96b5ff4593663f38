/** Plays the frames of the path that is open: forwards and back, or round where it is a loop. */
import { effect, signal } from "@preact/signals";
import { doc, frame, walked } from "../state.ts";

export const playing = signal(false);
export const speed = signal(1);
const PER_SECOND = 24;

let asked = 0;
let before = 0;
let way = 1;

function step(now: number): void {
  const last = (walked.value?.items.shape[0] ?? 1) - 1;
  const moved = before ? ((now - before) / 1000) * PER_SECOND * speed.value : 0;
  before = now;
  let next = frame.value + way * moved;
  if (doc.value.loop && next > last) next %= last || 1;
  else if (next > last) [next, way] = [last, -1];
  else if (next < 0) [next, way] = [0, 1];
  frame.value = next;
  if (playing.value) asked = requestAnimationFrame(step);
}

effect(() => {
  cancelAnimationFrame(asked);
  before = 0;
  if (playing.value) asked = requestAnimationFrame(step);
});
