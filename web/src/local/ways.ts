/** Ways through a page's space, and films of them. */
import { frames as pictures } from "../modalities/painted.ts";
import { wav } from "../modalities/synth.ts";
import type { Track } from "../modalities/view.ts";
import { FILM, type Api, type Path, type PathRequest, type Straightness } from "../wire.ts";
import { grid, refuse, type Core } from "./core.ts";
import { PREVIEW, TILE, gif, sheet, type Frames } from "./films.ts";
import { hearing, mp4 } from "./mp4.ts";
import { even, steps as stepsOf, stretches } from "./paths.ts";
import type { Speech } from "./speech.ts";
import { zip } from "../zip.ts";

const ROUNDING = 1e-6;
const NOTICEABLE = 0.5;

export const ways = (core: Core, speech: Speech) => ({
  path: (_: unknown, asked: PathRequest, signal?: AbortSignal): Promise<Path> =>
    walk(core, speech, asked, signal),

  async export(
    _: unknown,
    { path, format = "gif", fps = 24, times = 1 }: Api["export"]["body"],
  ): Promise<Blob> {
    if ("items" in path) return refuse("A shared page makes no pieces: that needs Liminal itself.");
    const most = Math.floor((16 * FILM) / times ** 2);
    if (times > 1 && (path.frames ?? 0) > most)
      return refuse(
        `At ${times} times the size a film has at most ${most} frames: take fewer, or a smaller size.`,
      );
    const { items } = await walk(core, speech, path);
    const films = await core.films;
    if (!films.includes(format))
      return refuse(
        format === "mp4"
          ? "This browser cannot encode a film for MP4; it can be saved as GIF."
          : `A shared page saves paths as ${films.join(" or ")}.`,
      );
    const own = core.view.films?.[format];
    if (own) return own(items, core.of.space.modality);
    const side = times * (format === "png" ? TILE : PREVIEW);
    const shown = pictures(core.view, items, core.of.space.modality, side);
    if (format === "mp4") {
      const sound = core.view.track?.(items, core.of.space.modality) ?? null;
      return film(shown, fps, sound).catch((error: Error) => refuse(error.message));
    }
    return format === "gif" ? gif(shown, fps) : sheet(shown);
  },
});

/** An MP4; where its sound cannot be part of it, a zip of the silent film and of the sound. */
async function film(shown: Frames, fps: number, sound: Track | null): Promise<Blob> {
  const how = sound && (await hearing());
  const seen = await mp4(shown, fps, sound, how);
  if (!sound || how) return seen;
  const silent = new Uint8Array(await seen.arrayBuffer());
  return zip(
    new Map([
      ["path.mp4", silent],
      ["path.wav", wav(sound.samples, sound.rate)],
    ]),
  );
}

async function walk(core: Core, speech: Speech, asked: PathRequest, signal?: AbortSignal): Promise<Path> {
  const { along = "slerp", frames = 48, loop = false, only = [] } = asked;
  if (only.length || !core.of.space.alongs.includes(along))
    return refuse(`A shared page goes ${core.of.space.alongs.join(", ")}; other ways need the studio.`);
  if (asked.keys.length < 2)
    return refuse(`path: wanted 2 items or more to go through, got ${asked.keys.length}`);
  if (frames < asked.keys.length)
    return refuse(`path: ${frames} frames cannot show ${asked.keys.length} items`);
  const keys: Float32Array[] = [];
  for (const key of asked.keys) keys.push(await speech.place(key));
  const stops = loop ? [...keys, keys[0] as Float32Array] : keys;
  const curve = await stretches(stops, along, core.mixer);
  const see = async (z: Float32Array): Promise<Float32Array> => core.chart(await core.raw(z, signal));
  const shown = await even(curve, loop ? frames : frames - 1, core.d, see);
  const parts: number[] = [];
  const at = [0];
  for (let i = 0; i < curve.length; i++) {
    const t = shown[i] as number[];
    parts.push(...(await (curve[i] as (typeof curve)[number])(t)));
    at.push((at.at(-1) as number) + t.length);
  }
  if (!loop) parts.push(...(keys.at(-1) as Float32Array));
  const z = Float32Array.from(parts);
  const n = z.length / core.d;
  const x = await core.raw(z, signal);
  const rows = core.chart(x);
  const rounding = ROUNDING * Math.sqrt(rows.reduce((sum, value) => sum + value * value, 0) / rows.length);
  const steps = stepsOf(rows, n, loop).map((step) => (step > rounding ? step : 0));
  const length = steps.reduce((a, b) => a + b, 0);
  const largest = Math.max(...steps);
  const support = core.support(z);
  const at_keys = at.slice(0, keys.length);
  return {
    z: grid(z, n, core.d),
    items: core.view.items(x, core.held),
    support: grid(support, n),
    xy: grid(core.placed(z), n, 2),
    steps: grid(Float32Array.from(steps), steps.length),
    at: at_keys,
    length,
    largest_step: largest,
    unevenness: length > 0 ? (largest * steps.length) / length : 1,
    least_support: core.trust ? Math.min(...support) : null,
    how: along === "mix" ? core.mixer.how : "",
    attributes: await straight(core, x, n, at_keys, loop),
    copy_as: walked(speech, asked, keys, along, frames, loop),
  };
}

async function straight(
  core: Core,
  x: Float32Array,
  n: number,
  at: readonly number[],
  loop: boolean,
): Promise<Straightness[]> {
  const seen = await core.seen(x, n);
  const count = core.of.readings.length;
  if (!seen) return [];
  return core.of.readings.flatMap(({ name }, i): Straightness[] => {
    const read = Array.from({ length: n }, (_, row) => seen[row * count + i] as number);
    const values = loop ? [...read, read[0] as number] : read;
    const keys = [...at, ...(loop ? [values.length - 1] : [])].map((frame) => values[frame] as number);
    const gaps = (list: number[]): number[] =>
      list.slice(1).map((value, j) => Math.abs(value - (list[j] as number)));
    const changes = gaps(keys);
    if (Math.max(...changes) < NOTICEABLE * (core.of.spread?.[name] ?? 1)) return [];
    const sum = (list: number[]): number => list.reduce((a, b) => a + b, 0);
    return [
      {
        name,
        at_keys: at.map((frame) => read[frame] as number),
        monotone: Math.min(sum(changes) / sum(gaps(values)), 1),
      },
    ];
  });
}

function walked(
  speech: Speech,
  asked: PathRequest,
  keys: readonly Float32Array[],
  along: string,
  frames: number,
  loop: boolean,
): Path["copy_as"] {
  const { copies } = speech;
  const shown = asked.keys.map((key, i) => copies.inPython(key, keys[i] as Float32Array)).join(", ");
  const names = asked.keys.map((key) => copies.plain(key));
  const plain = names.every((name): name is string => name !== null);
  return {
    python: copies.python(
      `space.path(${shown}, along='${along}', ` +
        `frames=${frames}${loop ? ", loop=True" : ""}).save("path.gif")`,
    ),
    command: plain
      ? copies.command(
          "morph",
          ...names,
          "--along",
          along,
          "--frames",
          String(frames),
          ...(loop ? ["--loop"] : []),
          "-o",
          "path.gif",
        )
      : null,
  };
}
