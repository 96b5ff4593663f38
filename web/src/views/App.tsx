/**
 * The frame: the name and the formula bar above, views at the side, the map, and the panel of the open view.
 */
import { signal } from "@preact/signals";
import type { ComponentType } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { View } from "../document.ts";
import { task, title } from "../names.ts";
import {
  able,
  anew,
  ask,
  canRedo,
  canUndo,
  complain,
  doc,
  go,
  help,
  layout,
  newer,
  notice,
  offers,
  redo,
  space,
  tasks,
  undo,
  waiting,
  say,
} from "../state.ts";
import { bring, uploading } from "./actions.ts";
import { CompleteView } from "./CompleteView.tsx";
import { ComposeView } from "./ComposeView.tsx";
import { Button } from "./components.tsx";
import { noun, read } from "./Item.tsx";
import { DimensionsView } from "./DimensionsView.tsx";
import { DirectionsView } from "./DirectionsView.tsx";
import { FormulaBar } from "./FormulaBar.tsx";
import { Help } from "./Help.tsx";
import { Icon, type IconName } from "./icons.tsx";
import { ItemView } from "./ItemView.tsx";
import { hotkey } from "./hotkeys.ts";
import { ListView } from "./ListView.tsx";
import { MapView } from "./MapView.tsx";
import { PathView } from "./PathView.tsx";
import { ReportView } from "./ReportView.tsx";
import { SampleView } from "./SampleView.tsx";
import { StartView } from "./StartView.tsx";
import { StyleView } from "./StyleView.tsx";
import { dark, toggle } from "./theme.ts";
import { Touring, TourView } from "./TourView.tsx";

export const VIEWS: readonly { view: View; name: string; icon: IconName; of: ComponentType }[] = [
  { view: "start", name: "Start", icon: "start", of: StartView },
  { view: "item", name: "Item", icon: "item", of: ItemView },
  { view: "path", name: "Path", icon: "path", of: PathView },
  { view: "directions", name: "Directions", icon: "directions", of: DirectionsView },
  { view: "dimensions", name: "Dimensions", icon: "dimensions", of: DimensionsView },
  { view: "sample", name: "Sample", icon: "sample", of: SampleView },
  { view: "style", name: "Style", icon: "style", of: StyleView },
  { view: "complete", name: "Complete", icon: "complete", of: CompleteView },
  { view: "compose", name: "Compose", icon: "compose", of: ComposeView },
  { view: "list", name: "List", icon: "list", of: ListView },
  { view: "report", name: "Report", icon: "report", of: ReportView },
  { view: "tour", name: "Tour", icon: "tour", of: TourView },
];
const offered = () => VIEWS.filter(({ view }) => offers(view));

export function App() {
  const [over, setOver] = useState(false);
  useEffect(() => {
    window.addEventListener("keydown", hotkey);
    return () => window.removeEventListener("keydown", hotkey);
  }, []);
  const files = (event: DragEvent) => Array.from(event.dataTransfer?.types ?? []).includes("Files");
  const drop = (event: DragEvent) => {
    const file = event.dataTransfer?.files[0];
    setOver(false);
    if (!file) return;
    event.preventDefault(); // or the browser leaves this page for the file
    if (able("encode")) void bring(file).catch(complain);
    else say(`This page opens no ${noun(true)} from files: liminal studio does.`, true);
  };
  const dragging = (event: DragEvent) => {
    if (!files(event)) return;
    event.preventDefault();
    setOver(able("encode"));
  };
  return (
    <div
      class={read() ? "app read" : "app"}
      onDragOver={dragging}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <Top />
      <Rail />
      <MapView />
      <Panel />
      <Notice />
      {help.value && <Help />}
      {(over || uploading.value) && (
        <div class="drop" role="status">
          <Icon name="upload" />
          {uploading.value ? "Finding its place" : `Let go to find the place of this ${noun(false)}`}
        </div>
      )}
    </div>
  );
}

