/**
 * The map: a canvas of layers, what lies over it, and how one moves on it with mouse, wheel, fingers and
 * keys.
 */
import { effect, signal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { Rgb } from "../colours.ts";
import { shuffled } from "../grid.ts";
import { viewOf } from "../modalities/index.ts";
import { Microscope } from "../marks/microscope.ts";
import { Renderer } from "../marks/renderer.ts";
import { Thumbnails } from "../marks/thumbnails.ts";
import { Tiles } from "../marks/tiles.ts";
import { placed, task } from "../names.ts";
import { Sheets } from "../sheets.ts";
import {
  able,
  ask,
  camera,
  coloured,
  column,
  complain,
  doc,
  grid,
  home,
  layout,
  pointer,
  shown,
  size,
  space,
  tasks,
  tool,
} from "../state.ts";
import { ACROSS, PAGE } from "../wire.ts";
import { heard } from "./Hear.tsx";
import { arrivals, sheets } from "./Item.tsx";
import { HoverCard } from "./HoverCard.tsx";
import { Legend } from "./Legend.tsx";
import { keys, listen } from "./moving.ts";
import { Overlay } from "./Overlay.tsx";
import { MapTools } from "./MapTools.tsx";
import { dark } from "./theme.ts";

declare global {
  interface Window {
    /**
     * For tests and benchmarks: whether the map is at rest, how long its frames took, what the microscope has
     * decoded, what is answered and heard.
     */
    liminal?: { renderer: Renderer; camera: typeof camera; ask: typeof ask; heard: typeof heard };
  }
}

export function MapView() {
  const canvas = useRef<HTMLCanvasElement>(null);
  const frame = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => mount(canvas.current as HTMLCanvasElement, frame.current as HTMLDivElement), []);
  const name = space.value
    ? `Map${space.value.items ? ` of ${space.value.items.toLocaleString("en")} items` : ""}. Arrow keys ` +
      `move, plus and minus zoom, Enter selects what is in the middle.`
    : "Map";
  return (
    <main class={`map tool-${tool.value}`} ref={frame}>
      <div
        class="surface"
        role="application"
        aria-label={name}
        tabIndex={0}
        onKeyDown={keys}
        onBlur={() => (pointer.value = null)}
      >
        <canvas ref={canvas} />
      </div>
      {undrawn.value && <p class="state laying">{undrawn.value}</p>}
      {!layout.value && !undrawn.value && (
        <p class="state laying">
          {space.value?.broken ? "There is no map without the model." : <span class="spinner" />}
          {!space.value?.broken && task(tasks.value[0]?.what ?? "map by")}
        </p>
      )}
      <Overlay />
      {able("items") && <Legend />}
      <MapTools />
      <HoverCard />
    </main>
  );
}

/** Why there is no map, where the browser cannot draw it. */
const undrawn = signal("");

function renderer(canvas: HTMLCanvasElement): Renderer | null {
  try {
    return new Renderer(canvas, () => ({
      camera: camera.peek(),
      size: size.peek(),
      points: doc.peek().points,
      microscope: doc.peek().microscope,
      shown: shown.peek(),
      colour: rowColour,
      veil: veil(),
      ground: dark.peek() ? [23, 23, 26] : [251, 250, 247],
    }));
  } catch (error) {
    undrawn.value = (error as Error).message;
    return null;
  }
}

function mount(canvas: HTMLCanvasElement, frame: HTMLDivElement): () => void {
  const surface = canvas.parentElement as HTMLDivElement;
  const made = renderer(canvas);
  const watcher = new ResizeObserver(([entry]) => {
    if (entry) size.value = { width: entry.contentRect.width, height: entry.contentRect.height };
  });
  watcher.observe(frame);
  // the watcher comes after the first paint
  size.value = { width: frame.clientWidth, height: frame.clientHeight };
  const paged = effect(pages);
  if (!made) return () => [watcher.disconnect(), paged()];
  window.liminal = { renderer: made, camera, heard, ask: ((...given) => ask(...given)) as typeof ask };
  const stops = [
    () => watcher.disconnect(),
    paged,
    effect(() => fill(made)),
    effect(() => {
      if (layout.value && coloured.value.codes.length === layout.value.id.data.length) {
        made.points.colour(coloured.value.codes, coloured.value.palette, shown.value);
        made.layers.thumbnails?.layer.refresh();
        made.layers.decoded?.microscope.keep(shown.value);
        made.request();
      }
    }),
    effect(() => {
      const [about, map] = [column.value, layout.value];
      void dark.value;
      const style = getComputedStyle(document.documentElement);
      const places = about && map ? placed(about, map.xy.data, shown.value) : [];
      made.labels.write(
        places,
        style.fontFamily,
        style.getPropertyValue("--ink"),
        style.getPropertyValue("--ground"),
      );
      made.request();
    }),
    effect(() => {
      void [camera.value, size.value, doc.value.points, doc.value.microscope, dark.value, arrivals.value];
      made.request();
    }),
    listen(surface),
  ];
  return () => {
    for (const stop of stops) stop();
    made.close();
  };
}

/**
 * Seen from afar, and above all on paper, the microscope stays behind the points; closer up it comes to the
 * fore.
 */
function veil(): number {
  const zoomed = Math.log2((camera.peek()?.k ?? 1) / (home.peek()?.k ?? 1));
  return Math.min(1, (dark.peek() ? 0.85 : 0.75) + 0.15 * Math.max(zoomed, 0));
}

function rowColour(row: number): Rgb {
  const { codes, palette } = coloured.peek();
  const at = (codes[row] ?? 0) * 4;
  return [palette[at] ?? 0, palette[at + 1] ?? 0, palette[at + 2] ?? 0];
}

/** The sheets with the items' pictures, once it is known how large these are. */
function pages(): void {
  const about = space.peek();
  if (!layout.value || !about) return;
  sheets.value ??= new Sheets(
    (page) => ask("thumbnails", { page }, null),
    ...about.tile,
    PAGE,
    ACROSS,
    () => arrivals.value++,
  );
}

/** Builds the layers anew whenever another map has been laid out. */
function fill(made: Renderer): void {
  const [map, points, about] = [layout.value, grid.value, space.peek()];
  if (!map || !points || !about) return;
  const order = shuffled(map.id.data.length);
  const rank = new Uint32Array(order.length);
  for (let i = 0; i < order.length; i++) rank[order[i] as number] = i;
  made.points.place(map.xy.data, order, points.density());
  const [width, height] = about.tile;
  made.layers.decoded?.microscope.close();
  const view = viewOf(about.modality);
  const decoded = made.layers.decoded?.tiles ?? new Tiles(made.gl, width, height, 1200, view.paper);
  const pictures = sheets.peek() as Sheets;
  const real = made.layers.thumbnails?.tiles ?? new Tiles(made.gl, width, height, 800, view.paper);
  const look = (xy: Float32Array, signal: AbortSignal) => ask("at", { method: map.method }, xy, signal);
  const microscope = new Microscope(
    decoded,
    points,
    look,
    (at, i) => view.rgba(at.items, i, width, height, about.modality),
    () => made.request(),
    complain,
  );
  microscope.keep(shown.peek());
  made.layers = {
    decoded: { tiles: decoded, microscope },
    thumbnails: { tiles: real, layer: new Thumbnails(real, pictures, points, rank) },
  };
  made.request();
}
