/** What the colours mean, and which items are shown. */
import { useState } from "preact/hooks";
import { categoryColour, css, rampColour, UNKNOWN } from "../colours.ts";
import { human } from "../names.ts";
import { short } from "../scales.ts";
import { change, column, doc, space } from "../state.ts";
import { Icon } from "./icons.tsx";

const RAMP = `linear-gradient(90deg, ${Array.from({ length: 9 }, (_, i) => css(rampColour(i / 8))).join(", ")})`;

export function Legend() {
  const [open, setOpen] = useState(window.innerWidth > 760);
  const about = column.value;
  const names = [...(space.value?.attributes.map((a) => a.name) ?? []), "cluster"];
  const pick = (event: Event) => change({ colour: (event.target as HTMLSelectElement).value, off: [], range: null });
  return (
    <section class={`legend ${open ? "open" : ""}`} aria-label="Legend">
      <div class="legend-head">
        <button type="button" class="button icon" aria-label="Legend" aria-expanded={open} onClick={() => setOpen(!open)}>
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
        {open && (doc.value.off.length > 0 || doc.value.range) && (
          <button type="button" class="button quiet" onClick={() => change({ off: [], range: null })}>
            Show all
          </button>
        )}
      </div>
      {open && about && about.name === doc.value.colour && (about.kind === "number" ? <Range /> : <Values />)}
      {open && doc.value.colour !== (about?.name ?? "") && <p class="state"><span class="spinner" />Working it out</p>}
    </section>
  );
}

function Values() {
  const about = column.value;
  if (!about) return null;
  const off = new Set(doc.value.off);
  const counts = new Map<number, number>();
  for (const code of about.data) counts.set(code, (counts.get(code) ?? 0) + 1);
  const rows = about.values.map((name, code) => ({ name, count: counts.get(code) ?? 0, colour: css(categoryColour(code)) }));
  const known = rows.reduce((sum, row) => sum + row.count, 0);
  if (known < about.data.length) rows.push({ name: "unknown", count: about.data.length - known, colour: css(UNKNOWN) });
  const toggle = (name: string) => change({ off: off.has(name) ? doc.value.off.filter((other) => other !== name) : [...doc.value.off, name] });
  const only = (name: string) => change({ off: rows.map((row) => row.name).filter((other) => other !== name) });
  return (
    <ul class="values">
      {rows.map(({ name, count, colour }) => (
        <li key={name}>
          <button
            type="button"
            aria-pressed={!off.has(name)}
            class="value"
            title={`${count.toLocaleString("en")} items. Click: hide or show. Shift or double click: only these.`}
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
      <input type="range" aria-label={`Least ${about.name} shown`} min={about.low} max={about.high} step={step} value={low} onInput={set(0)} />
      <input type="range" aria-label={`Most ${about.name} shown`} min={about.low} max={about.high} step={step} value={high} onInput={set(1)} />
      <p>
        <span>{short(low)}</span>
        <span>{short(high)}</span>
      </p>
    </div>
  );
}