function Top() {
  return (
    <header class="top">
      <button type="button" class="brand" onClick={() => go("start")} title={space.value?.title ?? ""}>
        <svg viewBox="0 0 28 28" aria-hidden="true">
          <circle cx="10" cy="14" r="8" />
          <circle cx="18" cy="14" r="8" />
        </svg>
        <span class="sr">Liminal: </span>
        <b>{title(space.value?.name ?? "Liminal")}</b>
      </button>
      <FormulaBar />
      <div class="top-tools">
        <Button
          kind="icon"
          icon="undo"
          disabled={!canUndo.value}
          onClick={undo}
          aria-label="Undo"
          title="Undo (Ctrl Z)"
        />
        <Button
          kind="icon"
          icon="redo"
          disabled={!canRedo.value}
          onClick={redo}
          aria-label="Redo"
          title="Redo (Ctrl Shift Z)"
        />
        <Button
          kind="icon"
          icon={dark.value ? "sun" : "moon"}
          onClick={toggle}
          aria-label={dark.value ? "Light" : "Dark"}
          title="Dark or light (T)"
        />
        <Button
          kind="icon"
          icon="help"
          onClick={() => (help.value = true)}
          aria-label="Help"
          title="Help and keys (?)"
        />
      </div>
    </header>
  );
}

function Rail() {
  const rail = useRef<HTMLElement>(null);
  const open = doc.value.view;
  const [more, setMore] = useState(false);
  useEffect(
    () =>
      rail.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" }),
    [open],
  );
  const look = () =>
    rail.current &&
    setMore(rail.current.scrollLeft + rail.current.clientWidth < rail.current.scrollWidth - 8);
  useEffect(() => {
    const watcher = new ResizeObserver(look);
    watcher.observe(rail.current as HTMLElement);
    return () => watcher.disconnect();
  }, []);
  return (
    <nav class={`rail ${more ? "more" : ""}`} aria-label="Views" ref={rail} onScroll={look}>
      {offered().map(({ view, name, icon }) => (
        <button
          key={view}
          type="button"
          class="tab"
          aria-current={doc.value.view === view ? "page" : undefined}
          onClick={() => go(view)}
        >
          <Icon name={icon} />
          <span>{name}</span>
        </button>
      ))}
    </nav>
  );
}

function Panel() {
  const [tall, setTall] = useState(false);
  const found = offered().find(({ view }) => view === doc.value.view) ?? VIEWS[0];
  if (!found) return null;
  const View = found.of;
  return (
    <aside class={`panel ${tall ? "tall" : ""} of-${found.view}`} aria-label={found.name}>
      <button
        type="button"
        class="grip"
        aria-label={tall ? "Make the panel lower" : "Make the panel higher"}
        onClick={() => setTall(!tall)}
      />
      <Touring />
      <div class="scroll" key={found.view}>
        {space.value ? <View /> : null}
      </div>
    </aside>
  );
}

/** The line that was closed: it is not said again. */
const heard = signal<string | null>(null);

/** Says once that the space on disk is a newer one than this, and how to get there. */
function Newer() {
  const [busy, setBusy] = useState(false);
  const line = newer.value;
  if (!line || line === heard.value) return null;
  const again = able("reload") ? anew.value : null;
  const reload = async (): Promise<void> => {
    setBusy(true);
    try {
      await ask("reload", {}, null);
      again?.();
    } catch (error) {
      complain(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <p class="notice newer">
      <span>
        {line.charAt(0).toUpperCase() + line.slice(1)}
        {again ? ". " : ": open it and the studio again to see that."}
        {again && (
          <button type="button" class="link" disabled={busy} onClick={() => void reload()}>
            Load it anew
          </button>
        )}
      </span>
      {busy && <span class="spinner" />}
      <Button kind="icon" icon="close" aria-label="Close" onClick={() => (heard.value = line)} />
    </p>
  );
}

function Notice() {
  const note = notice.value;
  useEffect(() => {
    if (!note) return;
    const timer = setTimeout(() => (notice.value = null), note.bad ? 9000 : 4000);
    return () => clearTimeout(timer);
  }, [note]);
  // before there is a map, its place says what is going on; and the open view says itself that it waits
  const work = layout.value ? tasks.value.find(({ what }) => what !== doc.value.view) : null;
  const line = waiting.value
    ? "The model is loading; the map is ready"
    : work
      ? `${task(work.what)}${work.done !== null ? ` · ${Math.round(work.done * 100)} %` : ""}`
      : null;
  return (
    <div class="notices">
      <div role="status" aria-live="polite">
        {line && (
          <p class="notice work">
            <span class="spinner" />
            {line}
          </p>
        )}
        {note && !note.bad && <p class="notice">{note.text}</p>}
        <Newer />
      </div>
      {note?.bad && (
        <p class="notice bad" role="alert">
          {note.text}
          <Button kind="icon" icon="close" aria-label="Close" onClick={() => (notice.value = null)} />
        </p>
      )}
    </div>
  );
}
