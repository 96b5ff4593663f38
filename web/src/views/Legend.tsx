/** What the colours mean, and which items are shown. */
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { categoryColours, css, rampColour, UNKNOWN, type Column, type Filter } from "../colours.ts";
import { hidden, recolour } from "../document.ts";
import { human, title } from "../names.ts";
import { change, column, columns, doc, foot, offers, space } from "../state.ts";
import { Button } from "./components.tsx";
import { Icon } from "./icons.tsx";
import { valueOf } from "./Item.tsx";

const RAMP =
  `linear-gradient(90deg, ` + `${Array.from({ length: 9 }, (_, i) => css(rampColour(i / 8))).join(", ")})`;

const narrow = window.matchMedia("(max-width: 760px)");

export function Legend() {
  const [open, setOpen] = useState(!narrow.matches);
  const box = useRef<HTMLElement>(null);
  useEffect(() => {
    const turned = () => setOpen(!narrow.matches);
    narrow.addEventListener("change", turned);
    return () => narrow.removeEventListener("change", turned);
  }, []);
  useLayoutEffect(() => {
    const watcher = new ResizeObserver(() => (foot.value = box.current?.offsetHeight ?? 0));
    watcher.observe(box.current as HTMLElement);
    return () => watcher.disconnect();
  }, []);
  const about = column.value;
  const names = [...(space.value?.attributes.map((a) => a.name) ?? []), "cluster"];
  const pick = (event: Event) => change(recolour(doc.value, (event.target as HTMLSelectElement).value));
  return (
    <section class={`legend ${open ? "open" : ""}`} aria-label="Legend" ref={box}>
      <div class="legend-head">
        <button
          type="button"
          class="button icon"
          aria-label="Legend"
          aria-expanded={open}
          onClick={() => setOpen(!open)}
        >
          <Icon name="palette" />
        </button>
        {open && (
          <select aria-label="Colour by" value={doc.value.colour} onChange={pick}>
            <option value="">One colour</option>
            {names.map((name) => (
              <option key={name} value={name}>
                {human(name)}
              </option>
            ))}
          </select>
        )}
      </div>
      {open && about && about.name === doc.value.colour && (about.kind === "number" ? <Range /> : <Values />)}
      {open && doc.value.colour !== (about?.name ?? "") && (
        <p class="state">
          <span class="spinner" />
          Working it out
        </p>
      )}
      <Hidden />
    </section>
  );
}

/** What is hidden, in a line above the legend, where it moves nothing; and the way back. */
function Hidden() {
  const all = hidden(doc.value);
  if (!all.length) return null;
  return (
    <div class="hiding">
      {all.map(([name, filter]) => (
        <span key={name}>{said(name, columns.value.get(name), filter)}</span>
      ))}
      <Button kind="quiet" onClick={() => change({ off: [], range: null, others: {} })}>
        Show all
      </Button>
      {offers("list") && (
        <Button kind="quiet" onClick={() => change({ view: "list", list: "shown", sort: "" })}>
          List
        </Button>
      )}
    </div>
  );
}

/** What a filter leaves or takes away, in a few words. */
function said(name: string, about: Column | undefined, { off, range }: Filter): string {
  const of = title(human(name));
  if (range) return `${of}: ${valueOf(name, range[0])} to ${valueOf(name, range[1])}`;
  const values = [...(about?.values ?? []), ...(off.includes("unknown") ? ["unknown"] : [])];
  const left = values.filter((value) => !off.includes(value));
  if (left.length && left.length <= 2) return `${of}: only ${left.join(" and ")}`;
  return off.length <= 2
    ? `${of}: without ${off.join(" and ")}`
    : `${of}: ${off.length}${values.length ? ` of ${values.length}` : ""} hidden`;
}

function Values() {
  const about = column.value;
  if (!about) return null;
  const off = new Set(doc.value.off);
  const colours = categoryColours(about);
  const counts = new Map<number, number>();
  for (const code of about.data) counts.set(code, (counts.get(code) ?? 0) + 1);
  const rows = about.values.map((name, code) => ({
    name,
    count: counts.get(code) ?? 0,
    colour: css(colours[code] ?? UNKNOWN),
  }));
  const known = rows.reduce((sum, row) => sum + row.count, 0);
  if (known < about.data.length)
    rows.push({ name: "unknown", count: about.data.length - known, colour: css(UNKNOWN) });
  const toggle = (name: string) =>
    change({
      off: off.has(name) ? doc.value.off.filter((other) => other !== name) : [...doc.value.off, name],
    });
  const only = (name: string) =>
    change({ off: rows.map((row) => row.name).filter((other) => other !== name) });
  return (
    <ul class="values">
      {rows.map(({ name, count, colour }) => (
        <li key={name}>
          <button
            type="button"
            aria-pressed={!off.has(name)}
            class="value"
            title={
              `${count.toLocaleString("en")} items. Click: hide or show. Shift or double click: only ` +
              `these.`
            }
            onClick={(event) => (event.shiftKey ? only(name) : toggle(name))}
            onDblClick={() => only(name)}
          >
            <span class="swatch" style={{ background: colour }} />
            <span class="name">{name}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}

function Range() {
  const about = column.value;
  if (!about) return null;
  const [low, high] = doc.value.range ?? [about.low, about.high];
  const step = (about.high - about.low) / 200 || 1;
  const set = (end: 0 | 1) => (event: Event) => {
    const value = Number((event.target as HTMLInputElement).value);
    const range: [number, number] = end === 0 ? [Math.min(value, high), high] : [low, Math.max(value, low)];
    change({ range: range[0] <= about.low && range[1] >= about.high ? null : range }, "range");
  };
  return (
    <div class="range">
      <div class="ramp" style={{ background: RAMP }} />
      <input
        type="range"
        aria-label={`Least ${about.name} shown`}
        min={about.low}
        max={about.high}
        step={step}
        value={low}
        onInput={set(0)}
      />
      <input
        type="range"
        aria-label={`Most ${about.name} shown`}
        min={about.low}
        max={about.high}
        step={step}
        value={high}
        onInput={set(1)}
      />
      <p>
        <span>{valueOf(about.name, low)}</span>
        <span>{valueOf(about.name, high)}</span>
      </p>
    </div>
  );
}
