/**
 * Items as they are seen: of an answer, from the sheets of thumbnails, or as the server shows them; each kind
 * of data by its own view.
 */
import { signal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Subject } from "../document.ts";
import { useLive } from "../live.ts";
import { viewOf } from "../modalities/index.ts";
import { one, type Ink, type Items } from "../modalities/view.ts";
import type { Sheets } from "../sheets.ts";
import { valued } from "../scales.ts";
import { ask, look, rowOf, space } from "../state.ts";
import type { Item as Told } from "../wire.ts";
import { Hear } from "./Hear.tsx";
import { dark } from "./theme.ts";
import { turned, useTurning } from "./turning.ts";
import { Words } from "./Words.tsx";

const LARGE = 112; // pixels of the page, from which what can be read stands in words

export const sheets = signal<Sheets | null>(null);
/** Counts sheets that have arrived, so that thumbnails which wait are drawn. */
export const arrivals = signal(0);

/** What a kind of data is called here; that of items in general until it is known. */
export const noun = (many: boolean): string =>
  many ? (space.value?.modality.plural ?? "items") : (space.value?.modality.noun ?? "item");

/** Whether items of this kind are read rather than looked at. */
export const read = (): boolean => Boolean(viewOf(space.value?.modality).words);

/** Whether one picture tells an item and what was made of it. */
export const both = (): boolean => Boolean(viewOf(space.value?.modality).both);

/** A value of an attribute in words. */
export function valueOf(name: string, value: Told["attributes"][string] | undefined): string {
  const about = space.value?.modality;
  if (value === null || value === undefined) return "–";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "string") return value;
  return (about && viewOf(about).said?.(name, value, about)) ?? valued(value);
}

/** What items are in a few words, by their rows, where they are read. */
export function useCaptions(rows: readonly number[]): readonly string[] {
  const known = read() && rows.every((row) => row >= 0);
  const live = useLive(known && rows.length ? rows.join() : null, (signal) =>
    ask("sources", {}, { rows: [...rows] }, signal),
  );
  return (known && live.value?.captions) || [];
}

/** The page's colours as they are now. */
function ink(): Ink {
  const style = getComputedStyle(document.documentElement);
  const read = (name: string) => style.getPropertyValue(`--${name}`).trim();
  return {
    ground: read("raised"),
    line: read("sunk"),
    ink: read("ink"),
    soft: read("soft"),
    accent: read("accent"),
    mark: read("tint"),
    above: read("above"),
    below: read("below"),
    symbol: read("good"),
  };
}

interface Props {
  items: Items | null;
  index?: number;
  /** What screen readers call it; nothing where something else says what it is. */
  name: string;
  class?: string;
  /** The item that it was made from: what differs is marked, where the kind of data can say that. */
  than?: Items | null;
  /** Whether its caption stands below it. */
  told?: boolean;
  /** Whether it can be heard, where its kind can. */
  heard?: boolean;
}

/** An item of an answer at the size that its place has. */
export function Item(props: Props) {
  const { items, index = 0, name, class: extra = "", than = null, told = false } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  const about = space.value?.modality;
  const night = dark.value;
  const front = viewOf(about).turn;
  const turn = front && (turned.value ?? front);
  const [worded, setWorded] = useState(false);
  useTurning(canvas, front, items !== null);
  useLayoutEffect(() => {
    const onto = canvas.current;
    if (!items || !onto || !about) return;
    if (viewOf(about).words && onto.clientWidth >= LARGE) return setWorded(true);
    const side = Math.max(onto.clientWidth, 16) * devicePixelRatio;
    viewOf(about).paint(items, index, onto, about, { side, ink: ink(), than, ...(turn && { turn }) });
  }, [items, index, than, about?.name, night, turn]);
  if (!items || !about) return <div class={`picture empty ${extra}`} />;
  const { caption: brief, exact, sound, words } = viewOf(about);
  if (worded && words)
    return <Words items={items} index={index} name={name} class={extra} than={than} words={words} />;
  const caption = brief(items, index, about);
  const below = told && !exact; // what shows all details needs no words
  const said = name
    ? {
        role: "img" as const,
        "aria-label": [caption ? `${name}: ${caption}` : name, front ? "arrow keys turn it" : ""]
          .filter(Boolean)
          .join("; "),
      }
    : { "aria-hidden": true };
  const audible = props.heard && sound;
  const picture = (
    <canvas
      ref={canvas}
      class={audible ? "" : `picture ${extra}`}
      {...said}
      {...(caption && !below ? { title: caption } : {})}
    />
  );
  return (
    <>
      {audible ? (
        <span class={`picture heard ${extra}`}>
          {picture}
          <Hear items={items} index={index} name={name} />
        </span>
      ) : (
        picture
      )}
      {below && <Caption text={caption} />}
    </>
  );
}

