/** One card for each latent dimension: what it does, what it goes with, and a slider for it. */
import { useState } from "preact/hooks";
import { useLive } from "../live.ts";
import { human, sentence } from "../names.ts";
import { short } from "../scales.ts";
import { ask, doc } from "../state.ts";
import type { Dimension } from "../wire.ts";
import { Picture, Section, State } from "./bits.tsx";
import { More, Result } from "./Result.tsx";
import { move, Track } from "./Slider.tsx";

export function DimensionsView() {
  const [all, setAll] = useState(false);
  const live = useLive("dimensions", (signal) => ask("dimensions", {}, null, signal));
  const cards = live.value?.dimensions ?? [];
  const shown = all ? cards : cards.slice(0, 12);
  return (
    <>
      <h1>Dimensions</h1>
      <Result />
      <Section title="By use" aside={<small>{cards.length ? `${cards.filter((card) => card.active).length} of ${cards.length} are used` : ""}</small>}>
        <State busy={live.busy && !cards.length} error={live.error} words="Reading what each dimension does" />
        <div class="cards">
          {shown.map((card) => (
            <Card key={card.index} card={card} />
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

function Card({ card }: { card: Dimension }) {
  const id = doc.value.subject?.kind === "item" ? doc.value.subject.id : null;
  const query = { kind: "dimension" as const, name: card.name, ...(id === null ? {} : { id }) };
  const live = useLive(`${card.name} ${id}`, (signal) => ask("strip", query, null, signal));
  const value = doc.value.change[card.name] ?? 0;
  return (
    <article class={`card ${card.active ? "" : "idle"}`} aria-label={card.name}>
      <div class="head">
        <b>{card.index}</b>
        <span>{card.strongest ? human(card.strongest) : card.active ? "no name for it" : "not used"}</span>
        <output>{value ? short(value, 2) : ""}</output>
      </div>
      <div class="film">
        {live.value
          ? Array.from(live.value.at.data, (at, i) => (
              <button key={i} type="button" class="cell" aria-label={`dimension ${card.index} by ${short(at, 1)}`} onClick={() => move(card.name, at)}>
                <Picture items={live.value?.items ?? null} index={i} name="" />
              </button>
            ))
          : Array.from({ length: 7 }, (_, i) => <div key={i} class="cell picture empty" />)}
      </div>
      <Track name={card.name} label={`Dimension ${card.index}`} low={-2} high={2} />
      <p class="fine">{sentence(card.words)}</p>
    </article>
  );
}
