/**
 * Directions: sliders for what has names, for what a person draws around, and for what the model does by
 * itself.
 */
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { human, topic } from "../names.ts";
import { useLive } from "../live.ts";
import { able, ask, change, column, doc, idOf, space, tool } from "../state.ts";
import type { Direction, Found } from "../wire.ts";
import { between, drawnOnes, lassoed, pointed, rowsInView, type Drawn } from "./actions.ts";
import { Button, copy, Section, State, trying } from "./components.tsx";
import { noun, Thumb } from "./Item.tsx";
import { More, Result } from "./Result.tsx";
import { saveRows } from "./saving.ts";
import { Slider } from "./Slider.tsx";

const LEAST = 5; // items in a group
const SOURCES: readonly (readonly [Found, string])[] = [
  ["attributes", "Named"],
  ["readings", "Seen"],
  ["pca", "Main"],
  ["jacobian", "Strongest"],
  ["factorised", "Weights"],
];
const PLAIN: Record<Found, () => string> = {
  attributes: () => "Learned from what is known of the items.",
  readings: () => `What is read in any ${noun(false)}, without labels.`,
  pca: () => "The ways in which items differ most, without names.",
  jacobian: () => `The ways in which this ${noun(false)} would change most.`,
  factorised: () => "The ways that the model's own weights stress.",
};

export function DirectionsView() {
  const { subject } = doc.value;
  const offered = SOURCES.filter(([source]) => space.value?.found.includes(source));
  const found = (offered.find(([source]) => source === doc.value.found) ?? offered[0])?.[0] ?? "pca";
  const id = found === "jacobian" && subject?.kind === "item" ? subject.id : null;
  const live = useLive(`${found} ${id}`, (signal) =>
    ask("directions", id === null ? { source: found } : { source: found, id }, null, signal),
  );
  const all = live.value?.directions ?? [];
  const good = all.filter((one) => one.works);
  const poor = all.filter((one) => !one.works);
  return (
    <>
      <h1>Directions</h1>
      <Result />
      <Section title="Sliders">
        <div class="segments" role="radiogroup" aria-label="Where the sliders come from">
          {offered.map(([source, name]) => (
            <button
              key={source}
              type="button"
              role="radio"
              aria-checked={found === source}
              onClick={() => change({ found: source })}
            >
              {name}
            </button>
          ))}
        </div>
        <p class="fine">{PLAIN[found]()}</p>
        <State
          busy={live.busy && !all.length}
          error={live.error}
          words="Looking for directions; the first time takes a while"
        />
        <div class={`rack ${live.busy ? "busy" : ""}`}>
          {good
            .filter((one) => !one.name.includes("="))
            .map((one) => (
              <Slider key={one.text} direction={one} />
            ))}
        </div>
        {topics(good).map(([name, ones], _, groups) => (
          <Topic
            key={name}
            name={name}
            count={ones.length}
            open={groups.length < 3 || ones.some((one) => one.text in doc.value.change)}
          >
            {ones.map((one) => (
              <Slider key={one.text} direction={one} />
            ))}
          </Topic>
        ))}
        {poor.length > 0 && (
          <details class="poor">
            <summary>{poor.length} more that do not hold</summary>
            <div class="rack">
              {poor.map((one) => (
                <Slider key={one.name} direction={one} />
              ))}
            </div>
          </details>
        )}
      </Section>
      {able("items") && <Groups />}
      <More />
    </>
  );
}

/** The values of each category together. */
function topics(all: readonly Direction[]): [string, Direction[]][] {
  const found = new Map<string, Direction[]>();
  for (const one of all)
    if (one.name.includes("=")) found.set(topic(one.name), [...(found.get(topic(one.name)) ?? []), one]);
  return [...found];
}

/**
 * Open from the beginning or not, then as one leaves it: nothing closes under a slider that goes through 0.
 */
function Topic({
  name,
  count,
  open,
  children,
}: {
  name: string;
  count: number;
  open: boolean;
  children: ComponentChildren;
}) {
  const [first] = useState(open);
  return (
    <details class="topic" open={first}>
      <summary>
        {human(name)} <small>{count}</small>
      </summary>
      <div class="rack">{children}</div>
    </details>
  );
}

/** Sliders from groups. */
function Own() {
  if (!drawnOnes.value.length) return null;
  return (
    <div class="rack own-rack">
      {drawnOnes.value.map((one) => (
        <Slider key={one.text} direction={one} drop={() => forget(one)} />
      ))}
    </div>
  );
}

