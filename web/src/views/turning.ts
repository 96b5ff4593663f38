/**
 * From where items are seen, of kinds that can be turned: all at once, by mouse, touch and arrow keys, so
 * that what is compared is seen from one side.
 */
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { RefObject } from "preact";
import type { Turn } from "../modalities/view.ts";

/** Nothing until somebody turns one. */
export const turned = signal<Turn | null>(null);

const [DEGREES, KEY, HIGHEST, LOWEST] = [0.6, 10, 85, -25]; // a pixel; a key; above and below the horizon
const WAYS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [1, 0],
  ArrowRight: [-1, 0],
  ArrowUp: [0, 1],
  ArrowDown: [0, -1],
};

function turn(first: Turn, across: number, up: number): void {
  const from = turned.value ?? first;
  turned.value = {
    across: (((from.across + across) % 360) + 360) % 360,
    up: Math.min(Math.max(from.up + up, LOWEST), HIGHEST),
  };
}

/** Lets a canvas be dragged round; one within a button is not, as that is pressed. */
export function useTurning(
  canvas: RefObject<HTMLCanvasElement>,
  first: Turn | undefined,
  there: boolean,
): void {
  useEffect(() => {
    const onto = canvas.current;
    if (!onto || !first || onto.closest("button, a, label")) return;
    let last: PointerEvent | null = null;
    const events = {
      pointerdown(event: PointerEvent) {
        if (event.button !== 0) return;
        last = event;
        onto.setPointerCapture(event.pointerId);
      },
      pointermove(event: PointerEvent) {
        if (!last) return;
        const [x, y] = [event.clientX - last.clientX, event.clientY - last.clientY];
        last = event;
        turn(first, -DEGREES * x, event.pointerType === "touch" ? 0 : DEGREES * y);
      },
      pointerup: () => void (last = null),
      pointercancel: () => void (last = null),
      dblclick: () => void (turned.value = null),
      keydown(event: KeyboardEvent) {
        const way = WAYS[event.key];
        if (event.key === "Home") turned.value = null;
        else if (way) turn(first, KEY * way[0], KEY * way[1]);
        else return;
        event.preventDefault();
        event.stopPropagation();
      },
    };
    const all = Object.entries(events) as [keyof typeof events, EventListener][];
    for (const [name, act] of all) onto.addEventListener(name, act);
    onto.tabIndex = 0;
    onto.classList.add("turns");
    return () => {
      for (const [name, act] of all) onto.removeEventListener(name, act);
      onto.removeAttribute("tabindex");
      onto.classList.remove("turns");
    };
  }, [first, there]);
}
