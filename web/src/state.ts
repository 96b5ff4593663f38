/** The one store: what a person has made (undoable), what is being pointed at, and what has been loaded. */
import { batch, computed, effect, signal } from "@preact/signals";
import { Refused, dropped, server, type Ask } from "./api.ts";
import { paint, passes, type Column } from "./colours.ts";
import { EMPTY, fromHash, hidden, keyOf, toHash, type Doc, type Subject, type View } from "./document.ts";
import { Grid } from "./grid.ts";
import * as history from "./history.ts";
import { title } from "./names.ts";
import { fit, type Camera, type Size } from "./scales.ts";
import {
  type Able,
  type Attribute,
  type Look,
  type Layout,
  type Path,
  type Space,
  type Task,
} from "./wire.ts";

export const doc = signal<Doc>(EMPTY);
const past = signal(history.none<Doc>());
export const canUndo = computed(() => past.value.past.length > 0);
export const canRedo = computed(() => past.value.future.length > 0);

/**
 * Changes what a person has made, and notes it for undo; changes of one `kind` in quick succession are one
 * step.
 */
export function change(patch: Partial<Doc>, kind: string | null = null): void {
  batch(() => {
    past.value = history.note(past.value, doc.value, kind, performance.now());
    doc.value = { ...doc.value, ...patch };
  });
}
/** Changes where one looks, or what nobody asked for; that needs no undoing. */
export function turn(patch: Partial<Doc>): void {
  doc.value = { ...doc.value, ...patch };
}
/**
 * Opens a view; a step of its own for undo, which else would go back in another view than the one that is
 * open.
 */
export const go = (view: View): void => void (doc.value.view !== view && change({ view }, "view"));

function step(move: typeof history.back<Doc>): void {
  const found = move(past.value, doc.value);
  if (found) batch(() => ([past.value, doc.value] = [found.history, found.state]));
}
export const undo = (): void => step(history.back);
export const redo = (): void => step(history.forth);

// what is loaded

export const space = signal<Space | null>(null);
/** Places that stand for items where single ones are not to be had. */
export const standIns = signal<readonly Subject[]>([]);
/** Whether something can be had that not every place has; all can until it is known. */
export const able = (what: Able): boolean => space.value?.able.includes(what) ?? true;
/** Whether the open space has answers for a view. */
export const offers = (view: View): boolean =>
  view === "style"
    ? able("transfer")
    : view === "complete"
      ? able("complete") && Object.keys(space.value?.modality.parts ?? { any: "" }).length > 0
      : view === "compose" || view === "report"
        ? able(view)
        : view === "list"
          ? able("items")
          : true;
export const layout = signal<Layout | null>(null);
export const grid = signal<Grid | null>(null);
export const column = signal<Column | null>(null);
/** The columns that have been asked for, by name. */
export const columns = signal<ReadonlyMap<string, Column>>(new Map());
export const waiting = signal(false);
export const tasks = signal<readonly Task[]>([]);
export const notice = signal<{ text: string; bad: boolean } | null>(null);
/** What has become of the space on disk since it was opened, in a line. */
export const newer = signal<string | null>(null);
/** Begins this page anew; null where it is part of another, which must do that. */
export const anew = signal<(() => void) | null>(() => location.reload());

export const coloured = computed(() => paint(column.value, layout.value ? layout.value.id.data.length : 0));
/** What is hidden, as a text: it stays the same while something else changes, and with it what follows. */
const hiding = computed(() => JSON.stringify(hidden(doc.value)));
export const shown = computed(() => {
  const rows = layout.value ? layout.value.id.data.length : 0;
  const all = (JSON.parse(hiding.value) as ReturnType<typeof hidden>).map(([name, filter]) =>
    passes(columns.value.get(name) ?? null, filter, rows),
  );
  return all.length > 1
    ? (all[0] as Uint8Array).map((_, row) => Number(all.every((one) => one[row])))
    : (all[0] ?? passes(null, { off: [], range: null }, rows));
});
const rowsById = computed(() => new Map(Array.from(layout.value?.id.data ?? [], (id, row) => [id, row])));
export const rowOf = (id: number): number =>
  // mostly items lie as they are numbered
  layout.value?.id.data[id] === id ? id : (rowsById.value.get(id) ?? -1);
export const idOf = (row: number): number => layout.value?.id.data[row] ?? -1;

export let ask: Ask = server((waits) => (waiting.value = waits));
export function use(other: Ask): void {
  ask = other;
}

// where one looks and points

