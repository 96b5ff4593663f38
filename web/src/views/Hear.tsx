/** Items as sound: a button, another that has them again and again, and a line that goes over the picture. */
import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { viewOf } from "../modalities/index.ts";
import type { Items, Sound } from "../modalities/view.ts";
import { at, hush, play, prepare, sounding, sounds, type Part } from "../sound.ts";
import { space } from "../state.ts";
import { Icon } from "./icons.tsx";

const made = new WeakMap<object, Map<string, Sound>>();

/** One of some items as it sounds, made once; null: its kind does not. */
export function heard(items: Items | null, index: number, tempo = 1): Part | null {
  const about = space.peek()?.modality;
  const { sound } = viewOf(about);
  if (!items || !about || !sound) return null;
  const known = made.get(items.data) ?? new Map<string, Sound>();
  const key = `${index} ${tempo}`;
  const found = known.get(key) ?? sound(items, index, about, tempo);
  made.set(items.data, known.set(key, found));
  return { items, index, sound: found };
}

const RESTED = 300; // milliseconds: what has been shown for so long is made ready to be heard
/** Whether what a button plays begins again when it is over. */
const again = signal(false);
/** The button that plays what is heard now: it ends with the picture that it belongs to. */
const holder = signal<object | null>(null);

/** Over the picture of an item, in a place that holds both; nothing where a kind has no sound. */
export function Hear({ items, index = 0, name }: { items: Items | null; index?: number; name: string }) {
  const me = useRef<{ items: Items | null; index: number }>({ items, index }).current;
  [me.items, me.index] = [items, index];
  useEffect(() => {
    if (holder.peek() === me && !again.peek()) hush();
    const timer = setTimeout(() => heard(items, index) && prepare(), RESTED);
    return () => clearTimeout(timer);
  }, [items?.data, index]);
  useEffect(() => () => void (holder.peek() === me && hush()), []);
  if (!items || !viewOf(space.value?.modality).sound) return null;
  const mine = holder.value === me;
  const on = mine || sounds(items, index);
  const turn = () => {
    if (on) return hush();
    let first = true;
    const next = () => (first || again.value ? ((first = false), heard(me.items, me.index)) : null);
    play(next, { ended: () => (holder.value = null) });
    holder.value = me;
  };
  return (
    <>
      {on && <Playhead />}
      <button
        type="button"
        class="button icon hear"
        aria-pressed={on}
        aria-label={`Play ${name}`}
        title={`${on ? "Stop" : "Play"} (H)`}
        onClick={turn}
      >
        <Icon name={on ? "stop" : "play"} />
      </button>
      {mine && (
        <button
          type="button"
          class="button icon again"
          aria-pressed={again.value}
          aria-label="Again and again"
          title="Again and again, and as it becomes while sliders move"
          onClick={() => (again.value = !again.value)}
        >
          <Icon name="again" />
        </button>
      )}
    </>
  );
}

export function Playhead() {
  return <span class="playhead" aria-hidden="true" style={{ left: `${100 * at.value}%` }} />;
}

/** Whether what the pointer is over sounds, softly; kept for the next visit. */
export const hovers = signal(false);
const KEPT = "liminal-hover";
try {
  hovers.value = localStorage.getItem(KEPT) === "1";
} catch {
  // a page from a file may not be allowed to remember
}
export function turnHovers(): void {
  if (!viewOf(space.value?.modality).sound) return;
  hovers.value = !hovers.value;
  try {
    localStorage.setItem(KEPT, hovers.value ? "1" : "0");
  } catch {
    // as above
  }
}

const STILL = 120; // milliseconds that a pointer rests for before it is heard
let hovering = false;

/** Plays what the pointer is over, once it rests there, unless something else is played. */
export function useHovers(items: Items | null): void {
  const on = hovers.value;
  useEffect(() => {
    if (!on || !items) return void (hovering && hush());
    const timer = setTimeout(() => {
      if ((sounding.peek() && !hovering) || !navigator.userActivation?.hasBeenActive) return;
      let part = heard(items, 0);
      play(() => [part, (part = null)][0] ?? null, { soft: true, ended: () => (hovering = false) });
      hovering = part === null;
    }, STILL);
    return () => clearTimeout(timer);
  }, [items?.data, on]);
}

const buttons = () => [...document.querySelectorAll<HTMLButtonElement>(".panel .hear")];

/** Plays the first that is shown, then the next; after the last one silence. */
export function hearNext(): void {
  const all = buttons();
  const now = all.findIndex((one) => one.ariaPressed === "true");
  (all[now + 1] ?? all[now])?.click();
}

/** Plays the first that is shown, or makes an end. */
export function hearOrNot(): void {
  if (sounding.peek()) hush();
  else buttons()[0]?.click();
}
