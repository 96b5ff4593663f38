/** The formula bar: names are completed, errors are shown where they are, the result lands on the map. */
import { useMemo, useRef, useState } from "preact/hooks";
import { Refused, dropped } from "../api.ts";
import { keyOf, type Subject } from "../document.ts";
import { append, complete, repair, wordAt, type Word } from "../formula.ts";
import { newest } from "../live.ts";
import { condition, isCondition, someCondition } from "../listing.ts";
import { viewOf } from "../modalities/index.ts";
import { able, ask, change, complain, doc, latent, layout, space } from "../state.ts";
import type { Completion, Formula } from "../wire.ts";
import { show } from "./actions.ts";
import { copy, Button } from "./components.tsx";

interface Fault {
  /** The formula that is wrong. */
  of: string;
  words: string;
  at: number | null;
  near: readonly string[];
}

/**
 * A formula that works here and gives something sharp: between two items that lie side by side in the middle
 * of the map.
 */
function twoAlike(): string {
  const { xy, id } = layout.value ?? {};
  if (!xy || !id || id.data.length < 2 || !able("items")) return "random(7)";
  const nearest = (x: number, y: number, but: number): number => {
    let best = -1;
    let least = Infinity;
    for (let row = 0; row < id.data.length; row++) {
      const gap = ((xy.data[2 * row] as number) - x) ** 2 + ((xy.data[2 * row + 1] as number) - y) ** 2;
      if (gap < least && row !== but) [best, least] = [row, gap];
    }
    return best;
  };
  let x = 0;
  let y = 0;
  for (let row = 0; row < id.data.length; row++)
    [x, y] = [x + (xy.data[2 * row] as number), y + (xy.data[2 * row + 1] as number)];
  const one = nearest(x / id.data.length, y / id.data.length, -1);
  const other = nearest(xy.data[2 * one] as number, xy.data[2 * one + 1] as number, one);
  return `mix(@${id.data[one]}, @${id.data[other]})`;
}

/**
 * What words alone open: what is typed itself, of kinds that are words; else the mean of a value, or an
 * item's file, that has them in its name.
 */
