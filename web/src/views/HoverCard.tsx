/**
 * What the map holds under the pointer: decoded large, how far that can be trusted, and the item that a click
 * takes or else is most like it.
 */
import { useRef } from "preact/hooks";
import { useLive } from "../live.ts";
import { able, ask, camera, column, doc, idOf, layout, pointer, size, tool, waiting } from "../state.ts";
import { Support } from "./components.tsx";
import { useHovers } from "./Hear.tsx";
import { Item, Thumb, useCaptions } from "./Item.tsx";
import { rowUnder } from "./moving.ts";

const [WIDE, TALL] = [196, 316];

export function valueOf(row: number): string {
  const about = column.value;
  if (!about || row < 0) return "";
  const value = about.data[row] as number;
  if (about.kind === "number") return Number.isNaN(value) ? "" : `${about.name} ${value.toFixed(2)}`;
  const name = about.values[value];
  return name === undefined ? "" : about.kind === "bool" ? `${about.name}: ${name}` : name;
}

export function HoverCard() {
  const at = pointer.value;
  const method = doc.value.method;
  const key = at && layout.value ? `${method} ${at.x.toFixed(5)} ${at.y.toFixed(5)}` : null;
  const live = useLive(key, (signal) =>
    ask("at", { method }, Float32Array.of(at?.x ?? 0, at?.y ?? 0), signal),
  );
  const last = useRef(live.value);
  if (live.value) last.current = live.value;
  useHovers(at ? (last.current?.items ?? null) : null);
  const under = at ? rowUnder(at.px, at.py) : -1; // what a click takes
  const row = under >= 0 ? under : (last.current?.nearest.data[0] ?? -1);
  const [said = ""] = useCaptions(at ? [row] : []);
  if (!at || !camera.value || tool.value === "a" || tool.value === "b") return null;
  const found = last.current;
  const { width, height } = size.value;
  const left = at.px + 28 + WIDE < width ? at.px + 28 : at.px - 28 - WIDE;
  const top = Math.min(Math.max(at.py - TALL / 2, 60), height - TALL - 12);
  return (
    <div
      class="hover"
      style={{ left: `${Math.max(left, 8)}px`, top: `${Math.max(top, 8)}px`, width: `${WIDE}px` }}
      aria-live="polite"
    >
      {found ? (
        <>
          <Item items={found.items} name="decoded here" class="large" told />
          <Support value={found.support.data[0] ?? NaN} />
          {!found.inside.data[0] && <p class="fine">The map is empty here</p>}
          {able("items") && (
            <div class="nearest">
              {!said && (
                <Thumb row={row} name={under >= 0 ? "item under the pointer" : "nearest real item"} />
              )}
              <p>
                <small>{under >= 0 ? "Under the pointer" : "Most like it"}</small>
                <br />@{idOf(row)} <span>{valueOf(row)}</span>
                {said && <q>{said}</q>}
              </p>
            </div>
          )}
        </>
      ) : (
        <p class="state">
          {!waiting.value && <span class="spinner" />}
          {waiting.value ? "The model is loading" : "Decoding"}
        </p>
      )}
    </div>
  );
}
