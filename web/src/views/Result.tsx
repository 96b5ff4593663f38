/** What sliders make of an item: before and after, side by side, and what else has changed. */
import { useEffect } from "preact/hooks";
import { keyOf, type Doc, type Subject } from "../document.ts";
import { useLive, type Live } from "../live.ts";
import { plain, spoken } from "../names.ts";
import { short, supportWords } from "../scales.ts";
import { able, ask, change, doc, idOf, look, marks, reached, select, turn } from "../state.ts";
import type { Look, Slid } from "../wire.ts";
import { anyItem, drawnOnes, morph } from "./actions.ts";
import { Button, Copies, Section, State, Support, trying } from "./components.tsx";
import { both, Item, noun, Original, Thumb } from "./Item.tsx";
import { saveItem } from "./saving.ts";

export function useSlid(): Live<Look | Slid> {
  const { subject, change: moved, locked, method, detail } = doc.value;
  const bend = doc.value.bend && able("bend");
  const keep = detail && subject?.kind === "item";
  const asked = Object.fromEntries(Object.entries(moved).filter(([, value]) => value !== 0));
  const key = subject ? JSON.stringify([keyOf(subject), asked, locked, method, keep, bend]) : null;
  return useLive<Look | Slid>(key, (signal) => {
    const from = subject as Subject;
    if (!Object.keys(asked).length && !keep) return look(from);
    const which = from.kind === "item" ? { id: from.id } : { z: [...from.z] };
    return ask(
      "slide",
      {},
      { ...which, change: asked, lock: [...locked], bend, keep_detail: keep, method },
      signal,
    );
  });
}
const slid = (found: Look | Slid | null): Slid | null => (found && "copy_as" in found ? found : null);

export function words(moved: Doc["change"]): string {
  const terms = Object.entries(moved).filter(([, value]) => value !== 0);
  return terms
    .map(
      ([name, value], i) =>
        `${value < 0 ? "- " : i ? "+ " : "+ "}${short(Math.abs(value), 1)} ${plain(name)}`,
    )
    .join(" ");
}

export function Result() {
  const { subject, change: moved, detail, keys } = doc.value;
  const live = useSlid();
  const found = live.value;
  const before = useLive(subject && keyOf(subject), () => look(subject as Subject)).value?.items ?? null;
  useEffect(() => {
    if (!subject) turn({ subject: keys[0] ?? anyItem() });
  }, [subject === null]);
  useEffect(() => {
    const [x, y] = [found?.xy.data[0] ?? NaN, found?.xy.data[1] ?? NaN];
    marks.value = Number.isNaN(x) ? [] : [{ x, y, kind: "result" }];
    return () => void (marks.value = []);
  }, [found]);
  useEffect(() => {
    reached.value = found && slid(found) ? Array.from(found.z.data) : null;
    return () => void (reached.value = null);
  }, [found]);
  if (!subject) return null;
  const any = Object.values(moved).some((value) => value !== 0);
  const result: Subject | null =
    found && any
      ? {
          kind: "place",
          z: Array.from(found.z.data),
          said: `${subject.kind === "item" ? `@${subject.id}` : subject.said} ${words(moved)}`,
        }
      : null;
  return (
    <div class="result">
      <div class={both() ? "whole" : "two"}>
        {!both() && (
          <figure>
            {subject.kind === "item" ? (
              <Original id={subject.id} of={detail ? "original" : "reconstruction"} name="before" />
            ) : (
              <Item items={before} name="before" heard />
            )}
            <figcaption>Before</figcaption>
          </figure>
        )}
        <figure class={live.busy ? "busy" : ""}>
          <Item items={found?.items ?? null} name="after" than={before} heard />
          <figcaption>{both() ? "Before and after" : "After"}</figcaption>
        </figure>
      </div>
      <div class="verdict">
        <div>
          <State busy={live.busy && !found} error={live.error} words="Decoding" />
          {found && !live.error && <Support value={found.support.data[0] ?? NaN} />}
          {found && !live.error && any && <Leaks of={slid(found)} />}
        </div>
        {found && able("items") && (
          <button
            type="button"
            class="thumb tiny"
            title="Nearest real item"
            onClick={() => select({ kind: "item", id: idOf(found.nearest.data[0] ?? -1) }, "item")}
          >
            <Thumb row={found.nearest.data[0] ?? -1} name="nearest real item" />
          </button>
        )}
      </div>
      <div class="row">
        <Button
          icon="dice"
          onClick={() => change({ subject: anyItem() })}
          title="Another one, the same sliders (R)"
        >
          Another
        </Button>
        <Button disabled={!any} onClick={() => change({ change: {} })}>
          Reset
        </Button>
        <Button
          kind="main"
          disabled={!result}
          onClick={() => result && morph([subject, result])}
          title="A new path from before to after"
        >
          Morph
        </Button>
        <Button
          icon="save"
          disabled={!result || live.busy}
          onClick={trying(async () => void (found && result && (await saveItem(found.items, result.said))))}
          title={`Save the ${noun(false)} as it is now`}
        >
          Save
        </Button>
        {keys.length > 1 && (
          <Button
            disabled={!result}
            onClick={() => result && intoPath(subject, result)}
            title="In the path, in the place of what it was made from"
          >
            Into the path
          </Button>
        )}
      </div>
    </div>
  );
}

