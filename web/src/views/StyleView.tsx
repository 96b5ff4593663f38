/** One item in the style of another: two wells and how far to go. */
import { keyOf, nameOf, place, type Subject } from "../document.ts";
import { human } from "../names.ts";
import { useLive } from "../live.ts";
import { ask, change, doc, idOf, rowOf, space } from "../state.ts";
import type { TransferRequest } from "../wire.ts";
import { anyItem, morph, unlike } from "./actions.ts";
import { useMarks } from "./marked.ts";
import { Button, Copies, Section, State, Support } from "./components.tsx";
import { Face, Item, noun } from "./Item.tsx";

export function StyleView() {
  const { content, style, blend, method, by } = doc.value;
  const kinds = (space.value?.attributes ?? [])
    .filter((one) => one.kind === "category")
    .map((one) => one.name);
  const asked: TransferRequest | null =
    content && style
      ? {
          content: place(content),
          style: place(style),
          blend,
          method,
          by: kinds.includes(by) ? by : (kinds[0] ?? null),
        }
      : null;
  const live = useLive(asked ? JSON.stringify(asked) : null, (signal) =>
    ask("transfer", {}, asked as TransferRequest, signal),
  );
  const found = live.value;
  useMarks(found, "result");
  const result: Subject | null =
    found && content && style
      ? {
          kind: "place",
          z: Array.from(found.z.data),
          said: `${nameOf(content)} in the style of ${nameOf(style)}`,
        }
      : null;
  const first = () => {
    const one = anyItem();
    change({
      content: one,
      style: { kind: "item", id: idOf(unlike(one.kind === "item" ? rowOf(one.id) : 0)) },
    });
  };
  return (
    <>
      <h1>Style</h1>
      <p class="lead">
        Keep what one {noun(false)} is, take how another looks. Click the map to choose them.
      </p>
      {kinds.length > 1 && (
        <label class="tick">
          What it is means its
          <select
            value={kinds.includes(by) ? by : kinds[0]}
            onChange={(event) => change({ by: event.currentTarget.value })}
          >
            {kinds.map((name) => (
              <option key={name} value={name}>
                {human(name)}
              </option>
            ))}
          </select>
        </label>
      )}
      <div class="wells">
        <Well name="content" words="What it is" subject={content} />
        <Well name="style" words="How it looks" subject={style} />
      </div>
      {!content && !style && (
        <Button kind="main" icon="dice" onClick={first}>
          Pick two for me
        </Button>
      )}
      {asked && (
        <>
          <div class="player">
            <Item items={found?.items ?? null} name="the result" class="large" heard />
            {found && <Support value={found.support.data[0] ?? NaN} />}
          </div>
          <label class="blend">
            <span>A little</span>
            <input
              type="range"
              aria-label="How far to go"
              min={0}
              max={1}
              step={0.01}
              value={blend}
              onInput={(event) => change({ blend: Number(event.currentTarget.value) }, "blend")}
            />
            <span>All the way</span>
          </label>
          <State busy={live.busy && !found} error={live.error} words="Blending" />
          {found && (
            <Section title="Did it stay what it was?">
              <p class="say">
                {found.seen === null || found.seen === found.content_class
                  ? `Yes: a reader still sees ${found.content_class}.`
                  : `No: a reader now sees ${found.seen}, it was ${found.content_class}.`}
              </p>
            </Section>
          )}
          <div class="row">
            <Button
              kind="main"
              icon="path"
              disabled={!result}
              onClick={() => result && content && morph([content, result])}
            >
              Make it a morph
            </Button>
            <Button icon="swap" onClick={() => change({ content: style, style: content })}>
              Swap
            </Button>
          </div>
          <Copies of={found?.copy_as ?? null} />
        </>
      )}
    </>
  );
}

function Well({
  name,
  words,
  subject,
}: {
  name: "content" | "style";
  words: string;
  subject: Subject | null;
}) {
  const drop = (event: DragEvent) => {
    const match = /^@(\d+)$/.exec(event.dataTransfer?.getData("text/plain") ?? "");
    if (!match) return;
    event.preventDefault();
    event.stopPropagation();
    change({ [name]: { kind: "item", id: Number(match[1]) } });
  };
  return (
    <div class="well" onDragOver={(event) => event.preventDefault()} onDrop={drop}>
      <b>{words}</b>
      {subject ? <Face key={keyOf(subject)} subject={subject} /> : <div class="picture empty" />}
      <span class="row">
        <small>{subject ? nameOf(subject) : "empty"}</small>
        <Button
          kind="icon"
          icon="dice"
          aria-label={`Another for ${words.toLowerCase()}`}
          onClick={() => change({ [name]: anyItem() })}
        />
      </span>
    </div>
  );
}
