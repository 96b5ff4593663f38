/** New items: drawn by the model, kept or thrown, and taken away with their numbers. */
import { signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { keyOf, type Subject } from "../doc.ts";
import { useLive } from "../live.ts";
import { able, ask, change, doc, go, idOf, marks, select, space, tool } from "../state.ts";
import type { SampleRequest, Samples } from "../wire.ts";
import { human, title } from "../names.ts";
import { image } from "../image.ts";
import { noun } from "./acts.ts";
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
/** How places are drawn, in words. */
const DRAWN: Readonly<Record<string, string>> = {
  prior: "From the prior",
  mixture: "From the mixture",
  flow: "From the flow",
  uniform: "Evenly",
  sphere: "From a sphere",
  normal: "From the normal curve",
};

export function SampleView() {
  const { source, seed, a, method } = doc.value;
  const [like, setLike] = useState("all");
  const [inside, setInside] = useState(true);
  const before = useRef(a);
  useEffect(() => {
    if (a !== before.current) setLike(a.length ? "a" : "all"); // what has just been drawn is what is wanted
    before.current = a;
  }, [a]);
  const clusters = useLive(like.startsWith("cluster") ? "clusters" : null, (signal) => ask("column", { name: "cluster" }, null, signal));
  useEffect(() => {
    if (like === "clusters" && clusters.value) setLike("cluster 0");
  }, [like, clusters.value]);
  const cluster = /^cluster (\d+)$/.exec(like)?.[1];
  const from = like === "a" && a.length ? { rows: [...a] } : cluster ? { cluster: Number(cluster) } : {};
  const asked: SampleRequest = { n: N, source: cluster ? "default" : source || "default", seed, method, ...from, ...(inside ? { support: 0.05 } : {}) };
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
        <select aria-label="Drawn by" title="How places are drawn before they are decoded" value={source || "default"} disabled={like !== "all"} onChange={(event) => change({ source: event.currentTarget.value })}>
          {(space.value?.sources ?? []).map((name) => (
            <option key={name} value={name}>
              {DRAWN[name] ?? human(name)}
            </option>
          ))}
        </select>
      </div>
      {able("like") && (
        <div class="row">
          <label class="tick">
            Like
            <select aria-label="Like which items" value={like} onChange={(event) => setLike(event.currentTarget.value)}>
              <option value="all">all {noun(true)}</option>
              <option value="a" disabled={!a.length}>
                {a.length ? `group A, ${a.length.toLocaleString("en")}` : "group A (draw it first)"}
              </option>
              {!clusters.value && <option value="clusters">one cluster…</option>}
              {(clusters.value?.values ?? []).map((name, i) => (
                <option key={name} value={`cluster ${i}`}>
                  {name}
                </option>
              ))}
            </select>
          </label>
          <Button kind="quiet" icon="lasso" pressed={tool.value === "a"} onClick={() => (tool.value = tool.value === "a" ? "look" : "a")} title="Draw around some on the map">
            {tool.value === "a" ? "Draw on the map" : "Draw A"}
          </Button>
        </div>
      )}
      <label class="tick">
        <input type="checkbox" checked={inside} onChange={() => setInside(!inside)} /> Only what the data supports
      </label>
      <State busy={clusters.busy} error={clusters.error} words="Looking for clusters; the first time takes a while" />
      <State busy={live.busy && !found} error={live.error} words="Making them" />
      {found && <Sheet found={found} busy={live.busy} />}
      {found && (
        <p class="fine dots">
          <span class="dot" /> well inside the data <span class="dot edge" /> at its edge {!inside && <span class="dot beyond" />} {!inside && "beyond it"}
        </p>
      )}
      <Copies of={found?.copy_as ?? null} />
      {kept.value.length > 0 && <Keepers />}
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