export function Caption({ text }: { text: string }) {
  return text ? <p class="fine caption">{text}</p> : null;
}

/** A real item's thumbnail from the sheets. */
export function Thumb({ row, name, class: extra = "" }: { row: number; name: string; class?: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const known = sheets.value;
  const paper = viewOf(space.value?.modality).paper ? "paper" : "";
  const night = dark.value;
  const drawn = useRef<{ row: number; of: Sheets; night: boolean } | null>(null);
  const last = drawn.current; // its sheet may have gone again
  const there = last?.row === row && last.of === known && (last.night === night || !paper);
  const ready = there || (arrivals.value >= 0 && known !== null && row >= 0 && known.ready(row));
  useLayoutEffect(() => {
    const onto = canvas.current;
    if (!ready || !onto || there || !known) return;
    drawn.current = { row, of: known, night };
    const from = known.cut(row);
    [onto.width, onto.height] = [from.width, from.height];
    const pen = onto.getContext("2d") as CanvasRenderingContext2D;
    pen.drawImage(from, 0, 0);
    if (!paper) return;
    // on the ground of other pictures: white on white has no edges
    pen.globalCompositeOperation = "multiply";
    pen.fillStyle = getComputedStyle(onto).getPropertyValue("--paper");
    pen.fillRect(0, 0, onto.width, onto.height);
  }, [row, ready, known, night]);
  return (
    <canvas
      ref={canvas}
      class={`picture ${ready ? "" : "empty"} ${paper} ${extra}`}
      role="img"
      aria-label={name}
    />
  );
}

interface OriginalProps {
  id: number;
  of: "original" | "reconstruction";
  name: string;
  /** Whether a reconstruction shows where it differs from its original. */
  marked?: boolean;
}
/**
 * An item that is real, or what the model makes of it, with all details: by the page's view of its kind, or
 * as the library shows it.
 */
export function Original(props: OriginalProps) {
  return viewOf(space.value?.modality).exact ? <Stored {...props} /> : <Shown {...props} />;
}
function Stored({ id, of, name, marked = false }: OriginalProps) {
  const live = useLive(`${id}`, (signal) => ask("stored", { id }, null, signal));
  const [items, again] = [live.value?.items ?? null, of === "reconstruction"];
  if (live.error) return again ? <Again id={id} name={name} /> : <Thumb row={rowOf(id)} name={name} />;
  return (
    <Item
      items={items}
      index={again ? 1 : 0}
      name={name}
      than={again && marked && items ? one(items, 0) : null}
      heard
    />
  );
}
/** What the model makes of an item, where the item itself is not to be had. */
function Again({ id, name }: { id: number; name: string }) {
  const live = useLive(`${id}`, () => look({ kind: "item", id }));
  return <Item items={live.value?.items ?? null} name={name} heard />;
}
function Shown({ id, of, name }: OriginalProps) {
  const live = useLive(`${id} ${of}`, async (signal) => {
    const found = await ask("picture", { id, of }, null, signal);
    return found.type.startsWith("image/")
      ? { address: URL.createObjectURL(found), text: "" }
      : { address: "", text: await found.text() };
  });
  const shown = live.value;
  useEffect(() => () => void (shown?.address && URL.revokeObjectURL(shown.address)), [shown]);
  if (!shown) return <Thumb row={rowOf(id)} name={name} />;
  return shown.address ? (
    <img class="picture" src={shown.address} alt={name} />
  ) : (
    <iframe class="picture page" sandbox="" srcdoc={shown.text} title={name} />
  );
}

/** A subject, as small as its place: the thumbnail of an item, a decoded place else. */
export function Face({
  subject,
  items = null,
  heard = false,
}: {
  subject: Subject;
  items?: Items | null;
  heard?: boolean;
}) {
  if (subject.kind === "item") return <Thumb row={rowOf(subject.id)} name={`item ${subject.id}`} />;
  return items ? (
    <Item items={items} name={subject.said} heard={heard} />
  ) : (
    <Decoded subject={subject} heard={heard} />
  );
}
function Decoded({ subject, heard }: { subject: Subject & { kind: "place" }; heard: boolean }) {
  const key = subject.z.join(",");
  const live = useLive(key, (signal) => ask("decode", {}, Float32Array.from(subject.z), signal));
  return <Item items={live.value?.items ?? null} name={subject.said} heard={heard} />;
}
