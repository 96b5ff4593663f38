/**
 * The studio's answers from within a page: the routes of wire.ts over what the page holds (local/payload.ts)
 * and the networks that run beside it (local/nets.ts), by the definitions of the library. What needs the
 * library is refused in a sentence; the page's own answer to `space` says so beforehand, and the views leave
 * it out.
 */
import { Refused, type Ask, type Route } from "./api.ts";
import { between } from "./local/between.ts";
import { chart, error, harden, target } from "./local/chart.ts";
import { draw, numbers } from "./local/draws.ts";
import { PREVIEW, TILE, cut, gif, sheet } from "./local/films.ts";
import { Inverse, Places } from "./local/inverse.ts";
import { encoding, mp4 } from "./local/mp4.ts";
import { nearest } from "./local/near.ts";
import type { Nets } from "./local/nets.ts";
import type { Payload } from "./local/payload.ts";
import { Copies, completions, type Remembered } from "./local/copies.ts";
import {
  Misread,
  evaluate,
  leaves,
  parse,
  point,
  quoteName,
  show,
  type Names,
  type Node,
  type Test,
  type Value,
} from "./local/formula.ts";
import { Trust } from "./local/trust.ts";
import { Mixer, even, steps as stepsOf, stretches } from "./local/paths.ts";
import { viewOf } from "./modalities/index.ts";
import { blob, frames, painted } from "./modalities/painted.ts";
import { one, type Held, type View } from "./modalities/view.ts";
import {
  ACROSS,
  NEITHER,
  PAGE,
  UNKNOWN,
  type Api,
  type At,
  type Direction,
  type Directions,
  type Formula,
  type Grid,
  type Item,
  type Look,
  type Path,
  type PathRequest,
  type Place,
  type Reading,
  type SampleRequest,
  type Slid,
  type SlideRequest,
  type Straightness,
  type Strip,
  type Values,
} from "./wire.ts";

const FAR = 1e6;
const NEIGHBORS = 9;
const STRENGTHS = [-3, -2, -1, 0, 1, 2, 3];
const ROUNDING = 1e-6;
const NOTICEABLE = 0.5;
const ROUNDS = 50;
const FILMS = ["gif", "mp4", "png"]; // that pages can make of anything
const YES = ["yes", "true", "on", "1"];

const refuse = (words: string): never => {
  throw new Refused(words, 400);
};
const grid = <A extends ArrayLike<number>>(data: A, ...shape: number[]): Grid<A> => ({ data, shape });

/** Answers for one space. */
export function local(of: Payload, nets: Nets): Ask {
  const here = new Local(of, nets);
  return async (route, query, body, signal) => {
    signal?.throwIfAborted();
    const answer = here[route as Answered];
    if (typeof answer !== "function") return refuse("This needs Liminal itself: a shared page cannot do it.");
    return (await (answer as (query: unknown, body: unknown, signal?: AbortSignal) => unknown).call(
      here,
      query,
      body,
      signal,
    )) as never;
  };
}
type Answered = Exclude<Route, "transfer" | "report">;

class Local implements Record<Answered, unknown> {
  private readonly view: View;
  private readonly held: Held;
  private readonly films: Promise<string[]>; // that this browser can make
  private readonly d: number;
  private readonly z: Float32Array; // of all known latents
  private readonly same: number; // distance below which a latent is that of an item: its levels are no finer
  private readonly rows: Map<number, number>;
  private readonly inverse: Inverse;
  private readonly places: Places;
  private readonly trust: Trust | null;
  private readonly mixer: Mixer;
  private readonly remembered = new Map<string, Remembered & { about: Direction }>();
  private readonly copies: Copies;

  constructor(
    private readonly of: Payload,
    private readonly nets: Nets,
  ) {
    const {
      modality,
      tile: [width, height],
    } = of.space;
    this.view = viewOf(modality);
    this.held = { ...of, modality };
    this.films = encoding(height, width).then((found) =>
      FILMS.filter((format) => modality.films.includes(format) && (found || format !== "mp4")),
    );
    const d = (this.d = of.z_low.data.length);
    this.z = Float32Array.from(
      of.z.data,
      (level, i) => (of.z_low.data[i % d] as number) + level * (of.z_step.data[i % d] as number),
    );
    this.same = Math.hypot(...of.z_step.data);
    this.rows = new Map(Array.from(of.id.data.subarray(0, of.shown), (id, row) => [id, row]));
    this.inverse = new Inverse(of, this.z, d);
    this.places = new Places(of, this.z, d);
    this.trust = Trust.of(of, this.z, d);
    this.mixer = new Mixer(of, nets, d);
    this.copies = new Copies(of.space.name, this.remembered);
  }

