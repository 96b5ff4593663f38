/** One card for each latent dimension: what it does, what it goes with, and a slider for it. */
import { useState } from "preact/hooks";
import { useLive } from "../live.ts";
import { sentence } from "../names.ts";
import { short } from "../scales.ts";
import { ask, doc } from "../state.ts";
import type { Dimension } from "../wire.ts";
import { Section, State } from "./components.tsx";
import { Item, noun } from "./Item.tsx";
import { More, Result } from "./Result.tsx";
import { move, Track } from "./Slider.tsx";

export function DimensionsView() {
  const [all, setAll] = useState(false);
  const live = useLive("dimensions", (signal) => ask("dimensions", {}, null, signal));
  const cards = live.value?.dimensions ?? [];
  const shown = all ? cards : cards.slice(0, 12);
  const most = Math.max(...cards.map((card) => card.use), 1e-9);
  const { subject } = doc.value;
  return (
    <>
      <h1>Dimensions</h1>
      <Result />
      <Section
        title="By use"
        aside={
          <small>
            {cards.length ? `${cards.filter((card) => card.active).length} of ${cards.length} are used` : ""}
          </small>
        }
      >
        <State
          busy={live.busy && !cards.length}
          error={live.error}
          words="Reading what each dimension does"
        />
        {cards.length > 0 && (
          <p class="fine">
            The longer the bar, the more that number tells about {noun(true)}. Strips start from{" "}
            {subject?.kind === "item" ? `@${subject.id}` : `the average ${noun(false)}`} in their middle; the
            words say what changes to the right.
          </p>
        )}
        <div class="cards">
          {shown.map((card) => (
            <Card key={card.index} card={card} most={most} />
          ))}
        </div>
        {cards.length > shown.length && (
          <button type="button" class="button quiet" onClick={() => setAll(true)}>
            Show all {cards.length}
          </button>
        )}
      </Section>
      <More />
    </>
  );
}

/** How much a dimension is used, and in which measure. */
const used = ({ use, unit }: Dimension): string =>
  unit === "nats"
    ? `Use: ${short(use)} nats, what an item tells in this number on average (its KL)`
    : `Use: ${short(use)}, the variance of items in this number`;

function Card({ card, most }: { card: Dimension; most: number }) {
  const id = doc.value.subject?.kind === "item" ? doc.value.subject.id : null;
  const query = { kind: "dimension" as const, name: card.name, ...(id === null ? {} : { id }) };
  const live = useLive(`${card.name} ${id}`, (signal) => ask("strip", query, null, signal));
  const value = doc.value.change[card.name] ?? 0;
  return (
    <article class={`card ${card.active ? "" : "idle"}`} aria-label={card.name}>
      <div class="head">
        <b>{card.index}</b>
        <span>{card.title || (card.active ? "no name for it" : "not used")}</span>
        <output>{value ? short(value, 2) : ""}</output>
        <i
          class="use"
          role="img"
          aria-label={used(card)}
          title={used(card)}
          style={{ "--share": `${(100 * Math.max(card.use, 0)) / most}%` }}
        />
      </div>
      <div class="film">
        {live.value
          ? Array.from(live.value.at.data, (at, i) => (
              <button
                key={i}
                type="button"
                class="cell"
                aria-label={`dimension ${card.index} by ${short(at, 1)}`}
                onClick={() => move(card.name, at)}
              >
                <Item items={live.value?.items ?? null} index={i} name="" />
              </button>
            ))
          : Array.from({ length: 7 }, (_, i) => <div key={i} class="cell picture empty" />)}
      </div>
      <Track name={card.name} label={`Dimension ${card.index}`} low={-2} high={2} />
      {card.words && (
        <details class="does">
          <summary title="The numbers">{sentence(card.words)}</summary>
          <p class="fine">{sentence(card.numbers)}</p>
        </details>
      )}
    </article>
  );
}
