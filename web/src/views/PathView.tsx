/** A walk through key frames: three routes compared as film strips, a player, and what can be taken away. */
import { effect, signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { keyOf, nameOf, place, type Doc } from "../document.ts";
import { useLive } from "../live.ts";
import { supportWords } from "../scales.ts";
import { able, ask, change, doc, frame, idOf, rowOf, select, space, walked } from "../state.ts";
import type { Along, Path, PathRequest } from "../wire.ts";
import { addKey, anyItem, dropKey, morph, moveKey, setKey, unlike } from "./actions.ts";
import { Button, Copies, Section, State, Support } from "./components.tsx";
import { Face, Item, noun } from "./Item.tsx";
import { musical, playing, speed } from "./player.ts";
import { FRAMES, Take } from "./Take.tsx";
import { calm } from "./theme.ts";

const LATE = 400; // milliseconds after which it is said that a way is being worked out
const LONG = 1500; // milliseconds: what takes longer is not waited for while one drags
const ROUTES: readonly (readonly [Along, string, () => string])[] = [
  [
    "linear",
    "Straight",
    () => `Straight in all ${space.value?.dim ?? 0} numbers; on a flat map it looks bent.`,
  ],
  ["mix", "Prior-preserving", () => "Every frame stays about as typical as the ends are."],
  ["geodesic", "Geodesic", () => "What is seen changes as little on the way as it can."],
];

export function request(along: Along): PathRequest {
  const { keys, loop, method } = doc.value;
  return { keys: keys.map(place), along, frames: FRAMES, loop: loop && keys.length > 1, method };
}

export function PathView() {
  const keys = doc.value.keys;
  return (
    <>
      <h1>Path</h1>
      {keys.length < 2 ? (
        <p class="lead">
          {keys.length
            ? `Now click another ${noun(false)} on the map.`
            : `Click two ${noun(true)} on the map: the path leads from one to the other.`}
        </p>
      ) : (
        <Player />
      )}
      <Keys />
      {keys.length > 1 && <Routes />}
      {walked.value && <Copies of={walked.value.copy_as} />}
    </>
  );
}

function Keys() {
  const keys = doc.value.keys;
  const another = () => {
    const last = keys.at(-1);
    const row = last?.kind === "item" ? rowOf(last.id) : -1;
    addKey(row >= 0 ? { kind: "item", id: idOf(unlike(row)) } : anyItem());
  };
  return (
    <Section
      title="Key frames"
      aside={<small>{keys.length ? "Click the map, or + for a random one" : ""}</small>}
    >
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
        <Button kind="main" icon="dice" onClick={() => morph()}>
          Pick two for me
        </Button>
      )}
    </Section>
  );
}

/** Walks that were asked for, so that a route which is chosen, or comes back by undo, is there at once. */
const walks = new Map<string, Promise<Path>>();
function walk(asked: PathRequest): Promise<Path> {
  const key = JSON.stringify(asked);
  let found = walks.get(key);
  if (!found) {
    const gone = new AbortController();
    const one = { keys: JSON.stringify(asked.keys), begun: performance.now(), gone };
    under.add(one);
    found = ask("path", {}, asked, gone.signal);
    found.then(
      () => {
        under.delete(one);
        settled.value = new Set([...settled.value, key]);
      },
      () => {
        under.delete(one);
        walks.delete(key);
      },
    );
    if (walks.size > 40) walks.delete(walks.keys().next().value as string);
    walks.set(key, found);
  }
  return found;
}
/** Walks under way. */
const under = new Set<{ keys: string; begun: number; gone: AbortController }>();
/**
 * Gives up those between other key frames that have taken this long: they would only hold up what is wanted
 * now.
 */
function giveUp(longer: number): void {
  const keys = JSON.stringify(doc.peek().keys.map(place));
  for (const one of under) if (one.keys !== keys && performance.now() - one.begun >= longer) one.gone.abort();
}
/** Requests whose walk is there: the routes are worked out one after the other, the chosen one first. */
const settled = signal<ReadonlySet<string>>(new Set());

