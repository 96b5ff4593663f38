/** Marks on the map for what a view has found. */
import { useEffect } from "preact/hooks";
import { marks } from "../state.ts";
import type { Look } from "../wire.ts";

/** Marks the places of what was found, as long as the view is open; what lies nowhere has none. */
export function useMarks(found: Pick<Look, "xy"> | null, kind: "new" | "result"): void {
  useEffect(() => {
    const xy = found?.xy.data ?? new Float32Array();
    marks.value = Array.from({ length: xy.length / 2 }, (_, i) => ({
      x: xy[2 * i] ?? NaN,
      y: xy[2 * i + 1] ?? NaN,
      kind,
    })).filter(({ x }) => !Number.isNaN(x));
    return () => void (marks.value = []);
  }, [found]);
}
