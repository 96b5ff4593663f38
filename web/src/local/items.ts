/** What a page says of its items and of places: the map, a row, a picture, a file that was dropped. */
import { blob, painted } from "../modalities/painted.ts";
import { one } from "../modalities/view.ts";
import { ACROSS, PAGE, type Api, type At, type Item, type Look } from "../wire.ts";
import { error, target } from "./chart.ts";
import { grid, refuse, type Core } from "./core.ts";
import { PREVIEW, cut } from "./films.ts";
import { condition } from "./parsing.ts";

const NEIGHBORS = 9;

export const items = (core: Core) => ({
  async space(): Promise<Api["space"]["answer"]> {
    const { space } = core.of;
    const able = space.able.filter((what) => what !== "encode" || core.view.open);
    return { ...space, able, modality: { ...space.modality, films: await core.films } };
  },

  map(): Api["map"]["answer"] {
    const { of } = core;
    const n = of.shown || of.xy.data.length / 2;
    const id = of.shown ? of.id.data.slice(0, n) : new Int32Array(n).fill(-1);
    return { xy: grid(of.xy.data.slice(0, 2 * n), n, 2), id: grid(id, n), ...of.map };
  },

  column({ name }: { name: string }): Api["column"]["answer"] {
    const about = core.of.columns[name];
    const data = core.of[`column ${name}`];
    if (!about || !data) return refuse(`There is no attribute '${name}' in this page.`);
    return { data: grid(data.data.slice(0, core.of.shown), core.of.shown), name, ...about };
  },

  async decode(_: unknown, z: Float32Array, signal?: AbortSignal): Promise<Api["decode"]["answer"]> {
    return { items: await core.items(z, signal) };
  },

  async at(_: unknown, xy: Float32Array, signal?: AbortSignal): Promise<At> {
    const m = xy.length / 2;
    const found = core.inverse.back(xy);
    const decoded = core.items(found.z, signal);
    const { rows, far, k } = core.near(found.z, 1);
    return {
      z: grid(found.z, m, core.d),
      inside: grid(found.inside, m),
      error: grid(found.error, m),
      support: grid(core.support(found.z), m),
      nearest: grid(k ? rows : new Int32Array(m).fill(-1), m),
      distance: grid(k ? far : new Float32Array(m).fill(NaN), m),
      items: await decoded,
    };
  },

  item({ id }: { id: number }): Item {
    const row = core.row(id);
    const z = core.latent(row);
    const { rows, far } = core.near(z, NEIGHBORS + 1);
    const neighbors = Array.from(rows, (other, i) => ({
      id: core.of.id.data[other] as number,
      row: other,
      distance: far[i] as number,
    }));
    const error = core.of.error?.data[row] ?? 0;
    const support = core.support(z)[0] ?? NaN;
    return {
      id,
      row,
      caption: core.of.captions?.[row] ?? "",
      source: core.of.sources[row] ?? "",
      split: core.of.splits[row] ?? "",
      attributes: Object.fromEntries(
        core.of.space.attributes.map(({ name }) => [name, core.value(name, row)]),
      ),
      neighbors: neighbors.filter((one) => one.row !== row).slice(0, NEIGHBORS),
      z: Array.from(z),
      error,
      worse: core.trust?.worse(error) ?? null,
      support: Number.isNaN(support) ? null : support,
    };
  },

  async picture(
    { id, of = "original" }: { id: number; of?: "original" | "reconstruction" },
    _: null,
    signal?: AbortSignal,
  ): Promise<Blob> {
    const row = core.row(id);
    const { items, space } = core.of;
    if (of === "original" && !items)
      return cut(core.sheet(Math.floor(row / PAGE)), row % PAGE, ACROSS, space.tile);
    const [from, at] =
      of === "original" && items ? [items, row] : [await core.items(core.latent(row), signal), 0];
    return blob(painted(core.view, from, at, space.modality, PREVIEW));
  },

  async stored({ id }: { id: number }, _: null, signal?: AbortSignal): Promise<Api["stored"]["answer"]> {
    const [row, { items }] = [core.row(id), core.of];
    if (!items) return refuse("This page holds thumbnails of items, not the items themselves.");
    const [own, made] = [one(items, row), await core.items(core.latent(row), signal)];
    const data = items.data.slice(0, 2 * own.data.length);
    data.set(own.data);
    data.set(made.data, own.data.length);
    return { items: { data, shape: [2, ...own.shape.slice(1)] } };
  },

  async encode({ name = "" }: Api["encode"]["query"], file: Blob): Promise<Api["encode"]["answer"]> {
    const { view, held } = core;
    if (!core.nets.has("encoder") || !view.open) return refuse("This page cannot find the place of a file.");
    const { item, remarks } = await view
      .open(file, held, name)
      .catch((error: Error) => refuse(error.message));
    const x = view.tensor(item, held);
    const z = await core.nets.run("encoder", { x: { data: x, dims: [1, ...held.shape] } });
    const found = await core.look(z);
    const off = error(target(x, 1, held.likelihood), await core.raw(z), held.likelihood);
    const original = { data: item.data, shape: item.shape.slice(1) };
    return {
      ...found,
      original,
      error: off,
      worse: core.trust?.worse(off) ?? null,
      belongs: core.trust?.belongs(found.support.data[0] ?? NaN, off) ?? null,
      remarks,
      unusual: [],
    };
  },

  where({ text }: { text: string }): Api["where"]["answer"] {
    const { test } = condition(text);
    const rows = Array.from({ length: core.of.shown }, (_, row) => row).filter(
      (row) => test((name) => core.value(name, row)) === true,
    );
    if (!rows.length) refuse("No item of this page passes this filter.");
    return { rows: grid(Int32Array.from(rows), rows.length) };
  },

  sources: (_: unknown, { rows }: Api["sources"]["body"]): Api["sources"]["answer"] => ({
    sources: rows.map((row) => core.of.sources[row] ?? ""),
    captions: rows.map((row) => core.of.captions?.[row] ?? ""),
  }),
  progress: (): Api["progress"]["answer"] => ({ ready: true, broken: null, newer: null, tasks: [] }),
  thumbnails: ({ page = 0 }: { page?: number }): Blob => core.sheet(page),
  dimensions: (): Api["dimensions"]["answer"] => ({ dimensions: core.of.dimensions }),
  look: (_: unknown, z: Float32Array, signal?: AbortSignal): Promise<Look> => core.look(z, signal),
});
