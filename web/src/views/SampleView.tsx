/** New items: drawn by the model, kept or thrown, and taken away with their numbers. */
import { signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { keyOf, type Subject } from "../doc.ts";
import { useLive } from "../live.ts";
import { able, ask, change, doc, go, idOf, marks, select, space, tool } from "../state.ts";
import type { SampleRequest, Samples } from "../wire.ts";
import { title } from "../names.ts";
import { image } from "../image.ts";
import { Button, Copies, Face, Picture, save, Section, State } from "./bits.tsx";
import { supportWords } from "../scales.ts";

interface Kept {
  subject: Subject & { kind: "place" };
  support: number;
  nearest: number;
  picture: Samples["items"];
}
const kept = signal<readonly Kept[]>([]);
const N = 24;

export function SampleView() {
  const { source, seed, a, method } = doc.value;
  const [likeA, setLikeA] = useState(false);
  const [inside, setInside] = useState(true);
  const from = likeA && a.length ? { rows: [...a] } : {};
  const asked: SampleRequest = { n: N, source: source || "default", seed, method, ...from, ...(inside ? { support: 0.05 } : {}) };
  const live = useLive(JSON.stringify(asked), (signal) => ask("sample", {}, asked, signal));
  const found = live.value;
  useEffect(() => {
    const xy = found?.xy.data ?? new Float32Array();
    marks.value = Array.from({ length: xy.length / 2 }, (_, i) => ({ x: xy[2 * i] ?? NaN, y: xy[2 * i + 1] ?? NaN, kind: "new" as const })).filter(({ x }) => !Number.isNaN(x));
    return () => void (marks.value = []);
  }, [found]);
  return (
    <>
      <h1>Sample</h1>
      <p class="lead">None of these was ever photographed or drawn: the model makes them up.</p>
      <div class="row">
        <Button kind="main" icon="dice" onClick={() => change({ seed: seed + 1 }, "seed")}>
          Make others
        </Button>
        <select aria-label="Drawn from" value={source} onChange={(event) => change({ source: event.currentTarget.value })}>
          {(space.value?.sources ?? []).map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </div>
      <div class="row">
        <label class="tick">
          <input type="checkbox" checked={inside} onChange={() => setInside(!inside)} /> Only inside the data
        </label>
        {able("like") && <LikeA on={likeA} set={setLikeA} />}
      </div>
      <State busy={live.busy && !found} error={live.error} words="Making them" />
      {found && <Sheet found={found} busy={live.busy} />}
      <Copies of={found?.copy_as ?? null} />
      {kept.value.length > 0 && <Keepers />}
    </>
  );
}

function LikeA({ on, set }: { on: boolean; set: (on: boolean) => void }) {
  const { a } = doc.value;
  return (
    <>
      <label class="tick">
        <input type="checkbox" checked={on} disabled={!a.length} onChange={() => set(!on)} /> Like group A
      </label>
      {!a.length && (
        <Button kind="quiet" icon="lasso" onClick={() => (tool.value = "a")}>
          Draw A
        </Button>
      )}
    </>
  );
}

function subjectOf(found: Samples, i: number): Subject & { kind: "place" } {
  const d = found.z.shape[1] ?? 1;
  return { kind: "place", z: Array.from(found.z.data.subarray(i * d, (i + 1) * d)), said: `Sample ${doc.value.seed}.${i + 1}` };
}

function Sheet({ found, busy }: { found: Samples; busy: boolean }) {
  const count = found.items.shape[0] ?? 0;
  const toggle = (i: number) => {
    const subject = subjectOf(found, i);
    const there = kept.value.some((one) => keyOf(one.subject) === keyOf(subject));
    const size = found.items.data.length / count;
    const picture = { data: found.items.data.slice(i * size, (i + 1) * size), shape: [1, ...found.items.shape.slice(1)] };
    const one = { subject, support: found.support.data[i] ?? NaN, nearest: idOf(found.nearest.data[3 * i] ?? -1), picture };
    kept.value = there ? kept.value.filter((other) => keyOf(other.subject) !== keyOf(subject)) : [...kept.value, one];
  };
  const names = new Set(kept.value.map((one) => keyOf(one.subject)));
  return (
    <ul class={`sheet ${busy ? "busy" : ""}`}>
      {Array.from({ length: count }, (_, i) => {
        const subject = subjectOf(found, i);
        const { level, words } = supportWords(found.support.data[i] ?? NaN);
        const on = names.has(keyOf(subject));
        return (
          <li key={i} class={on ? "kept" : ""}>
            <button type="button" class="thumb" title={`${words}: look at it`} onClick={() => select(subject, "item")}>
              <Picture items={found.items} index={i} name={`sample ${i + 1}, ${words}`} />
              <span class={`dot ${level}`} />
            </button>
            <Button kind="quiet" pressed={on} onClick={() => toggle(i)} aria-label={`Keep sample ${i + 1}`}>
              {on ? "Kept" : "Keep"}
            </Button>
          </li>
        );
      })}
    </ul>
  );
}

function Keepers() {
  const name = title(space.value?.name ?? "samples").toLowerCase().replace(/ /g, "-");
  const table = () => {
    const dim = space.value?.dim ?? 0;
    const head = ["name", "support", "nearest", ...Array.from({ length: dim }, (_, i) => `z${i}`)].join(",");
    const lines = kept.value.map(({ subject, support, nearest }) => [subject.said, support, nearest, ...subject.z].join(","));
    save(new Blob([[head, ...lines, ""].join("\n")], { type: "text/csv" }), `${name}-samples.csv`);
  };
  const pictures = () => sheet().toBlob((blob) => blob && save(blob, `${name}-samples.png`));
  return (
    <Section title={`${kept.value.length} kept`} aside={<Button kind="quiet" onClick={() => (kept.value = [])}>Throw all</Button>}>
      <div class="thumbs">
        {kept.value.map(({ subject, picture }) => (
          <button type="button" class="thumb" key={keyOf(subject)} title={subject.said} onClick={() => select(subject, "item")}>
            <Face subject={subject} items={picture} />
          </button>
        ))}
      </div>
      <div class="row">
        <Button kind="main" icon="save" onClick={pictures}>
          Save pictures
        </Button>
        <Button onClick={table}>Table (CSV)</Button>
        {kept.value.length > 1 && (
          <Button
            icon="path"
            onClick={() => {
              change({ keys: kept.value.map((one) => one.subject).slice(0, 16) });
              go("path");
            }}
          >
            Walk through them
          </Button>
        )}
      </div>
    </Section>
  );
}

/** All that were kept, on one sheet. */
function sheet(): HTMLCanvasElement {
  const across = Math.ceil(Math.sqrt(kept.value.length));
  const [height = 1, width = 1] = kept.value[0]?.picture.shape.slice(1) ?? [];
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [across * width, Math.ceil(kept.value.length / across) * height];
  const one = document.createElement("canvas");
  kept.value.forEach(({ picture }, i) => {
    image.paint(picture, 0, one);
    canvas.getContext("2d")?.drawImage(one, (i % across) * width, Math.floor(i / across) * height);
  });
  return canvas;
}
