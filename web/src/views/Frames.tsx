/** The frames of a walk: what it goes through, the one that it is at, and how far each can be trusted. */
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { keyOf, nameOf } from "../document.ts";
import type { Live } from "../live.ts";
import { supportWords } from "../scales.ts";
import { change, doc, frame, idOf, rowOf, select, walked } from "../state.ts";
import type { ExportRequest, Path } from "../wire.ts";
import { addKey, anyItem, dropKey, morph, moveKey, setKey, unlike } from "./actions.ts";
import { Button, Section, State, Support } from "./components.tsx";
import { Face, Item } from "./Item.tsx";
import { musical, playing, speed } from "./player.ts";
import { Take } from "./Take.tsx";
import { calm } from "./theme.ts";

const LATE = 400; // milliseconds after which it is said that a way is being worked out

/** What a walk goes through, in its order. */
export function Keys({ title = "Key frames", pick = () => morph() }: { title?: string; pick?: () => void }) {
  const keys = doc.value.keys;
  const another = () => {
    const last = keys.at(-1);
    const row = last?.kind === "item" ? rowOf(last.id) : -1;
    addKey(row >= 0 ? { kind: "item", id: idOf(unlike(row)) } : anyItem());
  };
  return (
    <Section title={title} aside={<small>{keys.length ? "Click the map, or + for a random one" : ""}</small>}>
      <ol class="keyframes">
        {keys.map((key, i) => (
          <li key={`${i} ${keyOf(key)}`}>
            <button
              type="button"
              class="thumb"
              title={`${nameOf(key)}: look at it`}
              onClick={() => select(key, "item")}
            >
              <Face subject={key} />
              <span class="number">{i + 1}</span>
            </button>
            <span class="key-tools">
              <Button
                kind="icon"
                icon="left"
                disabled={i === 0}
                aria-label={`Key frame ${i + 1} earlier`}
                title="Earlier on the way"
                onClick={() => moveKey(i, -1)}
              />
              <Button
                kind="icon"
                icon="dice"
                aria-label={`Another for key frame ${i + 1}`}
                title="Another one in its place"
                onClick={() => setKey(i, anyItem())}
              />
              <Button
                kind="icon"
                icon="close"
                aria-label={`Remove key frame ${i + 1}`}
                title="Take it out"
                onClick={() => dropKey(i)}
              />
            </span>
          </li>
        ))}
        <li>
          <button type="button" class="thumb add" onClick={another} title="Add one at random">
            <span aria-hidden="true">+</span>
            <span class="sr">Add a key frame at random</span>
          </button>
        </li>
      </ol>
      {keys.length === 0 && (
        <Button kind="main" icon="dice" onClick={pick}>
          Pick two for me
        </Button>
      )}
    </Section>
  );
}

/** Whether something has been going on for so long that it should be said. */
function useLate(busy: boolean): boolean {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = busy ? setTimeout(() => setLate(true), LATE) : 0;
    if (!busy) setLate(false);
    return () => clearTimeout(timer);
  }, [busy]);
  return late && busy;
}

interface Walking {
  live: Live<Path>;
  /** How it was asked for. */
  asked: ExportRequest["path"] | null;
  /** What going on from its end means. */
  round: string;
  /** All of it at a glance; else the frame that it is at is shown. */
  children?: ComponentChildren;
}

/** A walk as it plays, and as it is taken away. */
export function Player({ live, asked, round, children }: Walking) {
  useEffect(() => {
    walked.value = live.value;
    if (live.value && !calm() && !musical.value) playing.value = true; // nobody is surprised by sound
  }, [live.value]);
  useEffect(
    () => () => {
      walked.value = null;
      playing.value = false;
    },
    [],
  );
  const late = useLate(live.busy);
  const path = live.value;
  const last = (path?.items.shape[0] ?? 1) - 1;
  const at = Math.min(Math.max(Math.round(frame.value), 0), last);
  const move = (event: Event) => {
    playing.value = false;
    frame.value = Number((event.target as HTMLInputElement).value);
  };
  return (
    <div class="player">
      {children ?? (
        <>
          <Item
            items={path?.items ?? null}
            index={at}
            name={`frame ${at + 1} of ${last + 1}`}
            class="large"
            told
            heard
          />
          {path &&
            (late ? (
              <State busy words="Working out the new way" />
            ) : (
              <Support value={path.support.data[at] ?? NaN} />
            ))}
        </>
      )}
      <div class="transport">
        <Button
          kind="icon"
          icon={playing.value ? "pause" : "play"}
          aria-label={playing.value ? "Pause" : "Play"}
          title="Play or pause (Space)"
          onClick={() => (playing.value = !playing.value)}
        />
        <input
          type="range"
          class="scrub"
          aria-label="Frame"
          min={0}
          max={last}
          step={1}
          value={at}
          onInput={move}
        />
        <select
          aria-label={musical.value ? "Tempo" : "Speed"}
          value={String(speed.value)}
          onChange={(event) => (speed.value = Number(event.currentTarget.value))}
        >
          {[0.25, 0.5, 1, 2, ...(musical.value ? [4] : [])].map((value) => (
            <option key={value} value={String(value)}>
              {value}×
            </option>
          ))}
        </select>
        <Button
          kind="quiet"
          pressed={doc.value.loop}
          onClick={() => change({ loop: !doc.value.loop })}
          title={round}
        >
          Loop
        </Button>
      </div>
      <State busy={live.busy && !path} error={live.error} words="Walking" />
      <Take asked={path && asked} />
    </div>
  );
}

/** Support of every frame under the strip: the more colour, the less it can be trusted. */
export function SupportLine({ path }: { path: Path }) {
  const values = Array.from(path.support.data);
  const words = `Support along the path, least ${Math.round(100 * Math.min(...values))} %`;
  return (
    <svg
      class="support-line"
      viewBox={`0 0 ${values.length} 10`}
      preserveAspectRatio="none"
      role="img"
      aria-label={words}
    >
      <title>{words}</title>
      {values.map((value, i) => (
        <rect
          key={i}
          class={supportWords(value).level}
          x={i}
          y={10 - Math.max(1.5, 10 * value)}
          width={1.02}
          height={Math.max(1.5, 10 * value)}
        />
      ))}
    </svg>
  );
}