async function opened(words: string): Promise<string | null> {
  const { typed } = viewOf(space.value?.modality);
  if (typed && /^[^@()=*+<>]+\s[^@()=*+<>]+$/.test(words.trim())) return typed(words.trim());
  if (!/^[\p{L}\p{N}_ .#/-]+$/u.test(words.trim())) return null;
  try {
    const { completions } = await ask("names", { prefix: words.trim() }, null);
    return (
      (completions.find((one) => one.kind === "mean") ?? completions.find((one) => one.kind === "item"))
        ?.text ?? null
    );
  } catch {
    return null;
  }
}

export function FormulaBar() {
  const form = useRef<HTMLFormElement>(null);
  const input = useRef<HTMLInputElement>(null);
  const [found, setFound] = useState<readonly Completion[]>([]);
  const [chosen, setChosen] = useState(-1);
  const [wrong, setWrong] = useState<Fault | null>(null);
  const [here, setHere] = useState(false); // what is wrong is said while one is at the bar, until Escape
  const [busy, setBusy] = useState(false);
  const [made, setMade] = useState<{ of: Formula; text: string } | null>(null);
  const text = doc.value.formula;
  const fault = wrong?.of === text ? wrong : null;
  const example = useMemo(twoAlike, [layout.value]);
  const search = able("items") ? someCondition(space.value?.attributes ?? []) : null;

  const look = useRef(
    newest<Word>(async ({ text: prefix, mean }) => {
      try {
        const { completions } = await ask("names", { prefix }, null);
        const box = input.current;
        const now = wordAt(box?.value ?? "", box?.selectionStart ?? 0);
        if (now.text !== prefix || now.mean !== mean) return; // more has been written meanwhile
        const fitting = completions.filter((one) => !mean || one.kind === "mean").slice(0, 8);
        setFound(document.activeElement === box ? fitting : []);
        setChosen(-1);
      } catch (error) {
        if (!dropped(error)) setFound([]);
      }
    }),
  ).current;
  const write = (value: string) => {
    change({ formula: value }, "formula");
    const word = wordAt(value, input.current?.selectionStart ?? value.length);
    const named = word.text && !/^[@\d.]/.test(word.text);
    setFound((known) =>
      named
        ? known.filter(
            (one) =>
              `${one.text} ${one.kind === "item" ? one.about : ""}`
                .toLowerCase()
                .includes(word.text.toLowerCase()) &&
              (!word.mean || one.kind === "mean"),
          )
        : [],
    );
    if (named) look(word);
  };
  const take = (completion: Completion) => {
    const box = input.current;
    if (!box) return;
    const next = complete(
      box.value,
      wordAt(box.value, box.selectionStart ?? box.value.length),
      completion.text,
    );
    change({ formula: next.text }, "formula");
    setFound([]);
    box.focus();
    requestAnimationFrame(() => box.setSelectionRange(next.caret, next.caret));
  };
  const run = async (asked = text): Promise<void> => {
    if (!asked.trim()) return;
    const only = found.length === 1 ? found[0] : undefined;
    setBusy(true);
    setFound([]);
    try {
      if (able("items") && isCondition(asked)) return await find(asked);
      const subject = doc.value.subject;
      // what a mere change, such as `+ smile`, begins at
      const start = subject ? { start: [...(await latent(subject))] } : {};
      const answer = await ask("formula", {}, { text: asked, method: doc.value.method, ...start });
      setWrong(null);
      setMade({ of: answer, text: asked });
      const result: Subject = { kind: "place", z: Array.from(answer.z.data), said: answer.text };
      if (!doc.value.subject || keyOf(doc.value.subject) !== keyOf(result))
        change({ subject: result, change: {}, view: "item" });
      await show(result);
    } catch (error) {
      if (!(error instanceof Refused && error.status === 400)) return complain(error);
      if (doc.peek().formula !== asked) return;
      const opens = isCondition(asked) ? null : await opened(asked);
      if (doc.peek().formula !== asked) return;
      if (opens && only?.kind !== "direction") {
        change({ formula: opens }, "formula");
        return run(opens);
      }
      // half a name, and one way to go on
      if (only && !isCondition(asked) && document.activeElement === input.current) return take(only);
      setWrong({ of: asked, words: error.message, at: error.at, near: error.near });
      // the button that was pressed had to let go of it
      if (document.activeElement === document.body) input.current?.focus();
      setHere(form.current?.contains(document.activeElement) ?? false);
    } finally {
      setBusy(false);
    }
  };
  /** Lists the items that a condition holds for. */
  const find = async (asked: string): Promise<void> => {
    const where = condition(asked);
    await ask("where", { text: where }, null);
    setWrong(null);
    change({ view: "list", list: "where", where, sort: "" });
  };
  const key = (event: KeyboardEvent) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (!found.length) return;
      event.preventDefault();
      const by = event.key === "ArrowDown" ? 1 : -1;
      return setChosen(
        (chosen + by + found.length + 1) % (found.length + 1) === found.length
          ? -1
          : (chosen + by + found.length + 1) % (found.length + 1),
      );
    }
    const first = found[Math.max(chosen, 0)];
    if (event.key === "Tab" && first) {
      event.preventDefault();
      take(first);
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (chosen >= 0 && first) take(first);
      else void run();
    } else if (event.key === "Escape") {
      if (found.length) setFound([]);
      else if (!fault || !here) input.current?.blur();
    }
  };
  const escape = (event: KeyboardEvent) => {
    if (event.key !== "Escape") return;
    if (event.target !== input.current) input.current?.focus(); // what has the focus goes
    setHere(false);
  };
  const drop = (event: DragEvent) => {
    const term = event.dataTransfer?.getData("text/plain") ?? "";
    if (!/^@\d+$/.test(term)) return;
    event.preventDefault();
    change({ formula: append(text, term) });
    input.current?.focus();
  };
  const current = made?.text === text ? made.of : null;
  return (
    <form
      class={`formula ${fault ? "bad" : ""}`}
      role="search"
      onSubmit={(event) => event.preventDefault()}
      onFocusIn={() => setHere(true)}
      onFocusOut={(event) => setHere(event.currentTarget.contains(event.relatedTarget as Node | null))}
      onKeyDown={escape}
      ref={form}
    >
      <label class="sr" for="formula">
        Formula
      </label>
      <div class="field">
        <Marked text={text} fault={fault} />
        <input
          id="formula"
          ref={input}
          value={text}
          placeholder={`Write a formula: ${example}${search ? `, or find items: ${search}` : ""}`}
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          role="combobox"
          aria-expanded={found.length > 0}
          aria-controls="completions"
          aria-invalid={fault !== null}
          aria-describedby="formula-fault"
          {...(chosen >= 0 ? { "aria-activedescendant": `completion-${chosen}` } : {})}
          onInput={(event) => write(event.currentTarget.value)}
          onKeyDown={key}
          onDrop={drop}
          onBlur={() => setTimeout(() => setFound([]), 150)}
        />
      </div>
      {current?.copy_as.python && (
        <Button
          kind="icon"
          icon="copy"
          aria-label="Copy as Python"
          title="Copy as Python"
          onClick={() => void copy(current.copy_as.python ?? "")}
        />
      )}
      {text && (
        <Button
          kind="main"
          class="go"
          disabled={busy}
          onClick={() => void run()}
          aria-label="Work out the formula"
        >
          {busy ? <span class="spinner" /> : "="}
        </Button>
      )}
      {found.length > 0 && (
        <ul id="completions" class="completions" role="listbox" aria-label="Completions">
          {found.map((completion, i) => (
            <li
              key={completion.text}
              id={`completion-${i}`}
              role="option"
              aria-selected={i === chosen}
              onMouseDown={(e) => {
                e.preventDefault();
                take(completion);
              }}
            >
              <b>{completion.text}</b>
              <span>{completion.about || completion.kind}</span>
              {i === Math.max(chosen, 0) && <kbd>{chosen < 0 ? "Tab" : "Enter"}</kbd>}
            </li>
          ))}
        </ul>
      )}
      <div id="formula-fault" aria-live="assertive">
        {fault && here && (
          <p class="fault" onMouseDown={(event) => event.preventDefault()}>
            {fault.words}
            {fault.near.map((name) => (
              <button key={name} type="button" class="button quiet" onClick={() => fix(name)}>
                {name}
              </button>
            ))}
          </p>
        )}
      </div>
    </form>
  );

  function fix(name: string): void {
    if (!fault) return;
    change({ formula: repair(text, fault.at ?? 0, name) });
    input.current?.focus();
  }
}

/** The text once more under the field, invisible but for a wave under what is wrong. */
function Marked({ text, fault }: { text: string; fault: Fault | null }) {
  if (!fault || fault.at === null) return null;
  const at = Math.min(Math.max(fault.at, 0), Math.max(text.length - 1, 0));
  const { end } = wordAt(text, Math.min(at + 1, text.length));
  return (
    <span class="marked" aria-hidden="true">
      {text.slice(0, at)}
      <i>{text.slice(at, Math.max(end, at + 1)) || " "}</i>
    </span>
  );
}
