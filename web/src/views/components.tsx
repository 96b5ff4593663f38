/** The small parts that all views are made of. */
import type { ComponentChildren, JSX } from "preact";
import { supportWords } from "../scales.ts";
import { able, complain, idOf, say } from "../state.ts";
import type { Copy } from "../wire.ts";
import { Icon, type IconName } from "./icons.tsx";
import { Thumb } from "./Item.tsx";

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

interface Thumbed {
  row: number;
  about?: string;
  /** In the place of a thumbnail, where it is known. */
  caption?: string;
  onClick: () => void;
}
export function ThumbButton({ row, about, caption = "", onClick }: Thumbed) {
  const id = idOf(row);
  const drag = (event: DragEvent) => event.dataTransfer?.setData("text/plain", `@${id}`);
  return (
    <button
      type="button"
      class={caption ? "thumb words" : "thumb"}
      onClick={onClick}
      title={about ?? `@${id}`}
      draggable
      onDragStart={drag}
    >
      {caption || <Thumb row={row} name={`item ${id}`} />}
    </button>
  );
}

/** How far a decoded item can be trusted: a dot and words, the number for those who point at it. */
export function Support({ value, real = false }: { value: number; real?: boolean }) {
  if (!able("support")) return null;
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
export function Copies({
  of,
  title,
  why = "it holds a place without a name",
}: {
  of: Copy | null;
  title?: string;
  why?: string;
}) {
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
  if (error)
    return (
      <p class="state bad" role="alert">
        {error instanceof Error ? error.message : String(error)}
      </p>
    );
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

export function Section({
  title,
  children,
  aside,
}: {
  title: string;
  children: ComponentChildren;
  aside?: ComponentChildren;
}) {
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
