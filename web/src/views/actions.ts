/** What a click, a drop or a button does to the state; views call these and say nothing of how. */
import { signal } from "@preact/signals";
import { keyOf, walks, type Doc, type Subject, type View } from "../document.ts";
import { append } from "../formula.ts";
import { human } from "../names.ts";
import {
  ask,
  atHome,
  camera,
  change,
  column,
  complain,
  doc,
  go,
  home,
  grid,
  idOf,
  layout,
  rowOf,
  say,
  select,
  shown,
  size,
  space,
  standIns,
  tool,
  turn,
  whereabouts,
  type Pointer,
} from "../state.ts";
import { inView, type Camera, type Point } from "../scales.ts";
import type { Direction, Encoded } from "../wire.ts";
import { calm } from "./theme.ts";

/** What came with files that were dropped, by the latent they were encoded to. */
export const uploads = new Map<string, Encoded>();
export const uploading = signal(false);

const item = (row: number): Subject => ({ kind: "item", id: idOf(row) });

/** Views of what is selected, which stay open when it is another. */
const HELD: ReadonlySet<View> = new Set<View>(["directions", "dimensions", "complete"]);

/** A click on the map: on an item (its row), or else on the place under the pointer. */
export async function clicked(row: number, at: Pointer | null): Promise<void> {
  const subject = row >= 0 ? item(row) : at && (await placeAt(at.x, at.y));
  if (!subject) return;
  if (tool.value === "other") {
    tool.value = "look";
    return change({ other: subject, view: "item" });
  }
  if (walks(doc.value.view)) return addKey(subject);
  if (doc.value.view === "style") return well(subject);
  select(subject, HELD.has(doc.value.view) ? null : "item");
}

/** The latent at a place of the map. */
export async function placeAt(x: number, y: number): Promise<Subject> {
  const found = await ask("at", { method: doc.value.method }, Float32Array.of(x, y));
  return { kind: "place", z: Array.from(found.z.data), said: "A place on the map" };
}

/** What a text names: an item, what a formula leads to, or the first item with that in its file's name. */
export async function byName(text: string): Promise<Subject> {
  const id = /^\s*@?(\d+)\s*$/.exec(text)?.[1];
  if (id !== undefined && rowOf(Number(id)) >= 0) return { kind: "item", id: Number(id) };
  try {
    const found = await ask("formula", {}, { text, method: doc.value.method });
    return { kind: "place", z: Array.from(found.z.data), said: found.text };
  } catch (error) {
    const { completions } = await ask("names", { prefix: text.trim() }, null);
    const named = completions.find(({ kind }) => kind === "item")?.text;
    if (!named) throw error;
    return { kind: "item", id: Number(named.slice(1)) };
  }
}

export function lassoed(group: "a" | "b", rows: number[]): void {
  if (!rows.length) return say("Nothing lies inside that line: draw around some points.", true);
  if (doc.value.view === "sample") {
    tool.value = "look";
    return change({ [group]: rows });
  }
  tool.value = group === "a" && !doc.value.b.length ? "b" : "look";
  change({ [group]: rows, view: "directions", found: "attributes" });
  say(
    `Group ${group.toUpperCase()}: ${rows.length.toLocaleString("en")} ` +
      `items.${tool.value === "b" ? " Now draw around the others." : ""}`,
  );
}

/** All items that are in view and shown. */
export function rowsInView(): number[] {
  const [points, at] = [grid.value, camera.value];
  if (!points || !at) return [];
  const { left, right, bottom, top } = inView(at, size.value);
  const corners: Point[] = [
    [left, bottom],
    [right, bottom],
    [right, top],
    [left, top],
  ];
  return points.lasso(corners, shown.value);
}

// key frames

