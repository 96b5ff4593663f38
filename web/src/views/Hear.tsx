/** Items as sound: a button, and a line that goes over the picture while they sound. */
import { useEffect } from "preact/hooks";
import { viewOf } from "../modalities/index.ts";
import type { Items } from "../modalities/view.ts";
import { at, hush, play, sounds, type Part } from "../sound.ts";
import { space } from "../state.ts";
import { Icon } from "./icons.tsx";

/** One of some items as it sounds; null: its kind does not. */
export function heard(items: Items | null, index: number): Part | null {
  const about = space.peek()?.modality;
  const { sound } = viewOf(about);
  return items && about && sound ? { items, index, sound: sound(items, index, about) } : null;
}

/** Whether what sounds was begun by a button here: it ends with the picture that it belongs to. */
let alone = false;

/** Over the picture of an item, in a place that holds both; nothing where a kind has no sound. */
export function Hear({ items, index = 0, name }: { items: Items | null; index?: number; name: string }) {
  useEffect(() => () => void (alone && sounds(items, index) && hush()), [items?.data, index]);
  if (!items || !viewOf(space.value?.modality).sound) return null;
  const on = sounds(items, index);
  const turn = () => {
    if (on) return hush();
    let next = heard(items, index);
    play(() => [next, (next = null)][0] ?? null, { ended: () => (alone = false) });
    alone = true;
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
    </>
  );
}

function Playhead() {
  return <span class="playhead" aria-hidden="true" style={{ left: `${100 * at.value}%` }} />;
}

/** Plays the first that is shown, then the next; after the last one silence. */
export function hearNext(): void {
  const all = [...document.querySelectorAll<HTMLButtonElement>(".panel .hear")];
  const now = all.findIndex((one) => one.ariaPressed === "true");
  (all[now + 1] ?? all[now])?.click();
}
