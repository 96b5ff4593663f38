/** What can be taken away of a walk: films and pictures of all its frames, in a size of one's own. */
import { signal } from "@preact/signals";
import { useState } from "preact/hooks";
import type { Doc } from "../document.ts";
import { ask, doc, say, space, walked } from "../state.ts";
import type { ExportRequest } from "../wire.ts";
import { ZIP } from "../zip.ts";
import { Button, save, trying } from "./components.tsx";
import { heard } from "./Hear.tsx";
import { musical, speed } from "./player.ts";
import { fileStem } from "./saving.ts";

/** Frames of the walk that is played. */
export const FRAMES = 48;
const FASTEST = 50; // frames a second
const NAMED = 4; // key frames that a file is called by
/** The space's name and the key frames: `faces-space-6225-4825`. */
function fileName(keys: Doc["keys"], piece: boolean): string {
  const names = keys.slice(0, NAMED).map((key) => (key.kind === "item" ? String(key.id) : "place"));
  const more = keys.length > NAMED ? [`${keys.length - NAMED}-more`] : [];
  return [fileStem(), ...(piece ? ["piece"] : []), ...names, ...more].join("-");
}

/** How many frames a saved film has; the one that is played here has `FRAMES`. */
const filmed = signal(FRAMES);
/** How large its items are drawn. */
const times = signal(1);

/** Saves the walk or the piece that is asked for; null: there is none yet. */
export function Take({ asked }: { asked: ExportRequest["path"] | null }) {
  const [busy, setBusy] = useState<string | null>(null);
  const frames = Math.max(filmed.value, doc.value.keys.length);
  const piece = asked !== null && "items" in asked;
  const lasts = piece ? heard(walked.value?.items ?? null, 0)?.sound.seconds : undefined;
  const take = (format: string) =>
    trying(async () => {
      if (!asked) return;
      setBusy(format);
      try {
        const blob = await ask(
          "export",
          {},
          {
            path: piece ? asked : { ...asked, frames },
            format,
            fps: lasts ? 1 / lasts : Math.min(24 * speed.value, FASTEST),
            times: sized(format) ? times.value : 1,
          },
        );
        const apart = blob.type === ZIP; // what belongs together could not be put into one
        const name = `${fileName(doc.value.keys, piece)}.${apart ? "zip" : format}`;
        save(blob, name);
        const why = ": this browser puts no sound into films, so it lies beside this one";
        say(`Saved ${name}${apart ? why : ""}`);
      } finally {
        setBusy(null);
      }
    });
  const sized = (format: string) => space.value?.modality.drawn.includes(format) ?? false;
  const off = !asked || busy !== null;
  const films = space.value?.modality.films ?? [];
  // music is written as music first
  const own = musical.value ? films.filter((format) => !sized(format)) : [];
  const [first = "gif", ...others] = new Set([...own, ...films]);
  return (
    <div class="take">
      <Button
        kind="main"
        {...(busy === first ? {} : { icon: "save" as const })}
        disabled={off}
        onClick={take(first)}
      >
        {busy === first && <span class="spinner" />}
        Save as {first.toUpperCase()}
      </Button>
      {others.map((format) => (
        <Button key={format} disabled={off} onClick={take(format)}>
          {busy === format && <span class="spinner" />}
          {format.toUpperCase()}
        </Button>
      ))}
      {!piece && (
        <select
          aria-label="Frames of what is saved"
          value={String(filmed.value)}
          onChange={(event) => (filmed.value = Number(event.currentTarget.value))}
        >
          {[12, 24, FRAMES, 96, 240].map((count) => (
            <option key={count} value={String(count)}>
              {count} frames
            </option>
          ))}
        </select>
      )}
      {[first, ...others].some(sized) && (
        <select
          aria-label="Size of what is saved"
          title="How large the film or the picture is"
          value={String(times.value)}
          onChange={(event) => (times.value = Number(event.currentTarget.value))}
        >
          {[1, 2, 4].map((size) => (
            <option key={size} value={String(size)}>
              {size}× size
            </option>
          ))}
        </select>
      )}
    </div>
  );
}
