/** The studio in a notebook: what a person makes is told to Python, and what is set in Python is shown. */
import { batch, effect } from "@preact/signals";
import { server } from "./api.ts";
import type { Doc, Subject, View } from "./document.ts";
import { connect } from "./parent.ts";
import {
  anew,
  camera,
  change,
  complain,
  doc,
  idOf,
  open,
  reached,
  rowOf,
  turn,
  use,
  visit,
  waiting,
  watch,
} from "./state.ts";
import { show } from "./views/actions.ts";
import { follow } from "./views/theme.ts";

type Key = number | readonly number[];
/** What the page tells Python: what it shows, as a hash, and what of it Python has names for. */
interface Shown {
  hash: string;
  item: number | null;
  z: readonly number[] | null;
  a: readonly number[];
  b: readonly number[];
  path: readonly Key[];
}
interface Show {
  patch: Partial<Shown>;
  /** Whether Python set it; what another view of the same widget has told is followed without a word. */
  told: boolean;
}

const subjectOf = (key: Key): Subject =>
  typeof key === "number" ? { kind: "item", id: key } : { kind: "place", z: key, said: "From Python" };
const keyOf = (subject: Subject): Key => (subject.kind === "item" ? subject.id : subject.z);

function made(hash: string): Shown {
  const { subject, keys, a, b } = doc.value;
  const item = subject?.kind === "item" ? subject.id : null;
  const z = reached.value ?? (subject?.kind === "place" ? subject.z : null); // that of an item Python knows
  return { hash, item, z, a: a.map(idOf), b: b.map(idOf), path: keys.map(keyOf) };
}

/** What was set, as a change of the document. */
export function changes(patch: Partial<Shown>, view: View): Partial<Doc> {
  const to: Partial<Doc> = {};
  if ("item" in patch || "z" in patch) {
    const key = patch.item ?? patch.z ?? null;
    Object.assign(to, { subject: key === null ? null : subjectOf(key), change: {} });
    if (key !== null && view === "start") to.view = "item";
  }
  for (const group of ["a", "b"] as const) {
    if (patch[group]) to[group] = patch[group].map(rowOf).filter((row) => row >= 0);
  }
  if (patch.path) to.keys = patch.path.map(subjectOf);
  return to;
}

/** Shows what was set; a hash shows all, and the groups beside it, which may be too long for a hash. */
function apply({ hash, ...patch }: Partial<Shown>, told: boolean): void {
  batch(() => {
    const at = camera.value;
    if (hash !== undefined) visit(hash);
    if (hash !== undefined && (!told || !hash.includes("at="))) camera.value = at;
    const to = changes(patch, doc.value.view);
    if (hash === undefined) change(to);
    else turn(to);
  });
  const { subject } = doc.value;
  if (told && subject) void show(subject).catch(complain);
}

export async function begin(): Promise<void> {
  const { parent, shown, dark } = await connect<Partial<Shown> & { hash: string }>();
  follow(dark);
  parent.on("dark", (message: { dark: boolean }) => follow(message.dark));
  use(server((waits) => (waiting.value = waits), parent.reach, "The notebook's kernel does not answer."));
  anew.value = null;
  void watch(parent.quiet);

  let hash = shown.hash;
  let last = "";
  let followed: Doc | null = null; // a document that needs no telling
  const tell = (): void => {
    const now = JSON.stringify(made(hash));
    if (now !== last && doc.value !== followed) parent.say({ kind: "shown", shown: JSON.parse(now) });
    last = now;
  };
  await open({ read: () => shown.hash, write: (now) => ((hash = now), tell()) });
  const { hash: _, ...rest } = shown;
  const set = ["item", "z", "path"].some((name) => name in rest);
  if (set) apply(rest, true);
  else turn(changes(rest, doc.value.view));
  if (!set) followed = doc.value;
  effect(() => void (reached.value && tell()));
  parent.on("show", ({ patch, told }: Show) => {
    apply(patch, told);
    if (told) last = "";
    else followed = doc.value;
  });
}