  // what there is

  async space(): Promise<Api["space"]["answer"]> {
    const { space } = this.of;
    const able = space.able.filter((what) => what !== "encode" || this.view.open);
    return { ...space, able, modality: { ...space.modality, films: await this.films } };
  }
  progress = (): Api["progress"]["answer"] => ({ ready: true, broken: null, tasks: [] });

  map(): Api["map"]["answer"] {
    const { of } = this;
    const n = of.shown || of.xy.data.length / 2;
    const id = of.shown ? of.id.data.slice(0, n) : new Int32Array(n).fill(-1);
    return { xy: grid(of.xy.data.slice(0, 2 * n), n, 2), id: grid(id, n), ...of.map };
  }

  column({ name }: { name: string }): Api["column"]["answer"] {
    const about = this.of.columns[name];
    const data = this.of[`column ${name}`];
    if (!about || !data) return refuse(`There is no attribute '${name}' in this page.`);
    return { data: grid(data.data.slice(0, this.of.shown), this.of.shown), name, ...about };
  }

  private sheet(page: number): Blob {
    const found = this.of[`sheet ${page}`];
    return found
      ? new Blob([found.data as Uint8Array<ArrayBuffer>], { type: "image/webp" })
      : refuse(`There is no sheet ${page} in this page.`);
  }
  thumbnails = ({ page = 0 }: { page?: number }): Blob => this.sheet(page);

  // decoding

  private async raw(z: Float32Array, signal?: AbortSignal): Promise<Float32Array> {
    for (const x of z)
      if (!(Math.abs(x) < FAR))
        refuse("A latent with such numbers cannot be looked at; items have numbers of a few units.");
    return this.nets.run("decoder", { z: { data: z, dims: [z.length / this.d, this.d] } }, signal);
  }
  private async items(z: Float32Array, signal?: AbortSignal): Promise<Grid<Values>> {
    return this.view.items(await this.raw(z, signal), this.held);
  }
  /** Decoded rows (n, m) in which plain distance is how far items look apart. */
  private chart(y: Float32Array): Float32Array {
    return chart(y, this.count(y), this.of.likelihood);
  }
  private count(y: Float32Array): number {
    return y.length / this.of.soft_shape.reduce((a, b) => a * b, 1);
  }

  async decode(_: unknown, z: Float32Array, signal?: AbortSignal): Promise<Api["decode"]["answer"]> {
    return { items: await this.items(z, signal) };
  }

  private support(z: Float32Array): Float32Array {
    return this.trust?.support(z) ?? new Float32Array(z.length / this.d).fill(NaN);
  }
  /** The k nearest of the items that the page shows. */
  private near(z: Float32Array, k: number): { rows: Int32Array; far: Float32Array; k: number } {
    const [m, most] = [z.length / this.d, Math.min(k, this.of.shown)];
    const [rows, far] = [new Int32Array(m * most), new Float32Array(m * most)];
    for (let i = 0; i < m && most; i++) {
      const found = nearest(this.z, this.d, this.of.shown, z, i * this.d, most);
      rows.set(found.rows, i * most);
      far.set(found.far, i * most);
    }
    return { rows, far, k: most };
  }

  async at(_: unknown, xy: Float32Array, signal?: AbortSignal): Promise<At> {
    const m = xy.length / 2;
    const found = this.inverse.back(xy);
    const decoded = this.items(found.z, signal);
    const { rows, far, k } = this.near(found.z, 1);
    return {
      z: grid(found.z, m, this.d),
      inside: grid(found.inside, m),
      error: grid(found.error, m),
      support: grid(this.support(found.z), m),
      nearest: grid(k ? rows : new Int32Array(m).fill(-1), m),
      distance: grid(k ? far : new Float32Array(m).fill(NaN), m),
      items: await decoded,
    };
  }