export function addKey(subject: Subject): void {
  const keys = doc.value.keys;
  if (keys.length && keyOf(keys.at(-1) as Subject) === keyOf(subject)) return;
  if (keys.length >= 16) return say("A path has at most 16 key frames here.", true);
  change({ keys: [...keys, subject] });
}
export function setKey(index: number, subject: Subject, kind: string | null = null): void {
  change({ keys: doc.value.keys.map((key, i) => (i === index ? subject : key)) }, kind);
}
export function moveKey(index: number, by: number): void {
  const keys = [...doc.value.keys];
  const [key] = keys.splice(index, 1);
  if (key) keys.splice(Math.min(Math.max(index + by, 0), keys.length), 0, key);
  change({ keys });
}
export const dropKey = (index: number): void =>
  change({ keys: doc.value.keys.filter((_, i) => i !== index) });

// sliders

/** A direction between two groups that this page has asked for, and the groups it is of. */
export type Drawn = Direction & { of: string };
export const drawnOnes = signal<readonly Drawn[]>([]);
/** The slider that has just come: it is brought into view, and marked for a moment. */
export const pointed = signal<string | null>(null);

const MOSTLY = 0.6; // share of a group from which it is called by what it is
/** What most items of a group are, by what colours the map; null where that is nothing. */
function called(rows: readonly number[]): string | null {
  const about = column.value;
  if (!about || about.kind === "number") return null;
  const counts = new Map<number, number>();
  for (const row of rows) counts.set(about.data[row] ?? -1, (counts.get(about.data[row] ?? -1) ?? 0) + 1);
  const [code, most] = [...counts].sort((p, q) => q[1] - p[1])[0] ?? [-1, 0];
  const value = about.values[code];
  if (value === undefined || most < MOSTLY * rows.length) return null;
  return about.kind === "bool" ? `${code ? "" : "no "}${human(about.name)}` : value;
}
/** The name of the way from one group to another: of what they are, where that is clear. */
export function between(a: readonly number[], b: readonly number[]): string {
  const [from, to] = [called(a), called(b)];
  return from && to && from !== to ? `${from} to ${to}` : "A to B";
}

// what the invitations do

function random(rows: readonly number[]): number {
  return rows[Math.floor(Math.random() * rows.length)] ?? -1;
}
export function shownRows(): number[] {
  const rows: number[] = [];
  for (let row = 0; row < shown.value.length; row++) if (shown.value[row]) rows.push(row);
  return rows;
}

/** An item that is not like the given one: of another value of the map's colour, and well away from it. */
export function unlike(row: number): number {
  const [xy, values] = [layout.value?.xy.data, column.value?.kind === "number" ? null : column.value?.data];
  const rows = shownRows().filter((other) => other !== row && (!values || values[other] !== values[row]));
  const some = Array.from({ length: 24 }, () => random(rows.length ? rows : shownRows()));
  if (!xy) return some[0] ?? -1;
  const far = (other: number) =>
    Math.hypot((xy[2 * other] ?? 0) - (xy[2 * row] ?? 0), (xy[2 * other + 1] ?? 0) - (xy[2 * row + 1] ?? 0));
  return some.sort((a, b) => far(a) - far(b))[12] ?? -1;
}
export const anyItem = (): Subject => {
  const places = standIns.value;
  return places.length
    ? (places[Math.floor(Math.random() * places.length)] as Subject)
    : item(random(shownRows()));
};

export function pair(): [Subject, Subject] {
  const subject = doc.value.subject ?? anyItem();
  const row = subject.kind === "item" ? rowOf(subject.id) : -1;
  return [subject, standIns.value.length ? anyItem() : item(unlike(row))];
}
export function morph(keys: readonly Subject[] = doc.value.keys.length > 1 ? doc.value.keys : pair()): void {
  const before = doc.value.keys;
  change({ view: "path", keys });
  if (before.length > 1 && before.map(keyOf).join() !== keys.map(keyOf).join())
    say("This took the place of the path that was there; Undo brings it back.");
}
export function slide(subject: Subject = doc.value.subject ?? doc.value.keys[0] ?? anyItem()): void {
  if (doc.value.subject && keyOf(doc.value.subject) === keyOf(subject)) return go("directions");
  change({ view: "directions", subject, change: {} });
}

