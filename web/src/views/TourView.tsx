/**
 * A walk of eight steps for someone who has never heard of a latent space, through the space that is open.
 */
import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { plain } from "../names.ts";
import { ask, change, column, complain, doc, go, offers, rowOf, select, space } from "../state.ts";
import { anyItem, flyHome, flyToRim, morph, pointed, slide } from "./actions.ts";
import { Button } from "./components.tsx";
import { noun } from "./Item.tsx";
import { musical } from "./player.ts";

/** Whether a tour is under way; other views then say how to come back to it. */
const touring = signal(false);

interface Step {
  title: string;
  words: () => ComponentChildren;
  /** What shows it; `opens` another view, over which the tour then stands, or shows it on the map. */
  act: { name: string; run: () => void; opens: boolean };
}
const one = () => noun(false);
const many = () => noun(true);
const numbers = () => space.value?.dim ?? 0;

const STEPS: readonly Step[] = [
  {
    title: "A map of what could be",
    words: () =>
      `A model has looked at ${space.value?.items.toLocaleString("en")} ${many()} and learned to write ` +
      `each one down in ${numbers()} numbers. Those numbers are its place in the latent space. The map ` +
      `draws that space flat.`,
    act: { name: "Show the whole map", run: flyHome, opens: false },
  },
  {
    title: "Down to numbers, and back",
    words: () =>
      `Going from a ${one()} to its numbers is encoding; going back is decoding. What comes back is not ` +
      `quite the same: ${numbers()} numbers cannot hold everything. Pick one and compare` +
      (musical.value ? ", by ear too: H plays what is shown, then what is beside it." : "."),
    act: { name: "Pick one", run: () => select(anyItem(), "item"), opens: true },
  },
  {
    title: "Near means alike",
    words: () =>
      `${cap(many())} with similar numbers look${musical.value ? " and sound" : ""} alike. Open an item ` +
      `and look at its neighbours, or zoom ` +
      `in until the points become what they stand for.`,
    act: { name: "Show one with its neighbours", run: () => select(anyItem(), "item"), opens: true },
  },
  {
    title: "What lies between",
    words: () =>
      `Between two points there are no real ${many()}, but there are numbers, and the model can decode ` +
      `them. That is what shows behind the points. A path through them is a morph` +
      (musical.value ? "; the space bar plays it." : "."),
    act: { name: "Morph two", run: () => morph(), opens: true },
  },
  {
    title: "Adding and taking away",
    words: () =>
      `Since places are numbers, they can be added: the difference between two groups is a direction, and ` +
      `moving along it adds what sets them apart. Formulas do the same in writing.`,
    act: { name: "Move a slider", run: () => void slid().catch(complain), opens: true },
  },
  {
    title: "Dimensions and their tangle",
    words: () =>
      `Each of the ${numbers()} numbers changes something, but seldom one thing only: most dimensions are ` +
      `entangled. The cards say what each one does and what it drags along.`,
    act: { name: "Show the dimensions", run: () => go("dimensions"), opens: true },
  },
  {
    title: "Where it breaks",
    words: () =>
      `Far from all data the model still answers, and makes things up. This page hatches such places and ` +
      `says so: support is the share of real ${many()} that lie further out. Look at the rim of the map.`,
    act: { name: "Show the rim of the map", run: flyToRim, opens: false },
  },
  {
    title: "Why it means something",
    words: () =>
      `Nobody told the model what matters; to write ${many()} down in ${numbers()} numbers it had to find ` +
      `what they share. The report measures how well it did, and says what a plain baseline would reach.`,
    act: { name: "Open the report", run: () => go("report"), opens: true },
  },
];
const PUSH = 0.8; // at most, as far as a slider is moved
/**
 * An item with the slider of the strongest attribute that it does not have, moved so far that one sees it.
 */
async function slid(): Promise<void> {
  const subject = doc.value.subject ?? anyItem();
  const known = space.value?.found.includes("attributes")
    ? (await ask("directions", { source: "attributes" }, null)).directions
    : [];
  const is =
    subject.kind === "item" ? column.value?.values[column.value.data[rowOf(subject.id)] ?? -1] : undefined;
  const strength = (one: (typeof known)[number]): number => one.effect ?? one.score;
  const [best] = known
    .filter((one) => one.works && plain(one.name) !== is)
    .sort((p, q) => strength(q) - strength(p));
  if (!best) return slide(subject);
  change({
    view: "directions",
    subject,
    found: "attributes",
    change: { [best.text]: Math.min(best.high ?? PUSH, PUSH) },
  });
  pointed.value = best.text;
}

const cap = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

export function TourView() {
  const at = Math.min(Math.max(doc.value.step, 0), STEPS.length - 1);
  const step = STEPS[at] as Step;
  const to = (next: number) => change({ step: next }, "step");
  useEffect(() => void (touring.value = true), []);
  return (
    <div class="tour">
      <p class="fine">
        Step {at + 1} of {STEPS.length}
      </p>
      <h1>{step.title}</h1>
      <p class="lead">{step.words()}</p>
      {shows(at) && <Button onClick={step.act.run}>{step.act.name}</Button>}
      <div class="row steps">
        <Button icon="left" disabled={at === 0} onClick={() => to(at - 1)}>
          Back
        </Button>
        <Onward at={at} to={to} />
      </div>
    </div>
  );
}

function Onward({ at, to }: { at: number; to: (step: number) => void }) {
  const last = at === STEPS.length - 1;
  return (
    <Button kind="main" onClick={() => (last ? end() : to(at + 1))}>
      {last ? "Done" : "Next"}
    </Button>
  );
}

function end(): void {
  touring.value = false;
  change({ step: 0, view: "start" });
}

/** Whether a step has something to show in this space. */
const shows = (at: number): boolean => at < STEPS.length - 1 || offers("report");

/** Another step from the view that one has opened: its example at once, where that opens a view. */
function onTo(at: number): void {
  change({ step: at }, "step");
  const { act } = STEPS[at] as Step;
  if (!act.opens || !shows(at)) go("tour");
  else act.run();
}

/** The step, over the view that it has opened. */
export function Touring() {
  if (!touring.value || doc.value.view === "tour") return null;
  const at = Math.min(Math.max(doc.value.step, 0), STEPS.length - 1);
  const step = STEPS[at] as Step;
  return (
    <div class="touring" role="region" aria-label="Tour">
      <div class="head">
        <button type="button" class="name" onClick={() => go("tour")} title="Back to the tour's page">
          <small>
            Tour, step {at + 1} of {STEPS.length}
          </small>
          <b>{step.title}</b>
        </button>
        <Button
          kind="icon"
          icon="left"
          class="back"
          disabled={at === 0}
          aria-label="Step back"
          title="Back"
          onClick={() => onTo(at - 1)}
        />
        <Onward at={at} to={onTo} />
        <Button
          kind="icon"
          icon="close"
          aria-label="End the tour"
          title="End the tour"
          onClick={() => (touring.value = false)}
        />
      </div>
      <p class="fine">{step.words()}</p>
    </div>
  );
}