/** Puts a result into the path: where the path has what it was made from, in its place, else at the end. */
function intoPath(from: Subject, result: Subject): void {
  const keys = doc.value.keys;
  const there = keys.some((key) => keyOf(key) === keyOf(from));
  change({
    view: "path",
    subject: result,
    change: {},
    keys: there
      ? keys.map((key) => (keyOf(key) === keyOf(from) ? result : key))
      : [...keys, result].slice(0, 16),
  });
}

/** What is seldom wanted, below the sliders. */
export function More() {
  const { subject, detail, bend, change: moved, locked } = doc.value;
  const live = useSlid();
  const drawn = drawnOnes.value.some((one) => one.text in moved);
  const why = drawn
    ? "the groups were drawn by hand"
    : locked.length
      ? "it cannot say what is held"
      : subject?.kind === "place"
        ? "it starts from a place without a name"
        : "the direction was found here and has no name elsewhere";
  const copies = slid(live.value)?.copy_as ?? null;
  return (
    <Section title="More">
      {subject?.kind === "item" && able("detail") && (
        <label class="tick" title="Puts back what the model cannot restore of this item">
          <input type="checkbox" checked={detail} onChange={() => change({ detail: !detail })} /> Keep fine
          detail
        </label>
      )}
      {able("bend") && (
        <label
          class="tick"
          title={
            "Not one straight line for all: what all attributes tell of where items lie. " +
            "It is learned the first time, which takes up to half a minute"
          }
        >
          <input type="checkbox" checked={bend} onChange={() => change({ bend: !bend })} /> Follow the items
        </label>
      )}
      {copies ? (
        <Copies of={copies} why={why} />
      ) : (
        <p class="fine">Once something has changed it can be copied as a line of Python or a command.</p>
      )}
    </Section>
  );
}

/** What was not asked for and has changed all the same, as far as readers see it. */
function Leaks({ of }: { of: Slid | null }) {
  if (!of?.attributes.length) return null;
  const support = of.support.data[0] ?? NaN;
  if (!Number.isNaN(support) && supportWords(support).level === "beyond")
    return <p class="leaks">Readings this far out are not to be trusted.</p>;
  const moved = of.attributes.filter((one) => !one.asked && Math.abs(one.change ?? 0) >= 0.5);
  moved.sort((a, b) => Math.abs(b.change ?? 0) - Math.abs(a.change ?? 0));
  const all = of.attributes.some((one) => one.asked) ? "None of the other" : "None of the";
  const said = moved.length
    ? `Also changed: ${moved
        .slice(0, 3)
        .map((one) => `${(one.change ?? 0) > 0 ? "more" : "less"} ${spoken(one.name)}`)
        .join(", ")}`
    : `${all} attributes that can be read has changed much.`;
  return (
    <p class="leaks" title={said}>
      {said}
    </p>
  );
}