/** A file of one's own: encoded, and selected where it belongs. */
export async function bring(file: File): Promise<void> {
  uploading.value = true;
  try {
    const found = await ask("encode", { method: doc.value.method, name: file.name }, file);
    const subject: Subject = { kind: "place", z: Array.from(found.z.data), said: file.name };
    uploads.set(keyOf(subject), found);
    select(subject, "item");
    void show(subject).catch(complain);
  } finally {
    uploading.value = false;
  }
}
export function pick(): void {
  const input = document.createElement("input");
  input.type = "file";
  input.accept = (space.value?.modality.reads ?? []).map((ending) => `.${ending}`).join(",");
  input.onchange = () =>
    input.files?.[0] && void bring(input.files[0]).catch((error: Error) => say(error.message, true));
  input.click();
}

// other uses

export function useAs(what: "a" | "b" | "key" | "formula" | "content" | "style", subject: Subject): void {
  const row = subject.kind === "item" ? rowOf(subject.id) : -1;
  if (what === "key") {
    const keys = doc.value.keys.length ? doc.value.keys : [];
    change({ keys: [...keys, subject], view: "path" });
  } else if (what === "formula" && subject.kind === "item") {
    change({ formula: append(doc.value.formula, `@${subject.id}`) });
    document.getElementById("formula")?.focus();
  } else if (what === "a" || what === "b") {
    const rows = doc.value[what];
    if (row >= 0 && !rows.includes(row)) change({ [what]: [...rows, row] });
    say(`Group ${what.toUpperCase()}: ${doc.value[what].length} items.`);
  } else if (what === "content" || what === "style") change({ [what]: subject, view: "style" });
}
function well(subject: Subject): void {
  const to: Partial<Doc> =
    !doc.value.content || doc.value.style
      ? { content: subject, style: doc.value.content ? doc.value.style : null }
      : { style: subject };
  change(to);
}

/** Moves the map, where that is needed, so that a subject is in view. */
export async function show(subject: Subject): Promise<void> {
  const [x, y] = await whereabouts(subject);
  const at = camera.value;
  if (!at || Number.isNaN(x)) return;
  const [left, top] = [
    (Math.abs(x - at.x) * at.k) / size.value.width,
    (Math.abs(y - at.y) * at.k) / size.value.height,
  ];
  if (left > 0.42 || top > 0.42) fly({ x, y, k: at.k });
}

let flight = 0;
export function fly(to: Camera): void {
  const from = camera.value;
  cancelAnimationFrame(flight);
  if (!from || calm()) return void (camera.value = to);
  const begun = performance.now();
  const { x, y, k } = to;
  const step = (now: number) => {
    const t = Math.min((now - begun) / 260, 1);
    const eased = 1 - (1 - t) ** 3;
    camera.value =
      t < 1
        ? {
            x: from.x + (x - from.x) * eased,
            y: from.y + (y - from.y) * eased,
            k: from.k * (k / from.k) ** eased,
          }
        : to;
    if (t < 1) flight = requestAnimationFrame(step);
  };
  flight = requestAnimationFrame(step);
}
const RIM = 0.97; // share of the items that lie further in
/** Goes to where the data ends: there decoded places that hold lie beside such as do not. */
export function flyToRim(): void {
  const [middle, xy] = [home.value, layout.value?.xy.data];
  turn({ microscope: true });
  if (!middle || !xy) return;
  const away = Float32Array.from({ length: xy.length / 2 }, (_, row) =>
    Math.hypot((xy[2 * row] ?? 0) - middle.x, (xy[2 * row + 1] ?? 0) - middle.y),
  );
  const row = Math.max(away.indexOf(away.slice().sort()[Math.floor(RIM * away.length)] ?? 0), 0);
  fly({ x: xy[2 * row] ?? 0, y: xy[2 * row + 1] ?? 0, k: 4 * middle.k });
}
export function flyHome(): void {
  const to = atHome();
  if (to) fly(to);
}
