/** What names mean in a page: directions, means and items of formulas; and how a formula is worked out. */
import type { Api, Direction, Formula, Found, Place } from "../wire.ts";
import { refuse, type Core } from "./core.ts";
import { Copies, completions, type Remembered } from "./copies.ts";
import { evaluate, leaves, point, show, type Names } from "./formula.ts";
import { parse } from "./parsing.ts";
import { Misread, type Node, type Test } from "./syntax.ts";

const YES = ["yes", "true", "on", "1"];

/** Where directions come from that formulas know by their names. */
export const NAMED: readonly Found[] = ["attributes", "readings"];

export class Speech {
  readonly remembered = new Map<string, Remembered & { about: Direction }>();
  readonly copies: Copies;

  constructor(private readonly core: Core) {
    this.copies = new Copies(core.of.space.name, this.remembered);
  }

  known(): { name: string; text: string; vector: Float32Array; about: Direction }[] {
    const own = [...this.remembered.values()].map(({ vector, about }) => ({
      name: about.name,
      text: about.text,
      vector,
      about,
    }));
    return [
      ...own,
      ...NAMED.flatMap((source) =>
        (this.core.of.directions[source] ?? []).map((about, i) => ({
          name: about.name,
          text: about.text,
          vector: this.vectorOf(source, i),
          about,
        })),
      ),
    ];
  }

  vectorOf(source: string, i: number): Float32Array {
    return (
      this.core.of[`directions ${source}`]?.data.slice(i * this.core.d, (i + 1) * this.core.d) ??
      new Float32Array(this.core.d)
    );
  }

  names(): Names {
    const { of, d } = this.core;
    return {
      item: (id) => this.core.latent(this.core.row(id)),
      mean: (where, test) => this.mean(where, test),
      mix: (points) => this.core.mixer.blend(points),
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
      typed: (kind, text, at) => this.typed(kind, text, at),
      direction: (name, value, at) => this.direction(name, value, at),
    };
  }

  /** The latent of an item that is typed. */
  private async typed(kind: string, text: string, at: number): Promise<Float32Array> {
    const { view, held, nets } = this.core;
    if (held.modality.name !== kind || !view.typed || !view.open || !nets.has("encoder"))
      throw new Misread(`there is no function '${kind}' in this page`, at);
    const { item } = await view.open(new Blob([text]), held).catch((error: Error) => refuse(error.message));
    return nets.run("encoder", { x: { data: view.tensor(item, held), dims: [1, ...held.shape] } });
  }

  private mean(where: string, test: Test): Float32Array {
    const { of, d } = this.core;
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
      if (test((column) => this.core.value(column, row)) !== true) continue;
      count++;
      for (let c = 0; c < d; c++) sum[c]! += this.core.z[row * d + c] as number;
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
      const known = this.core.of.space.attributes.find(
        (one) => one.name === column && one.kind === "category",
      )?.values ?? [value];
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

  async read(text: string): Promise<{ tree: Node; vector: Float32Array; weight: number }> {
    const tree = parse(text);
    return { tree, ...(await evaluate(tree, this.names())) };
  }

  async place(place: Place): Promise<Float32Array> {
    if (typeof place === "string") return point(parse(place), this.names());
    if (place.length !== this.core.d || !place.every(Number.isFinite))
      return refuse(`wanted ${this.core.d} finite numbers for a latent, got ${place.length}`);
    return Float32Array.from(place);
  }
}

export const formulas = (core: Core, speech: Speech) => ({
  async formula(_: unknown, { text, start }: Api["formula"]["body"]): Promise<Formula> {
    const { tree, vector, weight } = await speech.read(text);
    const moved = Boolean(start) && Math.abs(weight) < 1e-6;
    const z = moved
      ? vector.map((x, i) => x + (start?.[i] ?? 0))
      : Math.abs(weight - 1) < 1e-6
        ? vector
        : await point(tree, speech.names());
    const all = leaves(tree);
    const first = tree.kind === "sum" ? tree.terms[0] : undefined;
    let edit: { of: string; by: string } | null = null;
    if (tree.kind === "sum" && first && (first.kind === "item" || first.kind === "mean")) {
      const rest: Node =
        tree.terms.length > 2 ? { kind: "sum", terms: tree.terms.slice(1) } : (tree.terms[1] as Node);
      if (Math.abs((await evaluate(rest, speech.names())).weight) < 1e-6)
        edit = { of: show(first), by: show(rest) };
    }
    return {
      ...(await core.look(z)),
      text: show(tree),
      names: [...new Set(all.flatMap((leaf) => (leaf.kind === "named" ? [leaf.name] : [])))],
      ids: all.flatMap((leaf) => (leaf.kind === "item" ? [leaf.id] : [])),
      copy_as: moved ? speech.copies.decoded(z) : speech.copies.formula(text, z, edit),
    };
  },

  names: ({ prefix = "" }: { prefix?: string }): Api["names"]["answer"] => ({
    completions: completions(
      core.of,
      speech.known().map(({ about }) => about),
      prefix,
    ),
  }),
});

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