export const size = signal<Size>({ width: 0, height: 0 });
export const camera = signal<Camera | null>(null);
/** How much of the map's lower edge the legend takes, in pixels. */
export const foot = signal(0);
const HEAD = 30; // what the tools take of its upper edge, beyond the margin
/** Where the whole map is in view, above the legend. */
export const home = computed<Camera | null>(() =>
  grid.value && size.value.width ? fit(grid.value.box, size.value, foot.value, HEAD) : null,
);
/** The camera that was put there and that nobody has moved since. */
let settled: Camera | null = null;
export const atHome = (): Camera | null => (settled = home.value);
export interface Pointer {
  /** On the map. */
  x: number;
  y: number;
  /** On the screen, from the map's corner. */
  px: number;
  py: number;
  /** Whether keys moved it there: then it is drawn. */
  keyed?: boolean;
}
export const pointer = signal<Pointer | null>(null);
export const tool = signal<"look" | "a" | "b" | "other">("look");
export const help = signal(false);
/** Places that the current view draws on the map: a result, a path, its frame. */
export const marks = signal<
  { x: number; y: number; kind: "result" | "frame" | "near" | "new"; row?: number }[]
>([]);
/** Rows of the items that are listed. */
export const listed = signal<readonly number[]>([]);
export const walked = signal<Path | null>(null);
export const frame = signal(0);

export function say(text: string, bad = false): void {
  notice.value = { text, bad };
}
export function complain(error: unknown): void {
  if (dropped(error)) return;
  if (!(error instanceof Refused)) console.error(error);
  say(error instanceof Error ? error.message : String(error), true);
}

// what a subject is: its decoded item, support, neighbours and place, asked for once

const looks = new Map<string, Promise<Look>>();
export function look(subject: Subject): Promise<Look> {
  const key = `${doc.value.method} ${keyOf(subject)}`;
  let found = looks.get(key);
  if (!found) {
    found = latent(subject).then((z) => ask("look", { method: doc.value.method }, Float32Array.from(z)));
    found.catch(() => looks.delete(key));
    if (looks.size > 500) looks.delete(looks.keys().next().value as string);
    looks.set(key, found);
  }
  return found;
}
export async function latent(subject: Subject): Promise<readonly number[]> {
  return subject.kind === "item" ? (await ask("item", { id: subject.id }, null)).z : subject.z;
}
/** Where a subject lies on the map. */
export async function whereabouts(subject: Subject): Promise<readonly [number, number]> {
  const xy = layout.value?.xy.data;
  const row = subject.kind === "item" ? rowOf(subject.id) : -1;
  if (xy && row >= 0) return [xy[2 * row] as number, xy[2 * row + 1] as number];
  const found = (await look(subject)).xy.data;
  return [found[0] as number, found[1] as number];
}

export function select(subject: Subject, view: View | null = null): void {
  const same = doc.value.subject && keyOf(doc.value.subject) === keyOf(subject);
  if (same) return view ? go(view) : undefined;
  change({ subject, change: {}, view: view ?? doc.value.view });
}

/** Where sliders have taken the subject to; null where they are at rest or nobody looks. */
export const reached = signal<readonly number[] | null>(null);

// loading

