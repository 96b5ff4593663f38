/** Directions in a page, and what moving along them changes. */
import type { Api, Direction, Directions, Reading, Slid, SlideRequest, Strip } from "../wire.ts";
import { between } from "./between.ts";
import { grid, refuse, type Core } from "./core.ts";
import { leaves, show } from "./formula.ts";
import { steps } from "./paths.ts";
import { NAMED, type Speech } from "./speech.ts";
import { quoteName } from "./syntax.ts";

const STRENGTHS = [-3, -2, -1, 0, 1, 2, 3];

export const moves = (core: Core, speech: Speech) => ({
  directions({ source = "attributes" }: Api["directions"]["query"]): Directions {
    const found = core.of.directions[source];
    if (!found)
      return refuse(
        "These directions need Liminal itself: a shared page holds only those that were found before.",
      );
    const again = source === "pca" || source === "factorised" ? { source } : {};
    found.forEach(
      (about, i) =>
        !NAMED.includes(source) &&
        speech.remembered.set(about.name, { vector: speech.vectorOf(source, i), about, ...again }),
    );
    return {
      directions: found,
      vectors: core.of[`directions ${source}`] ?? grid(new Float32Array(), 0, core.d),
    };
  },

  between(_: unknown, { a, b, name }: Api["between"]["body"]): Directions {
    if (!core.of.shown)
      return refuse("There are no single items in this page that a group could be made of.");
    const found = between(core.z, core.d, core.of.shown, a, b);
    const plain = (name ?? "A to B").replaceAll("`", "'").trim() || "A to B";
    let unused = plain;
    for (let count = 2; speech.remembered.has(unused); count++) unused = `${plain} ${count}`;
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
    speech.remembered.set(unused, { vector: found.vector, about });
    return { directions: [about], vectors: grid(found.vector, 1, core.d) };
  },

  async slide(_: unknown, { z, id, change, lock = [], keep_detail }: SlideRequest): Promise<Slid> {
    if (lock.length || keep_detail)
      return refuse(
        "To hold attributes, or to keep fine detail, needs the studio; a shared page moves along " +
          "directions only.",
      );
    const start = z ? await speech.place(z) : core.latent(core.row(id ?? -1));
    const total = new Float32Array(core.d);
    const terms = new Map<string, string>();
    const asked = new Set<string>();
    for (const [name, strength] of Object.entries(change)) {
      const { tree, vector, weight } = await speech.read(name);
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
    const both = new Float32Array(2 * core.d);
    both.set(start);
    both.set(after, core.d);
    const [found, x] = await Promise.all([core.look(after), core.raw(both)]);
    const length = Math.sqrt(total.reduce((sum, value) => sum + value * value, 0));
    const attributes = await readings(core, x, asked);
    const leaks = attributes
      .filter((one) => !one.asked && one.change !== null)
      .map((one) => Math.abs(one.change as number));
    return {
      ...found,
      attributes,
      leakage: leaks.length ? leaks.reduce((p, q) => p + q, 0) / leaks.length : null,
      length,
      change: steps(core.chart(x), 2)[0] ?? 0,
      kept: 1,
      copy_as: speech.copies.slid(id === undefined || id === null ? start : `@${id}`, change, terms, total),
    };
  },

  async strip({ kind, name, id }: Api["strip"]["query"], _: null, signal?: AbortSignal): Promise<Strip> {
    const start = id === undefined ? core.of.centre.data : core.latent(core.row(id));
    const { vector, weight } = await speech.read(
      kind === "direction" || name.startsWith("dim(") ? name : `dim(${name})`,
    );
    if (Math.abs(weight) > 1e-6)
      refuse(`'${name}' is a place; wanted the name of a direction or the index of a dimension`);
    const z = Float32Array.from(
      { length: STRENGTHS.length * core.d },
      (_, i) =>
        (start[i % core.d] as number) +
        (STRENGTHS[Math.floor(i / core.d)] as number) * (vector[i % core.d] as number),
    );
    return {
      items: await core.items(z, signal),
      at: grid(Float32Array.from(STRENGTHS), STRENGTHS.length),
      name,
      kind,
    };
  },
});

async function readings(core: Core, x: Float32Array, asked: ReadonlySet<string>): Promise<Reading[]> {
  const seen = await core.seen(x, 2);
  const count = core.of.readings.length;
  if (!seen) return [];
  return core.of.readings.map(({ name }, i) => {
    const [before, after, sd] = [seen[i] as number, seen[count + i] as number, core.of.spread?.[name]];
    return {
      name,
      before,
      after,
      change: sd ? (after - before) / sd : null,
      asked: asked.has(name.split("=")[0] as string),
    };
  });
}
