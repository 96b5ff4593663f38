/**
 * One slider of the rack: its useful range is marked, others can be held while it moves, and it says how far
 * it can be trusted.
 */
import { useEffect, useRef, useState } from "preact/hooks";
import { useLive } from "../live.ts";
import { human, plain, sentence, spoken, topic } from "../names.ts";
import { short } from "../scales.ts";
import { able, ask, change, doc, space } from "../state.ts";
import type { Direction, Moved } from "../wire.ts";
import { pointed } from "./actions.ts";
import { Button, State } from "./components.tsx";
import { Item } from "./Item.tsx";

const FRESH = 3000; // milliseconds for which a slider that has just come is marked

/** Sets one strength; 0 takes it out. */
export function move(name: string, value: number): void {
  const { [name]: _, ...rest } = doc.value.change;
  change({ change: value ? { ...rest, [name]: value } : rest }, `slide ${name}`);
}

export interface Reach {
  low: number;
  high: number;
}
/**
 * How far a slider goes: somewhat beyond where the direction is known to hold, so that one can see it break.
 */
export function reach(low: number | null, high: number | null): Reach {
  const [from, to] = [Math.min(low ?? -2, -0.5), Math.max(high ?? 2, 0.5)];
  const more = 0.35 * (to - from);
  return { low: Math.floor((from - more) * 2) / 2, high: Math.ceil((to + more) * 2) / 2 };
}

interface TrackProps {
  name: string;
  label: string;
  low: number | null;
  high: number | null;
}
export function Track({ name, label, low, high }: TrackProps) {
  const value = doc.value.change[name] ?? 0;
  const ends = reach(low, high);
  const part = (at: number) => `${((at - ends.low) / (ends.high - ends.low)) * 100}%`;
  const style = {
    "--from": part(low ?? ends.low),
    "--to": part(high ?? ends.high),
    "--zero": part(0),
    "--at": part(value),
  };
  return (
    <input
      type="range"
      class="track"
      aria-label={label}
      aria-valuetext={`${short(value, 2)}`}
      style={style}
      min={ends.low}
      max={ends.high}
      step={0.05}
      value={value}
      onInput={(event) => move(name, Number(Number(event.currentTarget.value).toFixed(2)))}
      onDblClick={() => move(name, 0)}
    />
  );
}

export function Slider({ direction, drop }: { direction: Direction; drop?: () => void }) {
  const [open, setOpen] = useState(false);
  const { name, text, low, high, works } = direction;
  const value = doc.value.change[text] ?? 0;
  const locked = doc.value.locked.includes(name);
  const lock = () =>
    change({
      locked: locked ? doc.value.locked.filter((other) => other !== name) : [...doc.value.locked, name],
    });
  const lockable = able("lock") && (space.value?.attributes ?? []).some((one) => one.name === topic(name));
  const place = useRef<HTMLDivElement>(null);
  const fresh = pointed.value === text;
  useEffect(() => {
    if (!fresh) return;
    place.current?.scrollIntoView({ block: "center" });
    const timer = setTimeout(() => pointed.value === text && (pointed.value = null), FRESH);
    return () => clearTimeout(timer);
  }, [fresh]);
  return (
    <div ref={place} class={`slider ${works ? "" : "weak"} ${value ? "moved" : ""} ${fresh ? "fresh" : ""}`}>
      <div class="head">
        <button
          type="button"
          class="name"
          aria-expanded={open}
          onClick={() => setOpen(!open)}
          title={direction.words || "What it does, and how far it holds"}
        >
          {plain(name)}
        </button>
        <output>{value ? `${value > 0 ? "+" : "−"}${short(Math.abs(value), 1)}` : ""}</output>
        {value !== 0 && (
          <Button
            kind="icon"
            icon="reset"
            aria-label={`Reset ${human(name)}`}
            onClick={() => move(text, 0)}
          />
        )}
        {lockable && (
          <Button
            kind="icon"
            icon={locked ? "lock" : "open"}
            pressed={locked}
            disabled={value !== 0}
            onClick={lock}
            aria-label={`Hold ${human(name)} while others move`}
            title="Hold this while others move"
          />
        )}
        {drop && <Button kind="icon" icon="close" aria-label={`Remove ${name}`} onClick={drop} />}
      </div>
      <Track name={text} label={human(name)} low={low} high={high} />
      {drop && <Trust of={direction} />}
      {open && <About direction={direction} />}
    </div>
  );
}

/** Whether a direction between groups can be trusted, in plain words. */
function Trust({ of }: { of: Direction }) {
  const right = Math.round(100 * of.score);
  const numbers =
    `${of.score_name} ${short(of.score)} on items that were held out in turn; guessing gets ` +
    `${short(of.baseline)}`;
  return (
    <p class="fine" title={numbers}>
      {of.works
        ? `Shown two items it has not seen, one of each group, it tells which is which ` +
          `${right > 99 ? "nearly every time" : `${right} times in 100`}.`
        : `It does not tell the groups apart (${right} times in 100; guessing gets 50): do not trust it.`}
      {of.leakage.length > 0 && ` Going right also brings ${listed(of.leakage.slice(0, 3).map(brought))}.`}
    </p>
  );
}
const brought = (leak: Moved): string => `${leak.sd > 0 ? "more" : "less"} ${spoken(leak.name)}`;
const listed = (words: readonly string[]): string =>
  words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;

function About({ direction }: { direction: Direction }) {
  const id = doc.value.subject?.kind === "item" ? doc.value.subject.id : null;
  const query = { kind: "direction" as const, name: direction.text, ...(id === null ? {} : { id }) };
  const live = useLive(`${direction.text} ${id}`, (signal) => ask("strip", query, null, signal));
  return (
    <div class="about">
      {live.value && (
        <div class="film">
          {Array.from(live.value.at.data, (at, i) => (
            <button
              key={i}
              type="button"
              class="cell"
              title={short(at, 1)}
              aria-label={`${direction.name} at ${short(at, 1)}`}
              onClick={() => move(direction.text, at)}
            >
              <Item items={live.value?.items ?? null} index={i} name="" />
            </button>
          ))}
        </div>
      )}
      <State busy={live.busy && !live.value} error={live.error} />
      <p>
        {direction.works ? "Holds" : "Does not hold"} on items it has not seen: {direction.score_name}{" "}
        {short(direction.score)}, chance {short(direction.baseline)}. {sentence(direction.words)}
      </p>
      {direction.leakage.length > 0 && (
        <p>
          Moves along with it:{" "}
          {direction.leakage
            .slice(0, 4)
            .map(({ name, sd }) => `${spoken(name)} ${sd > 0 ? "+" : "−"}${short(Math.abs(sd), 1)} sd`)
            .join(", ")}
        </p>
      )}
    </div>
  );
}
