/** The small parts that all views are made of. */
import { signal } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { image, type Sheets } from "../image.ts";
import { useLive } from "../live.ts";
import { supportWords } from "../scales.ts";
import { ask, complain, idOf, rowOf, say } from "../state.ts";
import type { Subject } from "../doc.ts";
import type { Copy, Grid } from "../wire.ts";
import { Icon, type IconName } from "./icons.tsx";

export const sheets = signal<Sheets | null>(null);
/** Counts sheets that have arrived, so that thumbnails which wait are drawn. */
export const arrivals = signal(0);

interface ButtonProps extends Omit<JSX.ButtonHTMLAttributes<HTMLButtonElement>, "icon"> {
  icon?: IconName;
  kind?: "plain" | "main" | "quiet" | "icon";
  pressed?: boolean;
  children?: ComponentChildren;
}
export function Button({ icon, kind = "plain", pressed, children, class: extra, ...rest }: ButtonProps) {
  const on = pressed === undefined ? {} : { "aria-pressed": pressed };
  return (
    <button type="button" class={`button ${kind} ${extra ?? ""}`} {...on} {...rest}>
      {icon && <Icon name={icon} />}
      {children}
    </button>
  );
}

/** An item of an answer at the size that its place has. */
export function Picture({ items, index = 0, name, class: extra = "" }: { items: Grid<Uint8Array> | null; index?: number; name: string; class?: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useLayoutEffect(() => {
    if (items && canvas.current) image.paint(items, index, canvas.current);
  }, [items, index]);
  const said = name ? { role: "img" as const, "aria-label": name } : { "aria-hidden": true };
  return items ? <canvas ref={canvas} class={`picture ${extra}`} {...said} /> : <div class={`picture empty ${extra}`} />;
}

/** A real item's thumbnail from the sheets. */
export function Thumb({ row, name, class: extra = "" }: { row: number; name: string; class?: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const known = sheets.value;
  const ready = arrivals.value >= 0 && known !== null && row >= 0 && known.ready(row);
  useLayoutEffect(() => {
    const onto = canvas.current;
    if (!ready || !onto) return;
    const from = known.cut(row);
    [onto.width, onto.height] = [from.width, from.height];
    onto.getContext("2d")?.drawImage(from, 0, 0);
  }, [row, ready, known]);
  return <canvas ref={canvas} class={`picture ${ready ? "" : "empty"} ${extra}`} role="img" aria-label={name} />;
}

/** The picture of an item that is real, at its own size. */
export function Original({ id, of, name }: { id: number; of: "original" | "reconstruction"; name: string }) {
  const live = useLive(`${id} ${of}`, async (signal) => URL.createObjectURL(await ask("picture", { id, of }, null, signal)));
  useEffect(() => () => void (live.value && URL.revokeObjectURL(live.value)), [live.value]);
  return live.value ? <img class="picture" src={live.value} alt={name} /> : <Thumb row={rowOf(id)} name={name} />;
}

/** A subject, as small as its place: the thumbnail of an item, a decoded place else. */
export function Face({ subject, items = null }: { subject: Subject; items?: Grid<Uint8Array> | null }) {
  if (subject.kind === "item") return <Thumb row={rowOf(subject.id)} name={`item ${subject.id}`} />;
  return items ? <Picture items={items} name={subject.said} /> : <Decoded subject={subject} />;
}
function Decoded({ subject }: { subject: Subject & { kind: "place" } }) {
  const key = subject.z.join(",");
  const live = useLive(key, (signal) => ask("decode", {}, Float32Array.from(subject.z), signal));
  return <Picture items={live.value?.items ?? null} name={subject.said} />;
}

export function ThumbButton({ row, about, onClick }: { row: number; about?: string; onClick: () => void }) {
  const id = idOf(row);
  const drag = (event: DragEvent) => event.dataTransfer?.setData("text/plain", `@${id}`);
  return (
    <button type="button" class="thumb" onClick={onClick} title={about ?? `@${id}`} draggable onDragStart={drag}>
      <Thumb row={row} name={`item ${id}`} />
    </button>
  );
}

/** How far a decoded item can be trusted: a dot and words, the number for those who point at it. */
export function Support({ value, real = false }: { value: number; real?: boolean }) {
  if (Number.isNaN(value)) return <p class="support unknown">Support: being measured</p>;
  const { level, words } = supportWords(value, real);
  const percent = `${Math.round(100 * value)} % of real items lie further out`;
  return (
    <p class={`support ${level}`} title={percent}>
      <span class="dot" />
      {words}
    </p>
  );
}

export async function copy(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    const last = text.split("\n").at(-1) as string;
    say(`Copied: ${last.length > 90 ? `${last.slice(0, 87)}…` : last}`);
  } catch {
    window.prompt("Copy this:", text);
  }
}
export function Copies({ of, title, why = "it holds a place without a name" }: { of: Copy | null; title?: string; why?: string }) {
  if (!of || (!of.python && !of.command)) return null;
  return (
    <div class="copies">
      {of.python && (
        <Button icon="copy" kind="quiet" title={title} onClick={() => void copy(of.python as string)}>
          Copy as Python
        </Button>
      )}
      {of.command && (
        <Button icon="copy" kind="quiet" title={title} onClick={() => void copy(of.command as string)}>
          Copy as command
        </Button>
      )}
      {of.python && !of.command && <p class="fine">No command for this one: {why}.</p>}
    </div>
  );
}

/** Says what goes wrong or is being waited for; nothing else. */
export function State({ busy, error, words }: { busy: boolean; error?: unknown; words?: string }) {
  if (error) return <p class="state bad" role="alert">{error instanceof Error ? error.message : String(error)}</p>;
  if (!busy) return null;
  return (
    <p class="state" role="status">
      <span class="spinner" />
      {words ?? "One moment"}
    </p>
  );
}

export function save(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

export function Section({ title, children, aside }: { title: string; children: ComponentChildren; aside?: ComponentChildren }) {
  return (
    <section class="section">
      <div class="head">
        <h2>{title}</h2>
        {aside}
      </div>
      {children}
    </section>
  );
}

export const trying = (work: () => Promise<void>) => (): void => void work().catch(complain);
