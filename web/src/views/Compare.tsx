/** Two side by side: both pictures, and what is known of them that differs. */
import { useEffect, useRef, useState } from "preact/hooks";
import { keyOf, nameOf, type Subject } from "../document.ts";
import { useLive } from "../live.ts";
import { human } from "../names.ts";
import { ask, change, doc, tool } from "../state.ts";
import type { Item as Told } from "../wire.ts";
import { byName } from "./actions.ts";
import { Button, Section, State } from "./components.tsx";
import { Face, noun, Original, valueOf } from "./Item.tsx";

/** What the selected one is held beside, or how that is chosen; nothing while nobody has asked for it. */
export function Compare({ subject }: { subject: Subject }) {
  const { other } = doc.value;
  const choosing = tool.value === "other";
  if (!other && !choosing) return null;
  const close = () => {
    tool.value = "look";
    if (other) change({ other: null });
  };
  return (
    <Section
      title="Side by side"
      aside={
        <span class="row">
          {other && !choosing && (
            <Button kind="quiet" onClick={() => (tool.value = "other")}>
              Another
            </Button>
          )}
          <Button kind="icon" icon="close" aria-label="Compare no more" title="Close" onClick={close} />
        </span>
      }
    >
      {choosing && <Choosing />}
      {other && <Beside key={`${keyOf(subject)} ${keyOf(other)}`} one={subject} other={other} />}
    </Section>
  );
}

function Choosing() {
  const [text, setText] = useState("");
  const words = useRef<HTMLParagraphElement>(null);
  useEffect(() => words.current?.scrollIntoView({ block: "nearest" }), []);
  const [wrong, setWrong] = useState<unknown>(null);
  const take = async (): Promise<void> => {
    try {
      const other = await byName(text);
      tool.value = "look";
      change({ other });
    } catch (error) {
      setWrong(error);
    }
  };
  return (
    <>
      <p class="fine" ref={words}>
        Click another {noun(false)} on the map, or write its name.
      </p>
      <form
        class="picking"
        onSubmit={(event) => {
          event.preventDefault();
          if (text.trim()) void take();
        }}
      >
        <input
          aria-label="The other one"
          placeholder="@12, a part of a file's name, or a formula"
          value={text}
          autocomplete="off"
          spellcheck={false}
          onInput={(event) => (setText(event.currentTarget.value), setWrong(null))}
        />
        <Button onClick={() => text.trim() && void take()}>Compare</Button>
      </form>
      <State busy={false} error={wrong} />
    </>
  );
}

function Beside({ one, other }: { one: Subject; other: Subject }) {
  const both = one.kind === "item" && other.kind === "item" ? ([one.id, other.id] as const) : null;
  const live = useLive(both && both.join(" "), (signal) =>
    Promise.all((both ?? []).map((id) => ask("item", { id }, null, signal))),
  );
  const [a, b] = live.value ?? [];
  return (
    <>
      <div class="two">
        {[one, other].map((subject, i) => (
          <figure key={i}>
            <Picture subject={subject} />
            <figcaption>{nameOf(subject)}</figcaption>
          </figure>
        ))}
      </div>
      <State busy={live.busy} error={live.error} />
      {a && b && <Differences a={a} b={b} />}
    </>
  );
}

function Picture({ subject }: { subject: Subject }) {
  return subject.kind === "item" ? (
    <Original key={subject.id} id={subject.id} of="original" name={nameOf(subject)} />
  ) : (
    <Face subject={subject} heard />
  );
}

function Differences({ a, b }: { a: Told; b: Told }) {
  const names = Object.keys(a.attributes);
  const differ = names.filter((name) => a.attributes[name] !== b.attributes[name]);
  const same = names.filter((name) => !differ.includes(name) && a.attributes[name] !== null);
  if (a.id === b.id) return <p class="fine">The two are the same {noun(false)}.</p>;
  return (
    <>
      {differ.length > 0 && (
        <table class="differ">
          <thead>
            <tr>
              <th>
                <span class="sr">What differs</span>
              </th>
              <th scope="col">@{a.id}</th>
              <th scope="col">@{b.id}</th>
            </tr>
          </thead>
          <tbody>
            {differ.map((name) => (
              <tr key={name}>
                <th scope="row">{human(name)}</th>
                <td>{valueOf(name, a.attributes[name])}</td>
                <td>{valueOf(name, b.attributes[name])}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {same.length > 0 && (
        <p class="fine">
          The same in both:{" "}
          {same.map((name) => `${human(name)} ${valueOf(name, a.attributes[name])}`).join(", ")}.
        </p>
      )}
    </>
  );
}
