/** A piece: items one after the other on a walk through some, by a form, heard as one and taken away. */
import { place } from "../document.ts";
import { useLive } from "../live.ts";
import { sounds } from "../sound.ts";
import { able, ask, change, doc, frame, space } from "../state.ts";
import type { ComposeRequest, Path } from "../wire.ts";
import { pair } from "./actions.ts";
import { Button, Copies, Section } from "./components.tsx";
import { Keys, Player, SupportLine } from "./Frames.tsx";
import { Playhead } from "./Hear.tsx";
import { Item, noun } from "./Item.tsx";
import { playing } from "./player.ts";

const FORMS = ["", "AABA", "AA'BA", "ABA", "AA'A''A"];
const LENGTHS = { whole: [4, 8, 12, 16, 24, 32], letter: [1, 2, 3, 4, 6, 8] };
const OVER = "over:"; // how a part begins that all of a piece may agree with

const letters = (form: string): string[] => form.toUpperCase().match(/[A-Z]'*/g) ?? [];

/** How many items a letter must have, so that all that were picked fit in; and how many it has. */
function shares(): { least: number; each: number } {
  const { keys, form, each } = doc.value;
  const least = Math.max(
    1,
    Math.ceil(keys.length / Math.max(new Set(letters(form.replace(/'/g, ""))).size, 1)),
  );
  return { least, each: Math.max(each || (form ? 2 : 8), least) };
}
const long = (each: number): number =>
  each * Math.max(letters(doc.value.form).length, 1) * (space.value?.modality.measure?.[1] ?? 1);

function request(): ComposeRequest | null {
  const { keys, form, over, seed, method } = doc.value;
  if (keys.length < (form ? 1 : 2)) return null;
  return {
    items: keys.map(place),
    length: long(shares().each),
    form: form || null,
    over: over || null,
    seed,
    method,
  };
}

export function ComposeView() {
  const { keys, form, seed } = doc.value;
  const asked = request();
  const live = useLive(asked ? JSON.stringify(asked) : null, (signal) =>
    ask("compose", {}, asked as ComposeRequest, signal),
  );
  const piece = live.value;
  return (
    <>
      <h1>Compose</h1>
      {asked ? (
        <Player live={live} asked={asked} round="Again from its beginning when it is over">
          {piece ? <Score piece={piece} busy={live.busy} /> : <div class="score" />}
        </Player>
      ) : (
        <p class="lead">
          {keys.length
            ? `Now click another ${noun(false)} on the map, or choose a form: variations on this one.`
            : `Click some ${noun(true)} on the map: they are played as they are, and between them what ` +
              `lies there.`}
        </p>
      )}
      <Keys title="Goes through" pick={() => change({ keys: pair() })} />
      <Form />
      {form.includes("'") && (
        <Button kind="quiet" icon="dice" onClick={() => change({ seed: seed + 1 }, "seed")}>
          Other variations
        </Button>
      )}
      {piece && <Copies of={piece.copy_as} />}
    </>
  );
}

/** All of it in its order, with the letters of its form. */
function Score({ piece, busy }: { piece: Path; busy: boolean }) {
  const form = letters(doc.value.form);
  const count = piece.items.shape[0] ?? 0;
  const each = Math.max(Math.round(count / Math.max(form.length, 1)), 1);
  const now = Math.min(Math.max(Math.round(frame.value), 0), count - 1);
  const to = (at: number) => {
    playing.value = false;
    frame.value = at;
  };
  return (
    <div class={`score ${busy ? "busy" : ""}`}>
      <ol style={{ "--across": each === 3 || each === 6 ? 6 : 4 }}>
        {Array.from({ length: count }, (_, i) => (
          <li key={i}>
            <button
              type="button"
              class="cell"
              aria-current={i === now ? "true" : undefined}
              aria-label={[`${noun(false)} ${i + 1} of ${count}`, ...form.slice(Math.floor(i / each))]
                .slice(0, 2)
                .join(", ")}
              onClick={() => to(i)}
            >
              <Item items={piece.items} index={i} name="" />
              {sounds(piece.items, i) && <Playhead />}
              {i % each === 0 && form.length > 0 && <b aria-hidden="true">{form[i / each]}</b>}
            </button>
          </li>
        ))}
      </ol>
      {able("support") && <SupportLine path={piece} />}
    </div>
  );
}

/** What it is like: how long, by which form, over what. */
function Form() {
  const { form, over } = doc.value;
  const about = space.value?.modality;
  const { least, each } = shares();
  const example = Object.keys(about?.parts ?? {}).find((name) => name.startsWith(OVER));
  const to = (next: string) => change({ form: next, each: 0 });
  const choices = new Set([...(form ? LENGTHS.letter : LENGTHS.whole).filter((n) => n >= least), each]);
  return (
    <Section title="Form">
      <div class="keep">
        <div class="chips" role="group" aria-label="Forms">
          {FORMS.map((name) => (
            <Button key={name} kind="quiet" pressed={name === form} onClick={() => to(name)}>
              {name || "One way through"}
            </Button>
          ))}
        </div>
        <label class="tick">
          Letters
          <input
            type="text"
            aria-label="Form"
            aria-describedby="form"
            spellcheck={false}
            placeholder="AABA"
            key={form}
            defaultValue={form}
            onChange={(event) => to(event.currentTarget.value.trim())}
          />
        </label>
        <p class="fine" id="form">
          Equal letters are equal {noun(true)}; A' is a variation of A, moved some way towards another.
        </p>
        <label class="tick">
          Length
          <select
            aria-label="Length"
            value={String(each)}
            onChange={(event) => change({ each: Number(event.currentTarget.value) })}
          >
            {[...choices]
              .sort((a, b) => a - b)
              .map((n) => (
                <option key={n} value={String(n)}>
                  {Number(long(n).toFixed(1))} {about?.measure?.[0]}
                </option>
              ))}
          </select>
        </label>
        {example && (
          <>
            <label class="tick">
              Over
              <input
                type="text"
                aria-label="Over"
                spellcheck={false}
                aria-describedby="over"
                placeholder={example.slice(OVER.length)}
                key={over}
                defaultValue={over}
                onChange={(event) => change({ over: event.currentTarget.value.trim() })}
              />
            </label>
            <p class="fine" id="over">
              {about?.parts[example]}
            </p>
          </>
        )}
      </div>
    </Section>
  );
}
