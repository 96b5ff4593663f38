/** A walk through key frames: routes compared as film strips, a player, and what can be taken away. */
import { effect, signal } from "@preact/signals";
import { place, type Doc } from "../document.ts";
import { useLive } from "../live.ts";
import { one, type Items } from "../modalities/view.ts";
import { supportWords } from "../scales.ts";
import { able, ask, change, doc, frame, go, offers, space, walked } from "../state.ts";
import type { Along, Path, PathRequest } from "../wire.ts";
import { Button, Copies, Section, State } from "./components.tsx";
import { Keys, Player, SupportLine } from "./Frames.tsx";
import { Item, noun, read } from "./Item.tsx";
import { playing } from "./player.ts";
import { FRAMES } from "./Take.tsx";

const LONG = 1500; // milliseconds: what takes longer is not waited for while one drags
const ROUTES: readonly (readonly [Along, string, () => string])[] = [
  [
    "linear",
    "Straight",
    () => `Straight in all ${space.value?.dim ?? 0} numbers; on a flat map it looks bent.`,
  ],
  ["mix", "Prior-preserving", () => "Every frame stays about as typical as the ends are."],
  ["geodesic", "Geodesic", () => "What is seen changes as little on the way as it can."],
  ["conditional", "By attributes", () => "Attributes go from one to the other, over items as there are."],
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
        <Walked />
      )}
      <Keys />
      {keys.length > 1 && <Routes />}
      {keys.length > 0 && offers("compose") && (
        <Button onClick={() => go("compose")}>Make a piece of it</Button>
      )}
      {walked.value && <Copies of={walked.value.copy_as} />}
    </>
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

function Walked() {
  const { along } = doc.value;
  return (
    <Player
      live={useRoute(along, true)}
      asked={request(along)}
      round="From the last key frame back to the first, and on"
    />
  );
}

function Routes() {
  const alongs = space.value?.alongs ?? [];
  const routes = ROUTES.filter(([along]) => alongs.includes(along));
  const done = (along: Along) => settled.value.has(JSON.stringify(request(along)));
  const calmly = rested.value === doc.value.keys && done(doc.value.along);
  return (
    <Section title={`${["No", "One", "Two", "Three", "Four"][routes.length]} routes`}>
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
          shown.map((at, i) => (
            <button
              key={at}
              type="button"
              class="cell"
              tabIndex={-1}
              aria-label={`Frame ${at + 1}`}
              onClick={() => scrub(at)}
            >
              <Item items={path.items} index={at} name="" than={before(path.items, shown, i)} />
            </button>
          ))}
        {!path && Array.from({ length: across }, (_, i) => <div key={i} class="cell picture empty" />)}
      </div>
      {path && able("support") && <SupportLine path={path} />}
      {live.error ? <State busy={false} error={live.error} /> : null}
    </div>
  );
}

/** The item that stands above one that is read. */
const before = (items: Items, shown: readonly number[], i: number): Items | null =>
  read() && i ? one(items, shown[i - 1] as number) : null;

function evidence(path: Path): string {
  const least = path.least_support;
  const out = path.support.data.filter((value) => supportWords(value).level === "beyond").length;
  const even = path.unevenness < 1.5 ? "even" : path.unevenness < 3 ? "somewhat uneven" : "uneven";
  if (least === null) return even;
  if (out) return `${even} · ${out} of ${path.support.data.length} outside the data`;
  return `${even} · ${least < 0.2 ? "touches the edge" : "inside the data"}`;
}
