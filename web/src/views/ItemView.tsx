/**
 * One item, or one place: itself and its reconstruction, what is known of it, what is near, and what to do
 * with it.
 */
import { useEffect, useState } from "preact/hooks";
import { keyOf, nameOf, type Subject } from "../document.ts";
import { useLive } from "../live.ts";
import { human } from "../names.ts";
import { short } from "../scales.ts";
import {
  able,
  ask,
  change,
  complain,
  doc,
  idOf,
  layout,
  look,
  marks,
  offers,
  rowOf,
  select,
  space,
  tool,
} from "../state.ts";
import type { Cell, Item as Told, Look } from "../wire.ts";
import { anyItem, morph, pick, show, slide, uploads, useAs } from "./actions.ts";
import { Compare } from "./Compare.tsx";
import { Button, Section, State, Support, ThumbButton } from "./components.tsx";
import { both, Caption, Item, noun, Original, read, useCaptions, valueOf } from "./Item.tsx";

export function ItemView() {
  const subject = doc.value.subject;
  if (!subject) return <Nothing />;
  return subject.kind === "item" ? (
    <Real key={subject.id} subject={subject} />
  ) : (
    <Placed key={keyOf(subject)} subject={subject} />
  );
}

function Nothing() {
  return (
    <div class="nothing">
      <h1>Nothing selected</h1>
      <p class="lead">Click a {noun(false)} on the map, or any place between.</p>
      <div class="row">
        <Button kind="main" icon="dice" onClick={() => select(anyItem(), "item")}>
          Pick one for me
        </Button>
        {able("encode") && (
          <Button icon="upload" onClick={pick}>
            Bring your own
          </Button>
        )}
      </div>
    </div>
  );
}

function Real({ subject }: { subject: Subject & { kind: "item" } }) {
  const live = useLive(`${subject.id}`, (signal) => ask("item", { id: subject.id }, null, signal));
  const item = live.value;
  useEffect(() => void show(subject).catch(complain), [subject.id]);
  return (
    <>
      <h1>
        @{subject.id}
        {item && <small>{TAUGHT[item.split] ?? item.split}</small>}
      </h1>
      <Compare subject={subject} />
      {!doc.value.other && <Pair id={subject.id} item={item} />}
      <Uses subject={subject} />
      <State busy={live.busy} error={live.error} />
      {item && item.neighbors.length > 0 && (
        <Near rows={item.neighbors.map((n) => n.row)} distances={item.neighbors.map((n) => n.distance)} />
      )}
      {item && able("unusual") && <Odd id={item.id} />}
      {item && <Facts item={item} />}
    </>
  );
}

/** An item beside its reconstruction, and how far that can be trusted. */
function Pair({ id, item }: { id: number; item: Told | null }) {
  return (
    <>
      <div class={both() ? "whole" : "two"}>
        {!both() && (
          <figure>
            <Original id={id} of="original" name={`item ${id}`} />
            <figcaption>Original</figcaption>
          </figure>
        )}
        <figure>
          <Original id={id} of="reconstruction" name={`item ${id}, reconstructed`} marked />
          <figcaption>{both() ? "Original and reconstruction" : "Reconstruction"}</figcaption>
        </figure>
      </div>
      {item && !read() && <Caption text={item.caption} />}
      {item && <p class="say">{restored(item)}</p>}
      {item && item.support !== null && <Support value={item.support} real />}
    </>
  );
}

/** What the model had to do with an item before. */
const TAUGHT: Readonly<Record<string, string>> = {
  train: "The model learned from this one",
  held: "The model never saw this one in training",
};

function restored(item: Pick<Told, "error" | "worse">): string {
  if (item.worse === null) return `Mean squared difference ${short(item.error, 4)}.`;
  const words =
    item.worse > 0.6
      ? "Restored well"
      : item.worse > 0.4
        ? "Restored about as well as most"
        : item.worse > 0.05
          ? "Restored less well than most"
          : "Restored badly";
  const [percent, than] = item.worse > 0.5 ? [item.worse, "worse"] : [1 - item.worse, "better"];
  return `${words}: ${Math.round(percent * 100)} % of ${noun(true)} come out ${than}.`;
}

const [ODD, MOST] = [0.05, 5]; // share of items that are as far off, up to which that is said; of how many

function Odd({ id }: { id: number }) {
  const live = useLive(`${id}`, (signal) => ask("unusual", { id }, null, signal));
  if (live.busy) return <State busy words="Comparing it with others like it" />;
  return <Unusual cells={live.value?.cells ?? []} />;
}

/** What an item states that hardly goes with the rest of it. */
function Unusual({ cells }: { cells: readonly Cell[] }) {
  if (!cells.length) return null;
  const odd = cells.filter(({ p }) => p <= ODD).slice(0, MOST);
  return (
    <Section title="Unusual given the rest">
      {odd.length > 0 && (
        <dl class="facts odd">
          {odd.map(({ name, value, usual, p }) => (
            <div key={name}>
              <dt>{human(name)}</dt>
              <dd>
                <b>{value}</b>
                <small>
                  {usual ? `like ones have ${usual}` : "like ones have none"};{" "}
                  {Math.max(Math.round(100 * p), 1)} % are as far off
                </small>
              </dd>
            </div>
          ))}
        </dl>
      )}
      <p class="fine">
        {odd.length ? "" : `Nothing: each value goes with the others. `}
        By chance about {short(cells.length * ODD, 1)} of {cells.length} would be named.
      </p>
    </Section>
  );
}

const FEW = 6; // attributes that are shown at first

