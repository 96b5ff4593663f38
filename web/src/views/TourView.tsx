/** A walk of eight steps for someone who has never heard of a latent space, through the space that is open. */
import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { change, doc, go, offers, select, space, turn } from "../state.ts";
import { anyItem, flyHome, morph, noun, slide } from "./acts.ts";
import { Button } from "./bits.tsx";

/** Whether a tour is under way; other views then say how to come back to it. */
const touring = signal(false);

interface Step {
  title: string;
  words: () => ComponentChildren;
  act?: { name: string; run: () => void };
}
const one = () => noun(false);
const many = () => noun(true);
const numbers = () => space.value?.dim ?? 0;

const STEPS: readonly Step[] = [
  {
    title: "A map of what could be",
    words: () => `A model has looked at ${space.value?.items.toLocaleString("en")} ${many()} and learned to write each one down in ${numbers()} numbers. Those numbers are its place in the latent space. The map draws that space flat.`,
    act: { name: "Show the whole map", run: flyHome },
  },
  {
    title: "Down to numbers, and back",
    words: () => `Going from a ${one()} to its numbers is encoding; going back is decoding. What comes back is not quite the same: ${numbers()} numbers cannot hold everything. Pick one and compare.`,
    act: { name: "Pick one", run: () => select(anyItem(), "item") },
  },
  {
    title: "Near means alike",
    words: () => `${cap(many())} with similar numbers look alike. Open an item and look at its neighbours, or zoom in until the points become pictures.`,
    act: { name: "Show one with its neighbours", run: () => select(anyItem(), "item") },
  },
  {
    title: "What lies between",
    words: () => `Between two points there are no real ${many()}, but there are numbers, and the model can decode them. That is what the pictures behind the points are. A path through them is a morph.`,
    act: { name: "Morph two", run: () => morph() },
  },
  {
    title: "Adding and taking away",
    words: () => `Since places are numbers, they can be added: the difference between two groups is a direction, and moving along it adds what sets them apart. Formulas do the same in writing.`,
    act: { name: "Open the sliders", run: () => slide() },
  },
  {
    title: "Dimensions and their tangle",
    words: () => `Each of the ${numbers()} numbers changes something, but seldom one thing only: most dimensions are entangled. The cards say what each one does and what it drags along.`,
    act: { name: "Show the dimensions", run: () => go("dimensions") },
  },
  {
    title: "Where it breaks",
    words: () => `Far from all data the model still answers, and makes things up. The studio hatches such places and says so: support is the share of real ${many()} that lie further out. Move to the rim of the map and look.`,
    act: { name: "Show what lies between", run: () => turn({ microscope: true }) },
  },
  {
    title: "Why it means something",
    words: () => `Nobody told the model what matters; to write ${many()} down in ${numbers()} numbers it had to find what they share. The report measures how well it did, and says what a plain baseline would reach.`,
    act: { name: "Open the report", run: () => go("report") },
  },
];
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
      {step.act && (at < STEPS.length - 1 || offers("report")) && (
        <Button onClick={step.act.run}>
          {step.act.name}
        </Button>
      )}
      <div class="row steps">
        <Button icon="left" disabled={at === 0} onClick={() => to(at - 1)}>
          Back
        </Button>
        {at < STEPS.length - 1 ? (
          <Button kind="main" onClick={() => to(at + 1)}>
            Next
          </Button>
        ) : (
          <Button kind="main" onClick={end}>
            Done
          </Button>
        )}
      </div>
    </div>
  );
}

function end(): void {
  touring.value = false;
  change({ step: 0, view: "start" });
}

/** The way back, over the view that a step has opened. */
export function Touring() {
  if (!touring.value || doc.value.view === "tour") return null;
  return (
    <div class="touring">
      <Button kind="quiet" icon="left" onClick={() => go("tour")}>
        Tour, step {doc.value.step + 1} of {STEPS.length}
      </Button>
      <Button kind="icon" icon="close" aria-label="End the tour" onClick={() => (touring.value = false)} />
    </div>
  );
}