  async look(_: unknown, z: Float32Array, signal?: AbortSignal): Promise<Look> {
    const m = z.length / this.d;
    const decoded = this.items(z, signal);
    const { rows, far, k } = this.near(z, 3);
    const xy = this.places.of_(z);
    for (let i = 0; i < m && k; i++)
      if ((far[i * k] as number) <= this.same)
        xy.set(this.of.xy.data.subarray(2 * (rows[i * k] as number), 2 * (rows[i * k] as number) + 2), 2 * i);
    return {
      z: grid(z, m, this.d),
      support: grid(this.support(z), m),
      nearest: grid(rows, m, k),
      distance: grid(far, m, k),
      xy: grid(xy, m, 2),
      items: await decoded,
    };
  }

  // items

  private row(id: number): number {
    const row = this.rows.get(id);
    if (row !== undefined) return row;
    if (!this.of.shown)
      return refuse("There are no single items in this page: write about places, such as random(7).");
    return refuse(`@${id} is not among the ${this.of.shown.toLocaleString("en")} items of this page.`);
  }
  private latent(row: number): Float32Array {
    return this.z.slice(row * this.d, (row + 1) * this.d);
  }
  private value(column: string, row: number): Value {
    if (column === "id") return this.of.id.data[row] ?? null;
    const about = this.of.columns[column];
    const value = this.of[`column ${column}`]?.data[row];
    if (!about || value === undefined)
      return refuse(
        `There is no attribute '${column}': there are ${Object.keys(this.of.columns).join(", ") || "none"}.`,
      );
    if (about.kind === "category") return value === UNKNOWN ? null : (about.values?.[value] ?? null);
    if (about.kind === "bool") return value === NEITHER ? null : value === 1;
    // what was said before it became a float32
    return Number.isNaN(value) ? null : Number(value.toPrecision(7));
  }

  item({ id }: { id: number }): Item {
    const row = this.row(id);
    const z = this.latent(row);
    const { rows, far } = this.near(z, NEIGHBORS + 1);
    const neighbors = Array.from(rows, (other, i) => ({
      id: this.of.id.data[other] as number,
      row: other,
      distance: far[i] as number,
    }));
    const error = this.of.error?.data[row] ?? 0;
    const support = this.support(z)[0] ?? NaN;
    return {
      id,
      row,
      caption: this.of.captions?.[row] ?? "",
      source: this.of.sources[row] ?? "",
      split: this.of.splits[row] ?? "",
      attributes: Object.fromEntries(
        this.of.space.attributes.map(({ name }) => [name, this.value(name, row)]),
      ),
      neighbors: neighbors.filter((one) => one.row !== row).slice(0, NEIGHBORS),
      z: Array.from(z),
      error,
      worse: this.trust?.worse(error) ?? null,
      support: Number.isNaN(support) ? null : support,
    };
  }

  async picture(
    { id, of = "original" }: { id: number; of?: "original" | "reconstruction" },
    _: null,
    signal?: AbortSignal,
  ): Promise<Blob> {
    const row = this.row(id);
    const { items, space } = this.of;
    if (of === "original" && !items)
      return cut(this.sheet(Math.floor(row / PAGE)), row % PAGE, ACROSS, space.tile);
    const [from, at] =
      of === "original" && items ? [items, row] : [await this.items(this.latent(row), signal), 0];
    return blob(painted(this.view, from, at, space.modality, PREVIEW));
  }

  async stored({ id }: { id: number }, _: null, signal?: AbortSignal): Promise<Api["stored"]["answer"]> {
    const [row, { items }] = [this.row(id), this.of];
    if (!items) return refuse("This page holds thumbnails of items, not the items themselves.");
    const [own, made] = [one(items, row), await this.items(this.latent(row), signal)];
    const data = items.data.slice(0, 2 * own.data.length);
    data.set(own.data);
    data.set(made.data, own.data.length);
    return { items: { data, shape: [2, ...own.shape.slice(1)] } };
  }