function Facts({ item }: { item: Told }) {
  const [all, setAll] = useState(false);
  const rows = Object.entries(item.attributes).filter(([, value]) => value !== null);
  const shown = all || rows.length <= FEW + 1 ? rows : rows.slice(0, FEW);
  if (!rows.length && !item.source) return null;
  return (
    <Section title="What is known">
      {rows.length > 0 && (
        <dl class="facts">
          {shown.map(([name, value]) => (
            <div key={name}>
              <dt>{human(name)}</dt>
              <dd>{valueOf(name, value)}</dd>
            </div>
          ))}
        </dl>
      )}
      {shown.length < rows.length && (
        <Button kind="quiet" class="all" onClick={() => setAll(true)}>
          Show all {rows.length}
        </Button>
      )}
      {item.source && (
        <p class="fine source">
          From {item.source}, split {item.split}
        </p>
      )}
    </Section>
  );
}

export function Near({
  rows,
  distances,
  title = "Most alike",
}: {
  rows: readonly number[];
  distances: readonly number[];
  title?: string;
}) {
  const captions = useCaptions(rows);
  return (
    <Section title={title}>
      <div class="thumbs">
        {rows.map((row, i) => (
          <ThumbButton
            key={row}
            row={row}
            caption={captions[i] ?? ""}
            about={`@${idOf(row)}, distance ${short(distances[i] ?? NaN)}`}
            onClick={() => select({ kind: "item", id: idOf(row) }, "item")}
          />
        ))}
      </div>
    </Section>
  );
}

/** A place that no item lies at: from the map, a formula, sliders or a file. */
function Placed({ subject }: { subject: Subject & { kind: "place" } }) {
  const key = keyOf(subject);
  const upload = uploads.get(key);
  const yours = upload ? { ...upload.original, shape: [1, ...upload.original.shape] } : null;
  const live = useLive<Look>(key, () => look(subject));
  const found = live.value;
  useEffect(() => {
    if (found) marks.value = near(found);
    return () => void (marks.value = []);
  }, [found]);
  return (
    <>
      <h1 class="said">{subject.said}</h1>
      <Compare subject={subject} />
      {!doc.value.other && (
        <div class={!yours ? "one" : both() ? "whole" : "two"}>
          {yours && !both() && (
            <figure>
              <Item items={yours} name="your file" told heard />
              <figcaption>Yours</figcaption>
            </figure>
          )}
          <figure>
            <Item items={found?.items ?? null} name={subject.said} than={yours} told heard />
            <figcaption>
              {!yours ? "Decoded" : both() ? "Yours and reconstruction" : "Reconstruction"}
            </figcaption>
          </figure>
        </div>
      )}
      {upload && <p class="say">{restored(upload)}</p>}
      {upload?.belongs === false && (
        <p class="state bad">This is not of the kind that the space was made of: do not trust its place.</p>
      )}
      {upload && <Unusual cells={upload.unusual} />}
      {upload?.remarks.map((remark) => (
        <p class="fine" key={remark}>
          {remark}
        </p>
      ))}
      <State busy={live.busy} error={live.error} words="Decoding" />
      {found && <Support value={found.support.data[0] ?? NaN} />}
      <Uses subject={subject} />
      {found && found.nearest.data.length > 0 && (
        <Near
          title="Nearest real"
          rows={Array.from(found.nearest.data)}
          distances={Array.from(found.distance.data)}
        />
      )}
    </>
  );
}

/** The nearest real items, as marks on the map. */
function near(found: Look): typeof marks.value {
  const xy = layout.value?.xy.data;
  return Array.from(found.nearest.data, (row) => ({
    x: xy?.[2 * row] ?? NaN,
    y: xy?.[2 * row + 1] ?? NaN,
    kind: "near" as const,
  })).filter(({ x }) => !Number.isNaN(x));
}

function Uses({ subject }: { subject: Subject }) {
  const row = subject.kind === "item" ? rowOf(subject.id) : -1;
  const keys = doc.value.keys.length;
  const styled = offers("style") && space.value?.attributes.some((one) => one.kind === "category");
  return (
    <div class="uses" role="group" aria-label={`Use ${nameOf(subject)}`}>
      <Button kind="main" icon="directions" onClick={() => slide(subject)}>
        Change it
      </Button>
      <Button kind="main" icon="path" onClick={() => (keys ? useAs("key", subject) : morph())}>
        {keys ? "Add to the path" : "Morph it"}
      </Button>
      <div class="small">
        {row >= 0 && (
          <>
            <Button onClick={() => useAs("a", subject)}>To group A</Button>
            <Button onClick={() => useAs("b", subject)}>To group B</Button>
            <Button onClick={() => useAs("formula", subject)}>To the formula</Button>
          </>
        )}
        {styled && (
          <>
            <Button
              onClick={() => useAs("content", subject)}
              title="Keep what it is, and give it the look of another"
            >
              Give it a style
            </Button>
            <Button onClick={() => useAs("style", subject)} title="Make another look like it">
              Take its style
            </Button>
          </>
        )}
        {offers("complete") && (
          <Button
            onClick={() => change({ subject, view: "complete" })}
            title="See what may stand around a part of it"
          >
            Keep a part of it
          </Button>
        )}
        <Button
          pressed={tool.value === "other"}
          onClick={() => (tool.value = tool.value === "other" ? "look" : "other")}
          title="Hold another beside it"
        >
          Compare with…
        </Button>
        {keys > 0 && (
          <Button onClick={() => change({ keys: [subject], view: "path" })}>Start a new path</Button>
        )}
      </div>
    </div>
  );
}
