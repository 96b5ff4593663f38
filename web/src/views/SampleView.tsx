/** New items: drawn by the model, kept or thrown, and taken away with their numbers. */
import { signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { keyOf, type Subject } from "../document.ts";
import { useLive } from "../live.ts";
import { able, ask, change, column, doc, go, idOf, select, space, tool } from "../state.ts";
import type { Column } from "../colours.ts";
import type { SampleRequest, Samples, Space } from "../wire.ts";
import { human } from "../names.ts";
import { viewOf } from "../modalities/index.ts";
import { png, sheet } from "../modalities/painted.ts";
import { one, type Items } from "../modalities/view.ts";
import { supportWords } from "../scales.ts";
import { zip } from "../zip.ts";
import { useMarks } from "./marked.ts";
import { Button, Copies, save, Section, State, trying } from "./components.tsx";
import { Hear } from "./Hear.tsx";
import { Face, Item, noun } from "./Item.tsx";
import { Icon } from "./icons.tsx";
import { fileStem } from "./saving.ts";

interface Kept {
  subject: Subject & { kind: "place" };
  support: number;
  nearest: number;
  item: Items;
}
const kept = signal<readonly Kept[]>([]);
const MOST = 100;
const ENOUGH = 1000; // items that new ones are to be like
const count = signal(24);
/** How places are drawn, in words: short, and a sentence. */
const DRAWN: Readonly<Record<string, readonly [string, string]>> = {
  prior: [
    "Anywhere the model knows (prior)",
    "From the distribution that the model was trained to fill, the prior: the most varied, and now and " +
      "then odd.",
  ],
  mixture: [
    "Where real ones lie (mixture)",
    "From where real items lie, by a mixture of bell curves that was fitted to their places.",
  ],
  flow: [
    "Where real ones lie (flow)",
    "From where real items lie, by a small network, a flow, that has learned their places.",
  ],
};

export function SampleView() {
  const { source, seed, a, method } = doc.value;
  const [like, setLike] = useState("all");
  const [inside, setInside] = useState(true);
  const [begin, setBegin] = useState("");
  const before = useRef(a);
  useEffect(() => {
    if (a !== before.current) setLike(a.length ? "a" : "all"); // what has just been drawn is what is wanted
    before.current = a;
  }, [a]);
  const clusters = useLive(like.startsWith("cluster") ? "clusters" : null, (signal) =>
    ask("column", { name: "cluster" }, null, signal),
  );
  useEffect(() => {
    if (like === "clusters" && clusters.value) setLike("cluster 0");
  }, [like, clusters.value]);
  const cluster = /^cluster (\d+)$/.exec(like)?.[1];
  const about = column.value?.kind === "category" ? column.value : null;
  const value = /^value (\d+)$/.exec(like)?.[1];
  const rows = like === "a" ? a : value && about ? rowsOf(about, Number(value)) : [];
  const from = rows.length ? { rows: some(rows) } : cluster ? { cluster: Number(cluster) } : {};
  const n = count.value;
  const asked: SampleRequest = {
    n,
    seed,
    method,
    ...(begin
      ? { begin }
      : {
          source: cluster ? "default" : source || "default",
          ...from,
          ...(inside && able("support") ? { support: 0.05 } : {}),
        }),
  };
  const live = useLive(JSON.stringify(asked), async (signal) => ({
    ...(await ask("sample", {}, asked, signal)),
    seed,
  }));
  const found = live.value;
  useMarks(found, "new");
  return (
    <>
      <h1>Sample</h1>
      <p class="lead">None of these is real: the model makes them up. Click those that you want to keep.</p>
      <div class="row">
        <Button kind="main" icon="dice" onClick={() => change({ seed: seed + 1 }, "seed")}>
          Make others
        </Button>
        <label class="tick">
          <input
            class="number"
            type="number"
            min={1}
            max={MOST}
            step={1}
            defaultValue={String(n)}
            title={`1 to ${MOST}`}
            onChange={(event) => (count.value = whole(event.currentTarget, n))}
          />{" "}
          at once
        </label>
      </div>
      <div class="from">
        <select
          aria-label="Drawn by"
          aria-describedby="drawn"
          value={source || "default"}
          disabled={like !== "all" || begin !== ""}
          onChange={(event) => change({ source: event.currentTarget.value })}
        >
          {(space.value?.sources ?? []).map((name) => (
            <option key={name} value={name}>
              {DRAWN[name]?.[0] ?? human(name)}
            </option>
          ))}
        </select>
        <p class="fine" id="drawn">
          {begin
            ? "From where real ones lie that begin much like this; the best of three times as many."
            : like === "all"
              ? (DRAWN[source]?.[1] ?? "")
              : "From where those lie that they are to be like."}
        </p>
      </div>
      {able("begin") && (
        <label class="row begin">
          Begin with
          <input
            type="text"
            maxLength={300}
            placeholder="a few words"
            value={begin}
            onChange={(event) => setBegin(event.currentTarget.value.trim())}
          />
        </label>
      )}
      {able("like") && !begin && (
        <div class="row">
          <label class="tick">
            Like
            <select
              aria-label="Like which items"
              value={like}
              onChange={(event) => setLike(event.currentTarget.value)}
            >
              <option value="all">all {noun(true)}</option>
              <option value="a" disabled={!a.length}>
                {a.length ? `group A, ${a.length.toLocaleString("en")}` : "group A (draw it first)"}
              </option>
              {about?.values.map((name, i) => (
                <option key={name} value={`value ${i}`}>
                  {human(about.name)}: {name}
                </option>
              ))}
              {!clusters.value && <option value="clusters">one cluster…</option>}
              {(clusters.value?.values ?? []).map((name, i) => (
                <option key={name} value={`cluster ${i}`}>
                  {name}
                </option>
              ))}
            </select>
          </label>
          <Button
            kind="quiet"
            icon="lasso"
            pressed={tool.value === "a"}
            onClick={() => (tool.value = tool.value === "a" ? "look" : "a")}
            title="Draw around some on the map"
          >
            {tool.value === "a" ? "Draw on the map" : "Draw A"}
          </Button>
        </div>
      )}
      {able("support") && !begin && (
        <label class="tick">
          <input type="checkbox" checked={inside} onChange={() => setInside(!inside)} /> Only what the data
          supports
        </label>
      )}
      <State
        busy={clusters.busy}
        error={clusters.error}
        words="Looking for clusters; the first time takes a while"
      />
      {able("support") && (
        <p class="fine dots">
          <span class="dot" /> well inside the data <span class="dot edge" /> at its edge{" "}
          {!inside && <span class="dot beyond" />} {!inside && "beyond it"}
        </p>
      )}
      <State busy={live.busy && !found} error={live.error} words="Making them" />
      {found && <Sheet found={found} busy={live.busy} />}
      <Copies
        of={found?.copy_as ?? null}
        title={`Makes these ${n} again, the same ones, whichever are kept`}
      />
      {kept.value.length > 0 && <Keepers />}
      {found && <Take found={found} busy={live.busy} />}
    </>
  );
}

const rowsOf = (about: Column, code: number): number[] =>
  Array.from(about.data.keys()).filter((row) => about.data[row] === code);
/** As many of some rows as tell what they are like, evenly among them: more take seconds and say no more. */
const some = (rows: readonly number[]): number[] => {
  const every = Math.ceil(rows.length / ENOUGH);
  return rows.filter((_, i) => i % every === 0);
};

/** What has been drawn, and by which seed. */
type Drawn = Samples & { seed: number };

/** What a field says, brought to a whole number that is allowed; what it was where it says none. */
function whole(field: HTMLInputElement, before: number): number {
  const value = Math.min(Math.max(Math.round(field.valueAsNumber), 1), MOST) || before;
  field.value = String(value);
  return value;
}

function subjectOf(found: Drawn, i: number): Subject & { kind: "place" } {
  const d = found.z.shape[1] ?? 1;
  return {
    kind: "place",
    z: Array.from(found.z.data.subarray(i * d, (i + 1) * d)),
    said: `Sample ${found.seed}.${i + 1}`,
  };
}

/** One of what has been drawn, as it is kept. */
function keeper(found: Drawn, i: number): Kept {
  const near = found.nearest.shape[1] ?? 0; // a page without items knows of none
  return {
    subject: subjectOf(found, i),
    support: found.support.data[i] ?? NaN,
    nearest: near ? idOf(found.nearest.data[near * i] ?? -1) : -1,
    item: one(found.items, i),
  };
}
const without = (gone: ReadonlySet<string>): Kept[] =>
  kept.value.filter((one) => !gone.has(keyOf(one.subject)));

function Sheet({ found, busy }: { found: Drawn; busy: boolean }) {
  const names = new Set(kept.value.map((one) => keyOf(one.subject)));
  const toggle = (i: number) => {
    const key = keyOf(subjectOf(found, i));
    kept.value = names.has(key) ? without(new Set([key])) : [...kept.value, keeper(found, i)];
  };
  return (
    <ul class={`sheet ${busy ? "busy" : ""}`} inert={busy}>
      {Array.from({ length: found.items.shape[0] ?? 0 }, (_, i) => {
        const subject = subjectOf(found, i);
        const { level, words } = supportWords(found.support.data[i] ?? NaN);
        const on = names.has(keyOf(subject));
        return (
          <li key={i} class={on ? "kept" : ""}>
            <button
              type="button"
              class="thumb"
              aria-pressed={on}
              aria-label={`Keep sample ${i + 1}, ${words}`}
              title={`${words}. Click to ${on ? "throw it away" : "keep it"}.`}
              onClick={() => toggle(i)}
            >
              <Item items={found.items} index={i} name="" />
              {level !== "unknown" && <span class={`dot ${level}`} />}
              {on && <Icon name="check" />}
            </button>
            <Hear items={found.items} index={i} name={`sample ${i + 1}`} />
            <Button
              kind="icon"
              icon="item"
              onClick={() => select(subject, "item")}
              aria-label={`Look at sample ${i + 1}`}
              title="Look at it by itself"
            />
          </li>
        );
      })}
    </ul>
  );
}

function Keepers() {
  return (
    <Section
      title={`${kept.value.length} kept`}
      aside={
        <Button kind="quiet" onClick={() => (kept.value = [])}>
          Throw all
        </Button>
      }
    >
      <div class="thumbs">
        {kept.value.map(({ subject, item }) => (
          <button
            type="button"
            class="thumb"
            key={keyOf(subject)}
            title={subject.said}
            onClick={() => select(subject, "item")}
          >
            <Face subject={subject} items={item} />
          </button>
        ))}
      </div>
      {kept.value.length > 1 && (
        <div class="row">
          <Button
            icon="path"
            onClick={() => {
              change({ keys: kept.value.map((one) => one.subject).slice(0, 16) });
              go("path");
            }}
          >
            Walk through them
          </Button>
        </div>
      )}
    </Section>
  );
}

/** Always in sight: how many are kept, all or none of them, and the file. */
function Take({ found, busy }: { found: Drawn; busy: boolean }) {
  const now = Array.from({ length: found.items.shape[0] ?? 0 }, (_, i) => keyOf(subjectOf(found, i)));
  const there = new Set(kept.value.map((one) => keyOf(one.subject)));
  const all = now.every((key) => there.has(key));
  const some = kept.value.length;
  const keepAll = () => (kept.value = [...without(new Set(now)), ...now.map((_, i) => keeper(found, i))]);
  return (
    <div class="keeping">
      <p class="fine" id="keeping" role="status">
        {busy && <span class="spinner" />}
        {busy ? "Making others" : some ? `${some} kept` : "Click one to keep it"}
      </p>
      <Button disabled={busy} onClick={() => (all ? (kept.value = without(new Set(now))) : keepAll())}>
        {all ? "Throw these" : "Keep all"}
      </Button>
      <Button
        kind="main"
        icon="save"
        disabled={!some}
        aria-describedby="keeping"
        title={
          some
            ? `One file (zip) with all ${noun(true)}, a table of their numbers, and a large sheet of all`
            : "Nothing is kept yet: click one"
        }
        onClick={trying(taken)}
      >
        Save
      </Button>
    </div>
  );
}

/**
 * All that are kept in one file: what their kind makes of them, the table that tells of them, and all on one
 * sheet.
 */
async function taken(): Promise<void> {
  const name = `${fileStem()}-samples`;
  const about = (space.value as Space).modality;
  const [view, items] = [viewOf(about), kept.value.map(({ item }) => item)];
  const made = await view.files(items, about);
  const files = new Map([...made.files].map(([file, data]) => [`${name}/${file}`, data]));
  const head = [
    "file",
    "support",
    "nearest",
    ...Array.from({ length: space.value?.dim ?? 0 }, (_, i) => `z${i}`),
  ].join(",");
  const lines = kept.value.map(({ subject, support, nearest }, i) =>
    [
      made.names[i],
      Number.isNaN(support) ? "" : support,
      nearest < 0 ? "" : `@${nearest}`,
      ...subject.z,
    ].join(","),
  );
  files.set(`${name}/samples.csv`, new TextEncoder().encode([head, ...lines, ""].join("\n")));
  files.set(`${name}/sheet.png`, await png(sheet(view, items, about)));
  save(zip(files), `${name}.zip`);
}