/** Two groups make a direction at once. */
function Groups() {
  const { a, b } = doc.value;
  const of = JSON.stringify([a, b]);
  const few = [a, b].findIndex((rows) => rows.length < LEAST);
  const there = drawnOnes.value.some((one) => one.of === of);
  const live = useLive(few < 0 && !there ? of : null, async (signal) => ({
    of,
    found: await ask("between", {}, { a: [...a], b: [...b], name: between(a, b) }, signal),
  }));
  useEffect(() => {
    const made = live.value?.found.directions[0];
    if (!live.value || !made) return;
    drawnOnes.value = [
      { ...made, of: live.value.of },
      ...drawnOnes.value.filter((one) => one.name !== made.name),
    ];
    pointed.value = made.text;
  }, [live.value]);
  const swap = () => change({ a: b, b: a });
  return (
    <Section
      title="Make your own slider"
      aside={
        a.length && b.length ? (
          <Button kind="icon" icon="swap" aria-label="Swap A and B" title="Swap A and B" onClick={swap} />
        ) : (
          <small>Draw around two groups on the map</small>
        )
      }
    >
      <div class="groups">
        <Group name="a" rows={a} />
        <Group name="b" rows={b} />
      </div>
      {a.length > 0 && b.length > 0 && few >= 0 && (
        <p class="fine">
          Group {few ? "B" : "A"} needs {LEAST} items or more.
        </p>
      )}
      <State busy={live.busy} error={live.error} words="Finding what tells them apart" />
      <Own />
    </Section>
  );
}

function forget(made: Drawn): void {
  drawnOnes.value = drawnOnes.value.filter((one) => one.text !== made.text);
  const { [made.text]: _, ...rest } = doc.value.change;
  change({ change: rest, a: [], b: [] });
}

function Group({ name, rows }: { name: "a" | "b"; rows: readonly number[] }) {
  const about = column.value;
  const values = about && about.kind !== "number" ? about.values : [];
  const named = (event: Event) => {
    const code = values.indexOf((event.target as HTMLSelectElement).value);
    const found: number[] = [];
    about?.data.forEach((value, row) => value === code && found.push(row));
    if (found.length) change({ [name]: found });
  };
  const letter = name.toUpperCase();
  return (
    <div class={`group-card ${name} ${tool.value === name ? "active" : ""}`}>
      <div class="head">
        <b>{letter}</b>
        <span>{rows.length ? `${rows.length.toLocaleString("en")} items` : "empty"}</span>
        {rows.length > 0 && (
          <Button
            kind="icon"
            icon="list"
            aria-label={`List group ${letter}`}
            title="List them"
            onClick={() => change({ view: "list", list: name, sort: "" })}
          />
        )}
        {rows.length > 0 && (
          <Button
            kind="icon"
            icon="close"
            aria-label={`Empty group ${letter}`}
            onClick={() => change({ [name]: [] })}
          />
        )}
      </div>
      {rows.length > 0 && (
        <div class="few">
          {rows.slice(0, 5).map((row) => (
            <Thumb key={row} row={row} name={`item ${idOf(row)}`} />
          ))}
        </div>
      )}
      {rows.length > 0 && (
        <div class="row">
          <Button
            kind="quiet"
            title={`Ids of group ${letter} and all that is known of them, as CSV`}
            onClick={trying(() => saveRows(rows, `group-${name}`))}
          >
            Save as CSV
          </Button>
          <Button
            kind="quiet"
            title={`Ids of group ${letter}, as Python writes a list`}
            onClick={() => void copy(`ids = [${rows.map(idOf).join(", ")}]`)}
          >
            Copy ids
          </Button>
        </div>
      )}
      <Button
        icon="lasso"
        pressed={tool.value === name}
        onClick={() => (tool.value = tool.value === name ? "look" : name)}
      >
        {tool.value === name ? "Draw on the map" : `Draw ${letter}`}
      </Button>
      <div class="row">
        <Button
          kind="quiet"
          onClick={() => lassoed(name, rowsInView())}
          title="All items that the map shows now"
        >
          All in view
        </Button>
        {values.length > 0 && (
          <select aria-label={`Group ${letter} by ${about?.name}`} value="" onChange={named}>
            <option value="">{about?.name}…</option>
            {values.map((value) => (
              <option key={value} value={value}>
                {value}
              </option>
            ))}
          </select>
        )}
      </div>
    </div>
  );
}