  async encode(_: unknown, file: Blob): Promise<Api["encode"]["answer"]> {
    const { view, held } = this;
    if (!this.nets.has("encoder") || !view.open) return refuse("This page cannot find the place of a file.");
    const { item, remarks } = await view.open(file, held).catch((error: Error) => refuse(error.message));
    const x = view.tensor(item, held);
    const z = await this.nets.run("encoder", { x: { data: x, dims: [1, ...held.shape] } });
    const found = await this.look(_, z);
    const off = error(target(x, 1, held.likelihood), await this.raw(z), held.likelihood);
    const original = { data: item.data, shape: item.shape.slice(1) };
    return {
      ...found,
      original,
      error: off,
      worse: this.trust?.worse(off) ?? null,
      belongs: this.trust?.belongs(found.support.data[0] ?? NaN, off) ?? null,
      remarks,
    };
  }

  // formulas

  private known(): { name: string; text: string; vector: Float32Array; about: Direction }[] {
    const all = this.of.directions.attributes ?? [];
    const own = [...this.remembered.values()].map(({ vector, about }) => ({
      name: about.name,
      text: about.text,
      vector,
      about,
    }));
    return [
      ...own,
      ...all.map((about, i) => ({
        name: about.name,
        text: about.text,
        vector: this.vectorOf("attributes", i),
        about,
      })),
    ];
  }
  private vectorOf(source: string, i: number): Float32Array {
    return (
      this.of[`directions ${source}`]?.data.slice(i * this.d, (i + 1) * this.d) ?? new Float32Array(this.d)
    );
  }

  private speech(): Names {
    const { of, d } = this;
    return {
      item: (id) => this.latent(this.row(id)),
      mean: (where, test) => this.mean(where, test),
      mix: (points) => this.mixer.blend(points),
      random: (seed) => {
        const count = of.draws.data.length / d;
        return seed < count
          ? of.draws.data.slice(seed * d, (seed + 1) * d)
          : refuse(`random(${seed}): this page knows the draws of the seeds 0 to ${count - 1}.`);
      },
      dimension: (index) => {
        if (index >= d) refuse(`dim(${index}): this space has dimensions 0 to ${d - 1}`);
        return Float32Array.from({ length: d }, (_, c) =>
          c === index ? (of.deviation.data[c] as number) : 0,
        );
      },
      direction: (name, value, at) => this.direction(name, value, at),
    };
  }

  private mean(where: string, test: Test): Float32Array {
    const { of, d } = this;
    const kept = of.means_of[where];
    if (kept !== undefined) return of.means.data.slice(kept * d, (kept + 1) * d);
    if (!of.shown) this.valued(where);
    if (!of.shown)
      return refuse(
        `mean(${where}): this page knows means of single values only, such as ` +
          `mean(${Object.keys(of.means_of)[0] ?? "label=Bag"}).`,
      );
    const [sum, n] = [new Float64Array(d), of.id.data.length];
    let count = 0;
    for (let row = 0; row < n; row++) {
      if (test((column) => this.value(column, row)) !== true) continue;
      count++;
      for (let c = 0; c < d; c++) sum[c]! += this.z[row * d + c] as number;
    }
    if (!count) this.valued(where);
    if (!count) return refuse(`mean(${where}): no item passes this filter`);
    return Float32Array.from(sum, (x) => x / count);
  }

