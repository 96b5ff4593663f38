/** How one moves on the map: mouse, pen, fingers, wheel and keys. */
import { signal } from "@preact/signals";
import { toMap, zoomAt, type Point } from "../scales.ts";
import { able, camera, complain, doc, grid, home, pointer, shown, size, tool } from "../state.ts";
import { clicked, lassoed } from "./actions.ts";

/** The line of a lasso that is being drawn, in pixels. */
export const drawn = signal<Point[]>([]);
const REACH = 15; // pixels from an item within which a click means that item
export function rowUnder(px: number, py: number, reach = REACH): number {
  const [at, points] = [camera.value, grid.value];
  if (!at || !points || !able("items")) return -1;
  const [x, y] = toMap(at, size.value, px, py);
  return points.nearest(x, y, reach / at.k, shown.value);
}

export function limits(): Point {
  const k = home.value?.k ?? 1;
  return [k / 3, k * 400];
}

/** Mouse, pen, fingers and wheel. */
export function listen(surface: HTMLDivElement): () => void {
  const held = new Map<number, { x: number; y: number }>();
  let travelled = 0;
  // A browser keeps moves back until the next frame. It tells of them at once as raw ones: the first of them
  // is taken, the others come with the frame.
  let early = true;
  const place = (event: PointerEvent | WheelEvent | MouseEvent): [number, number] => {
    const box = surface.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const point = (px: number, py: number) => {
    const at = camera.value;
    if (!at) return;
    const [x, y] = toMap(at, size.value, px, py);
    pointer.value = { x, y, px, py };
  };
  const lassoing = (event: PointerEvent): "a" | "b" | null => {
    if (tool.value === "a" || tool.value === "b") return tool.value;
    return event.shiftKey && able("items") ? (doc.value.a.length && !doc.value.b.length ? "b" : "a") : null;
  };
  let lasso: "a" | "b" | null = null;

  const down = (event: PointerEvent) => {
    if (event.button !== 0) return;
    surface.setPointerCapture(event.pointerId);
    const [px, py] = place(event);
    held.set(event.pointerId, { x: px, y: py });
    travelled = held.size > 1 ? 1e6 : 0;
    lasso = held.size === 1 ? lassoing(event) : null;
    if (lasso) drawn.value = [[px, py]];
  };
  const move = (event: PointerEvent) => {
    const [px, py] = place(event);
    const before = held.get(event.pointerId);
    const at = camera.value;
    early = true;
    if (!before || !at) return void (event.pointerType === "mouse" && point(px, py));
    travelled += Math.hypot(px - before.x, py - before.y);
    if (lasso) {
      drawn.value = [...drawn.value, [px, py]];
    } else if (held.size === 1 && travelled > 4) {
      pointer.value = null;
      camera.value = { ...at, x: at.x - (px - before.x) / at.k, y: at.y + (py - before.y) / at.k };
    } else if (held.size === 2) {
      const other = [...held].find(([id]) => id !== event.pointerId)?.[1] ?? before;
      const factor =
        Math.hypot(px - other.x, py - other.y) /
        Math.max(Math.hypot(before.x - other.x, before.y - other.y), 1);
      const zoomed = zoomAt(at, size.value, (px + other.x) / 2, (py + other.y) / 2, factor, limits());
      camera.value = {
        ...zoomed,
        x: zoomed.x - (px - before.x) / 2 / zoomed.k,
        y: zoomed.y + (py - before.y) / 2 / zoomed.k,
      };
    }
    if (held.size > 1 || travelled > 4 || lasso) held.set(event.pointerId, { x: px, y: py });
  };
  const raw = (event: PointerEvent) => {
    if (!early || event.pointerType !== "mouse" || held.size) return;
    early = false;
    point(...place(event));
  };
  const up = (event: PointerEvent) => {
    const was = held.get(event.pointerId);
    held.delete(event.pointerId);
    if (!was) return;
    if (lasso) {
      const at = camera.value;
      const polygon = at ? drawn.value.map(([x, y]) => toMap(at, size.value, x, y)) : [];
      drawn.value = [];
      lassoed(lasso, grid.value?.lasso(polygon, shown.value) ?? []);
      lasso = null;
    } else if (travelled <= 4) {
      const [px, py] = place(event);
      point(px, py);
      void clicked(rowUnder(px, py, event.pointerType === "touch" ? 24 : REACH), pointer.value).catch(
        complain,
      );
      if (event.pointerType !== "mouse") pointer.value = null;
    }
  };
  const wheel = (event: WheelEvent) => {
    // who scrolls through a notebook passes by
    if (window.parent !== window && !document.hasFocus() && !event.ctrlKey) return;
    event.preventDefault();
    const at = camera.value;
    if (!at) return;
    const lines = event.deltaY * (event.deltaMode === 1 ? 18 : 1);
    const factor = Math.exp(-Math.max(-240, Math.min(240, lines)) * (event.ctrlKey ? 0.01 : 0.0022));
    const [px, py] = place(event);
    camera.value = zoomAt(at, size.value, px, py, factor, limits());
    point(px, py);
  };
  const leave = () => void (held.size || (pointer.value = null));
  const on: [string, (event: never) => void][] = [
    ["pointerdown", down],
    ["pointermove", move],
    ["pointerrawupdate", raw],
    ["pointerup", up],
    ["pointercancel", up],
    ["pointerleave", leave],
    ["wheel", wheel],
  ];
  for (const [name, handler] of on)
    surface.addEventListener(name, handler as EventListener, { passive: false });
  return () => on.forEach(([name, handler]) => surface.removeEventListener(name, handler as EventListener));
}

export function keys(event: KeyboardEvent): void {
  const at = camera.value;
  if (!at || event.ctrlKey || event.metaKey || event.altKey) return;
  const far = (event.shiftKey ? 160 : 48) / at.k;
  const moves: Record<string, [number, number]> = {
    ArrowLeft: [-far, 0],
    ArrowRight: [far, 0],
    ArrowUp: [0, far],
    ArrowDown: [0, -far],
  };
  const { width, height } = size.value;
  const move = moves[event.key];
  const middle = () => {
    const now = camera.value ?? at;
    pointer.value = { x: now.x, y: now.y, px: width / 2, py: height / 2, keyed: true };
  };
  if (move) camera.value = { ...at, x: at.x + move[0], y: at.y + move[1] };
  else if (event.key === "+" || event.key === "=")
    camera.value = zoomAt(at, size.value, width / 2, height / 2, 1.4, limits());
  else if (event.key === "-") camera.value = zoomAt(at, size.value, width / 2, height / 2, 1 / 1.4, limits());
  else if (event.key === "Enter") {
    middle();
    void clicked(rowUnder(width / 2, height / 2, 40), pointer.value).catch(complain);
  } else return;
  middle();
  event.preventDefault();
  event.stopPropagation();
}
