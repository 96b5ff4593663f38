/** What one sees first: what this is, in two lines, and three things to do. */
import { useEffect, useMemo, useState } from "preact/hooks";
import { keyOf, place, type Subject } from "../document.ts";
import { title } from "../names.ts";
import { useLive } from "../live.ts";
import { able, ask, doc, layout, shown, space } from "../state.ts";
import { anyItem, morph, pair, pick, slide } from "./actions.ts";
import { Face, Item, noun } from "./Item.tsx";
import { Icon } from "./icons.tsx";
import { calm } from "./theme.ts";

export function StartView() {
  const about = space.value;
  const ready = layout.value !== null && shown.value.length > 0;
  const [from, to] = useMemo(
    (): [Subject | null, Subject | null] => (ready ? pair() : [null, null]),
    [ready],
  );
  const other = useMemo((): Subject | null => (ready ? (doc.value.subject ?? anyItem()) : null), [ready]);
  if (!about) return null;
  const few = about.notes.length <= FEW_NOTES;
  return (
    <div class="start">
      <h1>{title(about.name)}</h1>
      <p class="lead">
        {about.items
          ? `Every point is one of ${about.items.toLocaleString("en")} ${noun(true)}. Alike ones lie ` +
            `close together, and the places between them can be seen too: move over the map.`
          : `A model has learned from ${noun(true)} that stay private. What it makes of every place can ` +
            `be seen: move over the map.`}
      </p>
      <button type="button" class="invite" onClick={() => from && to && morph([from, to])}>
        <Morphing from={from} to={to} />
        <span>
          <b>Morph</b>
          Turn one {noun(false)} into another
        </span>
      </button>
      <button type="button" class="invite" onClick={() => other && slide(other)}>
        <div class="demo sliders" aria-hidden="true">
          {other && <Face subject={other} />}
          <i />
          <i />
          <i />
        </div>
        <span>
          <b>Change</b>
          Move one thing, keep the rest
        </span>
      </button>
      {able("encode") && (
        <button type="button" class="invite" onClick={pick}>
          <div class="demo own" aria-hidden="true">
            <Icon name="upload" />
          </div>
          <span>
            <b>Bring your own</b>
            {matchMedia("(pointer: coarse)").matches
              ? `Choose a ${noun(false)} of yours`
              : `Drop a ${noun(false)} anywhere on this page, or click`}
          </span>
        </button>
      )}
      <p class="fine">
        {about.dim} numbers describe each {noun(false)}. {layout.value && `${layout.value.words}.`}{" "}
        {few && about.notes.map(ended).join(" ")} {about.licence && `Licence: ${about.licence}.`}
      </p>
      {!few && (
        <details class="fine notes">
          <summary>{about.notes.length} notes on the data and the model</summary>
          <ul>
            {about.notes.map((note) => (
              <li key={note}>{note}</li>
            ))}
          </ul>
        </details>
      )}
    </div>
  );
}

/** So many notes are read at a glance; more are for who asks. */
const FEW_NOTES = 3;

/** A note as a sentence that others follow. */
const ended = (note: string): string => (/[.!?]$/.test(note) ? note : `${note}.`);

/** The invitation shows what it does: a short walk, there and back. */
function Morphing({ from, to }: { from: Subject | null; to: Subject | null }) {
  const ends = from && to && space.value?.ready ? [from, to] : null;
  const key = ends && ends.map(keyOf).join(" ");
  const live = useLive(key, (signal) => {
    return ask(
      "path",
      {},
      { keys: (ends ?? []).map(place), along: doc.value.along, frames: 24, method: doc.value.method },
      signal,
    );
  });
  const [at, setAt] = useState(0);
  useEffect(() => {
    if (!live.value || calm()) return;
    const timer = setInterval(() => setAt((now) => (now + 1) % 62), 70);
    return () => clearInterval(timer);
  }, [live.value]);
  const frame = at < 24 ? at : at < 31 ? 23 : at < 55 ? 54 - at : 0;
  return (
    <div class="demo morphing" aria-hidden="true">
      {live.value ? (
        <Item items={live.value.items} index={frame} name="a morph" />
      ) : (
        from && <Face subject={from} />
      )}
      {to && (
        <div class="ends">
          {from && <Face subject={from} />}
          <Face subject={to} />
        </div>
      )}
    </div>
  );
}
