/**
 * What lies over the map: the groups of a direction, the selected item, the path with its handles, a lasso.
 */
import { useRef } from "preact/hooks";
import { latestPlace } from "./handles.ts";
import { useLive } from "../live.ts";
import {
  doc,
  camera,
  grid,
  layout,
  listed,
  marks,
  pointer,
  size,
  walked,
  frame,
  whereabouts,
  tool,
} from "../state.ts";
import { keyOf, nameOf, walks, type Subject } from "../document.ts";
import { toMap, toScreen, type Point } from "../scales.ts";
import { drawn } from "./moving.ts";
import { rowOf } from "../state.ts";
import { setKey } from "./actions.ts";

export function Overlay() {
  const at = camera.value;
  const lasso = drawn.value;
  const { view, keys, subject } = doc.value;
  const empty =
    !subject &&
    !marks.value.length &&
    !lasso.length &&
    !pointer.value?.keyed &&
    !(walks(view) && keys.length) &&
    view !== "directions" &&
    !listed.value.length;
  if (!at || !layout.value || empty) return null; // a layer over all of the map is not for nothing
  const { width, height } = size.value;
  return (
    <svg
      class="overlay"
      width={width}
      height={height}
      viewBox={`0 0 ${width} ${height}`}
      aria-hidden={walks(view) ? undefined : "true"}
    >
      <Groups />
      <Listed />
      <Walk />
      <Selected subject={doc.value.subject} />
      <Selected subject={view === "item" ? doc.value.other : null} />
      <Marks />
      {pointer.value?.keyed && (
        <path class="cross" d={`M${pointer.value.px - 11} ${pointer.value.py}h22m-11-11v22`} />
      )}
      {lasso.length > 1 && (
        <polygon
          class={`lasso ${tool.value === "b" ? "b" : "a"}`}
          points={lasso.map((p) => p.join(",")).join(" ")}
        />
      )}
    </svg>
  );
}

const screen = (x: number, y: number): Point =>
  camera.value ? toScreen(camera.value, size.value, x, y) : [0, 0];

/** The two groups of a direction: a sample of their items. */
function Groups() {
  const xy = layout.value?.xy.data;
  if (!xy || doc.value.view !== "directions") return null;
  return (
    <g>
      {(["a", "b"] as const).map((group) =>
        doc.value[group].slice(0, 150).map((row) => {
          const [x, y] = screen(xy[2 * row] as number, xy[2 * row + 1] as number);
          return <circle key={`${group}${row}`} class={`member ${group}`} cx={x} cy={y} r={3.5} />;
        }),
      )}
    </g>
  );
}

/** A sample of the items that are listed. */
function Listed() {
  const xy = layout.value?.xy.data;
  if (!xy) return null;
  return (
    <g>
      {listed.value.slice(0, 150).map((row) => {
        const [x, y] = screen(xy[2 * row] as number, xy[2 * row + 1] as number);
        return <circle key={row} class="member a" cx={x} cy={y} r={2.6} />;
      })}
    </g>
  );
}

function Selected({ subject }: { subject: Subject | null }) {
  const live = useLive(subject ? `${doc.value.method} ${keyOf(subject)}` : null, async () =>
    subject ? whereabouts(subject) : null,
  );
  if (!subject || !live.value || Number.isNaN(live.value[0])) return null;
  const [x, y] = screen(...live.value);
  return (
    <g class="selected">
      <circle class="halo" cx={x} cy={y} r={13} />
      <circle cx={x} cy={y} r={13} />
    </g>
  );
}

function Marks() {
  return (
    <g>
      {marks.value.map(({ x, y, kind }, i) => {
        const [px, py] = screen(x, y);
        return (
          <circle
            key={i}
            class={`mark ${kind}`}
            cx={px}
            cy={py}
            r={kind === "result" ? 7 : kind === "near" ? 9 : 5}
          />
        );
      })}
    </g>
  );
}

/** The path on the map: its line, where its frame is, and a handle for each key frame. */
function Walk() {
  const path = walked.value;
  const keys = doc.value.keys;
  if (!walks(doc.value.view) || !keys.length) return null;
  const line: string[] = [];
  const xy = path?.xy.data ?? new Float32Array();
  for (let i = 0; i < xy.length; i += 2) line.push(screen(xy[i] as number, xy[i + 1] as number).join(","));
  const now = Math.min(Math.round(frame.value), xy.length / 2 - 1);
  const spot = now >= 0 ? screen(xy[2 * now] as number, xy[2 * now + 1] as number) : null;
  return (
    <g class="walk">
      <polyline class="casing" points={line.join(" ")} />
      <polyline points={line.join(" ")} />
      {spot && <circle class="frame" cx={spot[0]} cy={spot[1]} r={6} />}
      {keys.map((_, i) => (
        <Handle key={i} index={i} />
      ))}
    </g>
  );
}

function Handle({ index }: { index: number }) {
  const subject = doc.value.keys[index];
  const live = useLive(subject ? `${doc.value.method} ${keyOf(subject)}` : null, async () =>
    subject ? whereabouts(subject) : null,
  );
  const held = useRef<Point | null>(null);
  const xy = layout.value?.xy.data;
  const row = subject?.kind === "item" ? rowOf(subject.id) : -1;
  const own: Point | null = row >= 0 && xy ? [xy[2 * row] as number, xy[2 * row + 1] as number] : live.value;
  const at = held.current ?? own;
  if (!subject || !at || Number.isNaN(at[0])) return null;
  const [x, y] = screen(...at);
  const to = (px: number, py: number) => {
    const points = grid.value;
    if (!camera.value || !points) return;
    const place = toMap(camera.value, size.value, px, py);
    held.current = place;
    latestPlace(place, (found) => setKey(index, found, `key ${index}`));
  };
  const move = (event: PointerEvent) => {
    if (!(event.currentTarget as Element).hasPointerCapture(event.pointerId)) return;
    const box = (event.currentTarget as SVGElement).ownerSVGElement?.getBoundingClientRect();
    if (box) to(event.clientX - box.left, event.clientY - box.top);
  };
  const nudge = (event: KeyboardEvent) => {
    const by = { ArrowLeft: [-10, 0], ArrowRight: [10, 0], ArrowUp: [0, -10], ArrowDown: [0, 10] }[event.key];
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    to(x + (by[0] as number), y + (by[1] as number));
  };
  return (
    <g
      class="handle"
      tabIndex={0}
      role="slider"
      aria-label={`Key frame ${index + 1}, ${nameOf(subject)}: arrow keys move it`}
      aria-valuenow={index + 1}
      transform={`translate(${x} ${y})`}
      onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
      onPointerMove={move}
      onPointerUp={() => (held.current = null)}
      onKeyDown={nudge}
      onBlur={() => (held.current = null)}
    >
      <circle class="grip" r={18} />
      <circle class="dot" r={10} />
      <text y={4}>{index + 1}</text>
    </g>
  );
}