/** Where the state is written down between visits. */
export interface Keeper {
  read: () => string;
  write: (hash: string) => void;
}
const address: Keeper = {
  read: () => location.hash,
  write: (hash) => window.history.replaceState(null, "", `${location.pathname}${hash ? `#${hash}` : ""}`),
};

/** Whether a category tells items apart. */
const telling = ({ kind, values }: Attribute): boolean => kind === "category" && (values?.length ?? 0) > 1;

export async function open(keeper: Keeper = address): Promise<void> {
  const found = fromHash(keeper.read());
  try {
    space.value = await ask("space", {}, null);
    document.title = `${title(space.value.name)} · Liminal`;
    const attributes = space.value.attributes;
    const colour = attributes.find(telling) ?? attributes.find((a) => a.kind === "bool");
    const along = space.value.alongs.includes("linear") ? "linear" : (space.value.alongs[0] ?? "linear");
    start = {
      ...EMPTY,
      points: able("items"),
      colour: colour?.name ?? "",
      along,
      source: space.value.sources[0] ?? "",
      method: space.value.maps[0] ?? "umap",
    };
    const begun = fromHash(keeper.read(), start);
    batch(() => {
      doc.value = begun.doc;
      camera.value = found.camera;
    });
    const wanted = doc.value.method;
    const first = atOnce(wanted);
    if (first) turn({ method: first });
    await Promise.all([loadMap(), loadColumn(doc.value.colour).catch(complain)]);
    if (first)
      void ask("map", { method: wanted }, null).then(
        () => doc.value.method === first && better(wanted),
        complain,
      );
  } catch (error) {
    complain(error);
  }
  effect(() => void (doc.value.method !== layout.peek()?.method && loadMap().catch(complain)));
  effect(() =>
    [doc.value.colour, ...Object.keys(doc.value.others)].forEach(
      (name) => void loadColumn(name).catch(complain),
    ),
  );
  remember(keeper);
}
let start: Doc = EMPTY;

function better(method: Doc["method"]): void {
  turn({ method });
  say("A better map is ready: what is alike now lies closer together.");
}

/** A layout that is there within seconds, where the wanted one has yet to be made, which takes minutes. */
function atOnce(wanted: Doc["method"]): Doc["method"] | null {
  const { laid, maps } = space.value as Space;
  return wanted !== "pca" && !laid.includes(wanted) && maps.includes("pca") ? "pca" : null;
}

async function loadMap(): Promise<void> {
  const map = await ask("map", { method: doc.peek().method }, null);
  if (!able("items")) standIns.value = await someOf(map);
  batch(() => {
    const moved = layout.peek() !== null;
    layout.value = map;
    grid.value = new Grid(map.xy.data);
    looks.clear();
    if (moved || !camera.peek()) camera.value = atHome();
  });
}
const SOME = 48;
/** Places all over a map. */
async function someOf(map: Layout): Promise<Subject[]> {
  const n = map.xy.data.length / 2;
  const rows = Array.from({ length: Math.min(n, SOME) }, (_, i) => Math.floor((i * n) / Math.min(n, SOME)));
  const { z } = await ask(
    "at",
    { method: map.method },
    Float32Array.from(rows.flatMap((row) => [map.xy.data[2 * row] ?? 0, map.xy.data[2 * row + 1] ?? 0])),
  );
  const d = z.shape[1] ?? 1;
  return rows.map((_, i) => ({
    kind: "place",
    z: Array.from(z.data.subarray(i * d, (i + 1) * d)),
    said: `Place ${i + 1}`,
  }));
}
/** The map stays whole in another window; a legend that grows under someone's hand moves nothing. */
let fitted = size.peek();
effect(() => {
  const resized = fitted !== size.value;
  fitted = size.value;
  if (!home.value) return;
  const untouched =
    camera.peek() === settled && (resized || !globalThis.navigator?.userActivation?.hasBeenActive);
  if (!camera.peek() || untouched) camera.value = atHome();
});

async function loadColumn(name: string): Promise<void> {
  const found = name ? await columnOf(name) : null;
  if (doc.peek().colour === name) column.value = found;
}

/** What is known of all items under a name, asked for once. */
export async function columnOf(name: string): Promise<Column> {
  const known = columns.peek().get(name);
  if (known) return known;
  const answer = await ask("column", { name }, null);
  const values = answer.values ?? (answer.kind === "bool" ? ["no", "yes"] : []);
  const { low, high, kind } = answer;
  const found = { name, kind, values, data: answer.data.data, low: low ?? 0, high: high ?? 1 };
  columns.value = new Map([...columns.peek(), [name, found]]);
  return found;
}

/** Shows what a hash says. */
export function visit(hash: string): void {
  const found = fromHash(hash, start);
  batch(() => {
    doc.value = found.doc;
    camera.value = found.camera ?? atHome();
  });
}

/** Keeps the address in step with the state, a moment after it has come to rest. */
function remember(keeper: Keeper): void {
  let timer = 0;
  effect(() => {
    const hash = toHash(doc.value, camera.value === settled ? null : camera.value, start);
    clearTimeout(timer);
    timer = window.setTimeout(() => keeper.write(hash), 250);
  });
  if (keeper !== address) return;
  // the address may have been rewritten since
  window.addEventListener("hashchange", ({ newURL }) => visit(new URL(newURL).hash));
}

const idle = (): Promise<void> => new Promise((done) => setTimeout(done, 3000));

/** Asks what long work is at while there is any; where there is none, again after `quiet`. */
export async function watch(quiet: () => Promise<void> = idle): Promise<void> {
  for (let silent = false; ; ) {
    try {
      const progress = await ask("progress", {}, null);
      tasks.value = progress.tasks;
      newer.value = progress.newer;
      if (space.value && space.value.ready !== progress.ready)
        space.value = { ...space.value, ready: progress.ready, broken: progress.broken };
      if (progress.broken) say(progress.broken, true);
      if (silent) say("The server answers again.");
      silent = false;
    } catch (error) {
      tasks.value = [];
      if (!silent) complain(error); // once: nothing on this page goes on without it
      silent = true;
    }
    await (tasks.value.length || (space.value && !space.value.ready && !space.value.broken)
      ? new Promise((done) => setTimeout(done, 700))
      : quiet());
  }
}