  /** Refuses a filter that wants a value which no item has. */
  private valued(where: string): void {
    for (const [, quoted, name, text] of where.matchAll(
      /(?:`((?:[^`]|``)+)`|([\p{L}_][\p{L}\p{N}_]*)) = '((?:[^']|'')*)'/gu,
    )) {
      const [column, value] = [
        (quoted ?? name ?? "").replaceAll("``", "`"),
        (text ?? "").replaceAll("''", "'"),
      ];
      const known = this.of.space.attributes.find((one) => one.name === column && one.kind === "category")
        ?.values ?? [value];
      const near = alike(value, known);
      const offer = near.length
        ? `did you mean ${near.join(" or ")}?`
        : `known: ${known.slice(0, 12).join(", ")}${known.length > 12 ? ", ..." : ""}.`;
      if (!known.includes(value)) refuse(`mean(${where}): ${column} has no value '${value}'; ${offer}`);
    }
  }

  private direction(name: string, value: string | null, at: number): Float32Array {
    const all = this.known();
    const named = (text: string) => all.find((one) => one.name === text);
    const forms = all.filter((one) => one.name.startsWith(`${name}=`));
    const found =
      named(value === null ? name : `${name}=${value}`) ??
      (value === null
        ? undefined
        : forms.find((one) => one.name.slice(name.length + 1).toLowerCase() === value.toLowerCase()));
    if (found) return found.vector;
    const near = (forms.length ? forms : all).map((one) => one.text);
    if (forms.length)
      throw new Misread(
        value === null
          ? `'${name}' is a category: say which value, such as ${near[0]}`
          : `there is no value '${value}' of ${name}`,
        at,
        near.slice(0, 3),
      );
    const plain = value === null ? undefined : named(name);
    if (plain?.about.kind === "bool" && value !== null && YES.includes(value.toLowerCase()))
      return plain.vector;
    if (plain)
      throw new Misread(
        plain.about.kind === "number"
          ? `${name}=${value}: to set a value needs the studio; write a strength here, as in 1.5*${name}`
          : `${name}=${value}: write ${name} or -${name}`,
        at,
      );
    throw new Misread(`there is no direction '${name}'`, at, alike(name, near));
  }

  private async read(text: string): Promise<{ tree: Node; vector: Float32Array; weight: number }> {
    const tree = parse(text);
    return { tree, ...(await evaluate(tree, this.speech())) };
  }
  private async place(place: Place): Promise<Float32Array> {
    if (typeof place === "string") return point(parse(place), this.speech());
    if (place.length !== this.d || !place.every(Number.isFinite))
      return refuse(`wanted ${this.d} finite numbers for a latent, got ${place.length}`);
    return Float32Array.from(place);
  }

  async formula(_: unknown, { text, start }: Api["formula"]["body"]): Promise<Formula> {
    const { tree, vector, weight } = await this.read(text);
    const moved = Boolean(start) && Math.abs(weight) < 1e-6;
    const z = moved
      ? vector.map((x, i) => x + (start?.[i] ?? 0))
      : Math.abs(weight - 1) < 1e-6
        ? vector
        : await point(tree, this.speech());
    const all = leaves(tree);
    const first = tree.kind === "sum" ? tree.terms[0] : undefined;
    let edit: { of: string; by: string } | null = null;
    if (tree.kind === "sum" && first && (first.kind === "item" || first.kind === "mean")) {
      const rest: Node =
        tree.terms.length > 2 ? { kind: "sum", terms: tree.terms.slice(1) } : (tree.terms[1] as Node);
      if (Math.abs((await evaluate(rest, this.speech())).weight) < 1e-6)
        edit = { of: show(first), by: show(rest) };
    }
    return {
      ...(await this.look(_, z)),
      text: show(tree),
      names: [...new Set(all.flatMap((leaf) => (leaf.kind === "named" ? [leaf.name] : [])))],
      ids: all.flatMap((leaf) => (leaf.kind === "item" ? [leaf.id] : [])),
      copy_as: moved ? this.copies.decoded(z) : this.copies.formula(text, z, edit),
    };
  }

  names = ({ prefix = "" }: { prefix?: string }): Api["names"]["answer"] => ({
    completions: completions(
      this.of,
      this.known().map(({ about }) => about),
      prefix,
    ),
  });

  // directions, sliders, dimensions

  directions({ source = "attributes" }: Api["directions"]["query"]): Directions {
    const found = this.of.directions[source];
    if (!found)
      return refuse(
        "These directions need Liminal itself: a shared page holds only those that were found before.",
      );
    const again = source === "pca" || source === "factorised" ? { source } : {};
    found.forEach(
      (about, i) =>
        source !== "attributes" &&
        this.remembered.set(about.name, { vector: this.vectorOf(source, i), about, ...again }),
    );
    return {
      directions: found,
      vectors: this.of[`directions ${source}`] ?? grid(new Float32Array(), 0, this.d),
    };
  }

  between(_: unknown, { a, b, name }: Api["between"]["body"]): Directions {
    if (!this.of.shown)
      return refuse("There are no single items in this page that a group could be made of.");
    const found = between(this.z, this.d, this.of.shown, a, b);
    const plain = (name ?? "A to B").replaceAll("`", "'").trim() || "A to B";
    let unused = plain;
    for (let count = 2; this.remembered.has(unused); count++) unused = `${plain} ${count}`;
    const about: Direction = {
      name: unused,
      text: quoteName(unused),
      kind: "selection",
      score: found.score,
      score_name: "AUC",
      baseline: 0.5,
      works: found.works,
      effect: null,
      low: null,
      high: null,
      leakage: [],
      moves: [],
      words: found.words,
    };
    this.remembered.set(unused, { vector: found.vector, about });
    return { directions: [about], vectors: grid(found.vector, 1, this.d) };
  }

  async slide(_: unknown, { z, id, change, lock = [], keep_detail }: SlideRequest): Promise<Slid> {
    if (lock.length || keep_detail)
      return refuse(
        "To hold attributes, or to keep fine detail, needs the studio; a shared page moves along " +
          "directions only.",
      );
    const start = z ? await this.place(z) : this.latent(this.row(id ?? -1));
    const total = new Float32Array(this.d);
    const terms = new Map<string, string>();
    const asked = new Set<string>();
    for (const [name, strength] of Object.entries(change)) {
      const { tree, vector, weight } = await this.read(name);
      if (Math.abs(weight) > 1e-6) refuse(`'${name}' is a place; wanted the name of a direction`);
      vector.forEach((x, c) => (total[c]! += strength * x));
      for (const leaf of leaves(tree)) if (leaf.kind === "named") asked.add(leaf.name);
      terms.set(
        name,
        `${strength < 0 ? "-" : "+"} ` +
          `${Number(Math.abs(strength).toPrecision(6))}*${tree.kind === "named" ? show(tree) : `(${name})`}`,
      );
    }
    const after = start.map((x, c) => x + (total[c] as number));
    const both = new Float32Array(2 * this.d);
    both.set(start);
    both.set(after, this.d);
    const [found, x] = await Promise.all([this.look(_, after), this.raw(both)]);
    const length = Math.sqrt(total.reduce((sum, value) => sum + value * value, 0));
    const attributes = await this.readings(x, asked);
    const leaks = attributes
      .filter((one) => !one.asked && one.change !== null)
      .map((one) => Math.abs(one.change as number));
    return {
      ...found,
      attributes,
      leakage: leaks.length ? leaks.reduce((p, q) => p + q, 0) / leaks.length : null,
      length,
      change: stepsOf(this.chart(x), 2)[0] ?? 0,
      kept: 1,
      copy_as: this.copies.slid(id === undefined || id === null ? start : `@${id}`, change, terms, total),
    };
  }

  /**
   * What is read in decoded rows, made hard: what they state themselves, else what the reader sees, (n,
   * readings); null: nothing.
   */
  private async seen(y: Float32Array, n: number): Promise<Float32Array | null> {
    const { readings, read = 0, soft_shape, likelihood } = this.of;
    if (!readings.length) return null;
    const hard = harden(y, n, likelihood);
    const stated = this.view.states?.(hard, this.held);
    const by = read
      ? await this.nets.run("reader", { x: { data: hard, dims: [n, ...soft_shape] } })
      : new Float32Array();
    return Float32Array.from({ length: n * readings.length }, (_, at) => {
      const [row, i] = [Math.floor(at / readings.length), at % readings.length];
      const { name, mean, std } = readings[i] as (typeof readings)[number];
      return stated?.get(name)?.[row] ?? (i < read ? (by[row * read + i] as number) * std + mean : NaN);
    });
  }
  private async readings(x: Float32Array, asked: ReadonlySet<string>): Promise<Reading[]> {
    const seen = await this.seen(x, 2);
    const count = this.of.readings.length;
    if (!seen) return [];
    return this.of.readings.map(({ name }, i) => {
      const [before, after, sd] = [seen[i] as number, seen[count + i] as number, this.of.spread?.[name]];
      return {
        name,
        before,
        after,
        change: sd ? (after - before) / sd : null,
        asked: asked.has(name.split("=")[0] as string),
      };
    });
  }

  async strip({ kind, name, id }: Api["strip"]["query"], _: null, signal?: AbortSignal): Promise<Strip> {
    const start = id === undefined ? this.of.centre.data : this.latent(this.row(id));
    const { vector, weight } = await this.read(
      kind === "direction" || name.startsWith("dim(") ? name : `dim(${name})`,
    );
    if (Math.abs(weight) > 1e-6)
      refuse(`'${name}' is a place; wanted the name of a direction or the index of a dimension`);
    const z = Float32Array.from(
      { length: STRENGTHS.length * this.d },
      (_, i) =>
        (start[i % this.d] as number) +
        (STRENGTHS[Math.floor(i / this.d)] as number) * (vector[i % this.d] as number),
    );
    return {
      items: await this.items(z, signal),
      at: grid(Float32Array.from(STRENGTHS), STRENGTHS.length),
      name,
      kind,
    };
  }

  dimensions = (): Api["dimensions"]["answer"] => ({ dimensions: this.of.dimensions });

  // ways

  async path(_: unknown, asked: PathRequest, signal?: AbortSignal): Promise<Path> {
    const { along = "slerp", frames = 48, loop = false, only = [] } = asked;
    if (only.length || !this.of.space.alongs.includes(along))
      return refuse(`A shared page goes ${this.of.space.alongs.join(", ")}; other ways need the studio.`);
    if (asked.keys.length < 2)
      return refuse(`path: wanted 2 items or more to go through, got ${asked.keys.length}`);
    if (frames < asked.keys.length)
      return refuse(`path: ${frames} frames cannot show ${asked.keys.length} items`);
    const keys: Float32Array[] = [];
    for (const key of asked.keys) keys.push(await this.place(key));
    const stops = loop ? [...keys, keys[0] as Float32Array] : keys;
    const curve = await stretches(stops, along, this.mixer);
    const see = async (z: Float32Array): Promise<Float32Array> => this.chart(await this.raw(z, signal));
    const shown = await even(curve, loop ? frames : frames - 1, this.d, see);
    const parts: number[] = [];
    const at = [0];
    for (let i = 0; i < curve.length; i++) {
      const t = shown[i] as number[];
      parts.push(...(await (curve[i] as (typeof curve)[number])(t)));
      at.push((at.at(-1) as number) + t.length);
    }
    if (!loop) parts.push(...(keys.at(-1) as Float32Array));
    const z = Float32Array.from(parts);
    const n = z.length / this.d;
    const x = await this.raw(z, signal);
    const rows = this.chart(x);
    const rounding = ROUNDING * Math.sqrt(rows.reduce((sum, value) => sum + value * value, 0) / rows.length);
    const steps = stepsOf(rows, n, loop).map((step) => (step > rounding ? step : 0));
    const length = steps.reduce((a, b) => a + b, 0);
    const largest = Math.max(...steps);
    const support = this.support(z);
    const at_keys = at.slice(0, keys.length);
    return {
      z: grid(z, n, this.d),
      items: this.view.items(x, this.held),
      support: grid(support, n),
      xy: grid(this.frames(z), n, 2),
      steps: grid(Float32Array.from(steps), steps.length),
      at: at_keys,
      length,
      largest_step: largest,
      unevenness: length > 0 ? (largest * steps.length) / length : 1,
      least_support: this.trust ? Math.min(...support) : null,
      how: along === "mix" ? this.mixer.how : "",
      attributes: await this.straight(x, n, at_keys, loop),
      copy_as: this.walked(asked, keys, along, frames, loop),
    };
  }

  /** Places of frames; an item lies where it is. */
  private frames(z: Float32Array): Float32Array {
    const xy = this.places.of_(z);
    const { rows, far, k } = this.near(z, 1);
    for (let i = 0; k && i < far.length; i++)
      if ((far[i] as number) <= this.same)
        xy.set(this.of.xy.data.subarray(2 * (rows[i] as number), 2 * (rows[i] as number) + 2), 2 * i);
    return xy;
  }

  private async straight(
    x: Float32Array,
    n: number,
    at: readonly number[],
    loop: boolean,
  ): Promise<Straightness[]> {
    const seen = await this.seen(x, n);
    const count = this.of.readings.length;
    if (!seen) return [];
    return this.of.readings.flatMap(({ name }, i): Straightness[] => {
      const read = Array.from({ length: n }, (_, row) => seen[row * count + i] as number);
      const values = loop ? [...read, read[0] as number] : read;
      const keys = [...at, ...(loop ? [values.length - 1] : [])].map((frame) => values[frame] as number);
      const gaps = (list: number[]): number[] =>
        list.slice(1).map((value, j) => Math.abs(value - (list[j] as number)));
      const changes = gaps(keys);
      if (Math.max(...changes) < NOTICEABLE * (this.of.spread?.[name] ?? 1)) return [];
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

  private walked(
    asked: PathRequest,
    keys: readonly Float32Array[],
    along: string,
    frames: number,
    loop: boolean,
  ): Path["copy_as"] {
    const { copies } = this;
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

  async export(_: unknown, { path, format = "gif", fps = 24 }: Api["export"]["body"]): Promise<Blob> {
    const { items } = await this.path(_, path);
    const films = await this.films;
    if (!films.includes(format))
      return refuse(
        format === "mp4"
          ? "This browser cannot encode a film for MP4; it can be saved as GIF."
          : `A shared page saves paths as ${films.join(" or ")}.`,
      );
    const shown = frames(this.view, items, this.of.space.modality, format === "png" ? TILE : PREVIEW);
    if (format === "mp4") return mp4(shown, fps).catch((error: Error) => refuse(error.message));
    return format === "gif" ? gif(shown, fps) : sheet(shown);
  }

  // new ones

  async sample(
    _: unknown,
    { n = 24, source = "default", seed = 0, support, rows, cluster }: SampleRequest,
  ): Promise<Api["sample"]["answer"]> {
    if ((rows ?? null) !== null || (cluster ?? null) !== null)
      return refuse("To draw like some items needs the studio.");
    const from = source === "default" ? (this.of.space.sources[0] ?? "prior") : source;
    if (!this.of.space.sources.includes(from))
      return refuse(`A shared page draws from ${this.of.space.sources.join(", ")}, not from ${from}.`);
    const next = numbers(seed);
    const [kept, least] = [[] as number[], support ?? null];
    let drawn = 0;
    for (let round = 0; round < ROUNDS && kept.length < n * this.d; round++) {
      const z = await draw(this.of, this.mixer, from, n, next);
      const trusted = least === null || !this.trust ? null : this.support(z);
      for (let i = 0; i < n; i++)
        if (!trusted || (trusted[i] as number) >= (least as number))
          kept.push(...z.subarray(i * this.d, (i + 1) * this.d));
      drawn += n;
    }
    const found = kept.length / this.d;
    if (found < n)
      return refuse(
        `sample: only ${found} of ${drawn} draws pass, ${n} were wanted; ask for less support, or for fewer`,
      );
    const z = Float32Array.from(kept.slice(0, n * this.d));
    const words =
      least === null
        ? from
        : `${from} with support of ${least} or more (${Math.round((100 * found) / drawn)}% of the draws)`;
    const latents = Array.from({ length: n }, (_, i) => z.subarray(i * this.d, (i + 1) * this.d));
    const table = latents
      .map((row) => `[${Array.from(row, (x) => Number(x.toPrecision(6))).join(", ")}]`)
      .join(", ");
    return {
      ...(await this.look(_, z)),
      source: words,
      copy_as: { python: this.copies.python(`space.decode(torch.tensor([${table}]))`), command: null },
    };
  }
}

/** Names that are near to one that is unknown: those that share most pairs of letters. */
function alike(name: string, known: readonly string[]): string[] {
  const pairs = (text: string): Set<string> =>
    new Set(
      Array.from({ length: Math.max(text.length - 1, 1) }, (_, i) => text.toLowerCase().slice(i, i + 2)),
    );
  const own = pairs(name);
  const score = (other: string): number => {
    const theirs = pairs(other);
    return (2 * [...own].filter((pair) => theirs.has(pair)).length) / (own.size + theirs.size);
  };
  return known
    .map((other) => ({ other, near: score(other) }))
    .filter(({ near }) => near > 0.3)
    .sort((a, b) => b.near - a.near)
    .slice(0, 3)
    .map(({ other }) => other);
}
