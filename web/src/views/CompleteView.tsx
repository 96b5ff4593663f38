/** What may stand around a known part of an item: answers to it, beside the nearest real item. */
import { keyOf, nameOf, place, type Subject } from "../document.ts";
import { useLive } from "../live.ts";
import { ask, change, doc, select, space } from "../state.ts";
import { supportWords } from "../scales.ts";
import type { Completed, CompleteRequest } from "../wire.ts";
import { one } from "../modalities/view.ts";
import { anyItem, morph } from "./actions.ts";
import { useMarks } from "./marked.ts";
import { Button, Copies, Section, State } from "./components.tsx";
import { Hear } from "./Hear.tsx";
import { Item, noun } from "./Item.tsx";

const ANSWERS = 6;

export function CompleteView() {
  const { subject, rest, seed, method } = doc.value;
  const parts = space.value?.modality.parts ?? {};
  const part = doc.value.part || (Object.keys(parts)[0] ?? "");
  const asked: CompleteRequest | null =
    subject && part
      ? { item: place(subject), known: [rest ? `not ${part}` : part], n: ANSWERS, near: null, seed, method }
      : null;
  const live = useLive(asked ? JSON.stringify(asked) : null, (signal) =>
    ask("complete", {}, asked as CompleteRequest, signal),
  );
  const found = live.value;
  useMarks(found, "new");
  return (
    <>
      <h1>Complete</h1>
      <p class="lead">
        Keep a part of one {noun(false)}, and see what may stand around it. What is not kept is never looked
        at.
      </p>
      {subject ? (
        <div class="well given">
          <b>
            <span>{nameOf(subject)}</span>
            <Button
              kind="icon"
              icon="dice"
              aria-label={`Another ${noun(false)}`}
              onClick={() => select(anyItem())}
            />
          </b>
          <Item items={found ? one(found.beside, 0) : null} name={nameOf(subject)} heard />
        </div>
      ) : (
        <Button kind="main" icon="dice" onClick={() => select(anyItem())}>
          Pick one for me
        </Button>
      )}
      <Keep part={part} parts={parts} />
      <State
        busy={live.busy && !found}
        error={live.error}
        words={`Looking for ${noun(true)} that agree with it`}
      />
      {found && subject && asked && (
        <>
          <Answers found={found} busy={live.busy} said={`${nameOf(subject)}, ${asked.known[0] ?? ""} kept`} />
          <Section title="The nearest real one">
            <div class="nearest">
              <Item
                items={one(found.beside, 1)}
                name="the nearest real one, with the part put into it"
                heard
              />
              <p class="say">
                Beside the part it has what the real {noun(false)} has that agrees best with it:{" "}
                {agreed(found.agreed)}. Where that is better than the answers, believe it.
              </p>
            </div>
          </Section>
          <Button kind="quiet" icon="dice" onClick={() => change({ seed: seed + 1 }, "seed")}>
            Look among others
          </Button>
          <Copies of={found.copy_as} />
        </>
      )}
    </>
  );
}

const agreed = (value: number): string => `${Math.round(100 * Math.max(value, 0))} % agreement`;

function Keep({ part, parts }: { part: string; parts: Readonly<Record<string, string>> }) {
  const { rest } = doc.value;
  return (
    <div class="keep">
      <label class="tick">
        Keep
        <input
          type="text"
          list="parts"
          aria-label="The part that is kept"
          aria-describedby="part"
          spellcheck={false}
          key={part}
          defaultValue={part}
          onChange={(event) => change({ part: event.currentTarget.value.trim() })}
        />
        <datalist id="parts">
          {Object.entries(parts).map(([name, words]) => (
            <option key={name} value={name}>
              {words}
            </option>
          ))}
        </datalist>
      </label>
      <div class="chips" role="group" aria-label="Parts">
        {Object.keys(parts).map((name) => (
          <Button key={name} kind="quiet" pressed={name === part} onClick={() => change({ part: name })}>
            {name}
          </Button>
        ))}
      </div>
      <p class="fine" id="part">
        {parts[part] ?? ""}
      </p>
      <label class="tick">
        <input type="checkbox" checked={rest} onChange={() => change({ rest: !rest })} /> All but this part
      </label>
    </div>
  );
}

function Answers({ found, busy, said }: { found: Completed; busy: boolean; said: string }) {
  const d = found.z.shape[1] ?? 1;
  const subjects = Array.from(
    { length: found.items.shape[0] ?? 0 },
    (_, i): Subject => ({
      kind: "place",
      z: Array.from(found.z.data.subarray(i * d, (i + 1) * d)),
      said: `${said}, ${i + 1}`,
    }),
  );
  return (
    <>
      <ul class={`sheet answers ${busy ? "busy" : ""}`} inert={busy}>
        {subjects.map((subject, i) => {
          const { level, words } = supportWords(found.support.data[i] ?? NaN);
          return (
            <li key={keyOf(subject)}>
              <button
                type="button"
                class="thumb"
                aria-label={`Look at answer ${i + 1}, ${words}`}
                title={`${words}. Click to look at it.`}
                onClick={() => select(subject, "item")}
              >
                <Item items={found.items} index={i} name="" than={one(found.beside, 0)} />
                {level !== "unknown" && <span class={`dot ${level}`} />}
              </button>
              <Hear items={found.items} index={i} name={`answer ${i + 1}`} />
              <small>{agreed(found.agrees.data[i] ?? 0)}</small>
            </li>
          );
        })}
      </ul>
      {subjects.length > 1 && (
        <Button icon="path" onClick={() => morph(subjects)}>
          Walk through them
        </Button>
      )}
    </>
  );
}
