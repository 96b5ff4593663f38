/** The formula bar: names are completed, errors are shown where they are, the result lands on the map. */
import { useRef, useState } from "preact/hooks";
import { Refused, dropped } from "../api.ts";
import { keyOf, type Subject } from "../doc.ts";
import { append, complete, wordAt, type Word } from "../formula.ts";
import { newest } from "../live.ts";
import { ask, change, complain, doc, latent } from "../state.ts";
import type { Completion, Formula } from "../wire.ts";
import { show } from "./acts.ts";
import { copy, Button } from "./bits.tsx";

interface Fault {
  words: string;
  at: number | null;
  near: readonly string[];
}

export function FormulaBar() {
  const input = useRef<HTMLInputElement>(null);
  const [found, setFound] = useState<readonly Completion[]>([]);
  const [chosen, setChosen] = useState(-1);
  const [fault, setFault] = useState<Fault | null>(null);
  const [busy, setBusy] = useState(false);
  const [made, setMade] = useState<{ of: Formula; text: string } | null>(null);
  const text = doc.value.formula;

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
    setFault(null);
    const word = wordAt(value, input.current?.selectionStart ?? value.length);
    const named = word.text && !/^[@\d.]/.test(word.text);
    setFound((known) => (named ? known.filter((one) => one.text.toLowerCase().includes(word.text.toLowerCase()) && (!word.mean || one.kind === "mean")) : []));
    if (named) look(word);
  };
  const take = (completion: Completion) => {
    const box = input.current;
    if (!box) return;
    const next = complete(box.value, wordAt(box.value, box.selectionStart ?? box.value.length), completion.text);
    change({ formula: next.text }, "formula");
    setFound([]);
    box.focus();
    requestAnimationFrame(() => box.setSelectionRange(next.caret, next.caret));
  };
  const run = async () => {
    if (!text.trim()) return;
    setBusy(true);
    setFound([]);
    try {
      const subject = doc.value.subject;
      const start = subject ? { start: [...(await latent(subject))] } : {}; // what a mere change, such as `+ smile`, begins at
      const answer = await ask("formula", {}, { text, method: doc.value.method, ...start });
      setFault(null);
      setMade({ of: answer, text });
      const result: Subject = { kind: "place", z: Array.from(answer.z.data), said: answer.text };
      if (!doc.value.subject || keyOf(doc.value.subject) !== keyOf(result)) change({ subject: result, change: {}, view: "item" });
      await show(result);
    } catch (error) {
      if (error instanceof Refused && error.status === 400) setFault({ words: error.message, at: error.at, near: error.near });
      else complain(error);
    } finally {
      setBusy(false);
    }
  };
  const key = (event: KeyboardEvent) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (!found.length) return;
      event.preventDefault();
      const by = event.key === "ArrowDown" ? 1 : -1;
      return setChosen((chosen + by + found.length + 1) % (found.length + 1) === found.length ? -1 : (chosen + by + found.length + 1) % (found.length + 1));
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
      if (found.length || fault) {
        setFound([]);
        setFault(null);
      } else input.current?.blur();
    }
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
    <form class={`formula ${fault ? "bad" : ""}`} role="search" onSubmit={(event) => event.preventDefault()}>
      <label class="sr" for="formula">
        Formula
      </label>
      <div class="field">
        <Marked text={text} fault={fault} />
        <input
          id="formula"
          ref={input}
          value={text}
          placeholder="Write a formula: @12 + @40 - @7"
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
      {current?.copy_as.python && <Button kind="icon" icon="copy" aria-label="Copy as Python" title="Copy as Python" onClick={() => void copy(current.copy_as.python ?? "")} />}
      {text && <Button kind="main" class="go" disabled={busy} onClick={() => void run()} aria-label="Work out the formula">{busy ? <span class="spinner" /> : "="}</Button>}
      {found.length > 0 && (
        <ul id="completions" class="completions" role="listbox" aria-label="Completions">
          {found.map((completion, i) => (
            <li key={completion.text} id={`completion-${i}`} role="option" aria-selected={i === chosen} onMouseDown={(e) => { e.preventDefault(); take(completion); }}>
              <b>{completion.text}</b>
              <span>{completion.about || completion.kind}</span>
            </li>
          ))}
        </ul>
      )}
      <div id="formula-fault" aria-live="assertive">
        {fault && (
          <p class="fault">
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
    const at = fault.at ?? 0;
    const word = wordAt(text, Math.min(at + 1, text.length));
    change({ formula: text.slice(0, word.start) + name + text.slice(word.end) });
    setFault(null);
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