function useRoute(along: Along, on: boolean) {
  const asked = request(along);
  return useLive<Path>(on ? JSON.stringify(asked) : null, () => walk(asked));
}

/**
 * The key frames once they have rested for a moment: the routes beside the chosen one are not asked for while
 * one drags.
 */
const rested = signal<Doc["keys"] | null>(null);
let timer = 0;
effect(() => {
  const keys = doc.value.keys;
  if (keys === rested.peek()) return;
  clearTimeout(timer);
  giveUp(LONG);
  timer = window.setTimeout(() => {
    giveUp(0);
    rested.value = keys;
  }, 400);
});

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

function Player() {
  const { along } = doc.value;
  const live = useRoute(along, true);
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
          title="From the last key frame back to the first, and on"
        >
          Loop
        </Button>
      </div>
      <State busy={live.busy && !path} error={live.error} words="Walking" />
      <Take asked={path && request(along)} />
    </div>
  );
}

function Routes() {
  const alongs = space.value?.alongs ?? [];
  const routes = ROUTES.filter(([along]) => alongs.includes(along));
  const done = (along: Along) => settled.value.has(JSON.stringify(request(along)));
  const calmly = rested.value === doc.value.keys && done(doc.value.along);
  return (
    <Section title={`${["No", "One", "Two", "Three"][routes.length]} routes`}>
      <div role="radiogroup" aria-label="Route">
        {routes.map(([along, name, words], i) => (
          <Route
            key={along}
            along={along}
            name={name}
            words={words()}
            on={calmly && routes.slice(0, i).every(([before]) => done(before))}
          />
        ))}
      </div>
    </Section>
  );
}

function Route({ along, name, words, on: turn }: { along: Along; name: string; words: string; on: boolean }) {
  const on = doc.value.along === along;
  const live = useRoute(along, on || turn);
  const path = live.value;
  const frames = path?.items.shape[0] ?? 0;
  const across = 8;
  const shown = frames
    ? Array.from({ length: across }, (_, i) => Math.round((i * (frames - 1)) / (across - 1)))
    : [];
  const scrub = (at: number) => {
    playing.value = false;
    frame.value = at;
    if (!on) change({ along });
  };
  return (
    <div class={`route ${on ? "on" : ""}`}>
      <button
        type="button"
        role="radio"
        aria-checked={on}
        class="choose"
        onClick={() => change({ along })}
        aria-description={words}
      >
        <b>{name}</b>
        <small>{path ? evidence(path) : "Working it out"}</small>
      </button>
      <p class="fine">{words}</p>
      <div class="film">
        {path &&
          shown.map((at) => (
            <button
              key={at}
              type="button"
              class="cell"
              tabIndex={-1}
              aria-label={`Frame ${at + 1}`}
              onClick={() => scrub(at)}
            >
              <Item items={path.items} index={at} name="" />
            </button>
          ))}
        {!path && Array.from({ length: across }, (_, i) => <div key={i} class="cell picture empty" />)}
      </div>
      {path && able("support") && <SupportLine path={path} />}
      {live.error ? <State busy={false} error={live.error} /> : null}
    </div>
  );
}

function evidence(path: Path): string {
  const least = path.least_support;
  const out = path.support.data.filter((value) => supportWords(value).level === "beyond").length;
  const even = path.unevenness < 1.5 ? "even" : path.unevenness < 3 ? "somewhat uneven" : "uneven";
  if (least === null) return even;
  if (out) return `${even} · ${out} of ${path.support.data.length} outside the data`;
  return `${even} · ${least < 0.2 ? "touches the edge" : "inside the data"}`;
}

/** Support of every frame under the strip: the more colour, the less it can be trusted. */
function SupportLine({ path }: { path: Path }) {
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
