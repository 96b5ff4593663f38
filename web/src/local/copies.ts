/**
 * How formulas may go on, and how a result is written in Python or on the command line: studio/spoken.py in
 * the browser.
 */
import type { Completion, Copy, Place } from "../wire.ts";
import type { Payload } from "./payload.ts";
import { leaves } from "./formula.ts";
import { parse } from "./parsing.ts";
import { bare, quoteName } from "./syntax.ts";

const MOST = 40;
const SIGNS: [string, string][] = [
  ["dim", "dim(0): one standard deviation along a latent dimension"],
  ["mean", "mean(label=Bag): the mean of the items that pass a filter"],
  ["mix", "mix(@1, @2): a mixture in equal parts"],
  ["random", "random(7): the draw of that seed"],
];

/** Of what is remembered here also the text by which formulas name it. */
export interface Told {
  text: string;
  score: number;
  score_name: string;
  works: boolean;
}

export function completions(of: Payload, directions: readonly Told[], prefix: string): Completion[] {
  const found: Completion[] = directions.map((one) => ({
    text: one.text,
    kind: "direction",
    about: `${one.score_name} ${one.score.toFixed(2)}${one.works ? "" : "; does not work"}`,
  }));
  for (const [name, about] of SIGNS) found.push({ text: `${name}(`, kind: "function", about });
  const means = new Set<string>();
  for (const one of of.space.attributes) {
    if (one.kind === "category")
      for (const value of one.values ?? []) means.add(`mean(${quoteName(one.name)}=${bare(value)})`);
    else if (one.kind === "bool") means.add(`mean(${quoteName(one.name)})`);
  }
  if (!of.shown) for (const where of Object.keys(of.means_of)) means.add(`mean(${where})`);
  for (const text of means)
    found.push({
      text,
      kind: "mean",
      about: `the mean of ${text.slice(5, -1).replace(/[=']+/g, " ").trim()}`,
    });
  const word = prefix.trim().toLowerCase();
  const rank = (text: string): number =>
    text.toLowerCase().startsWith(word) ? 0 : text.toLowerCase().includes(word) ? 1 : 2;
  const named = found
    .map((one, i) => ({ one, i, place: rank(one.text) }))
    .filter(({ place }) => place < 2)
    .sort((a, b) => a.place - b.place || a.i - b.i)
    .map(({ one }) => one);
  const files =
    word.length > 1
      ? of.sources.flatMap((source, row) =>
          source.toLowerCase().includes(word)
            ? [{ text: `@${of.id.data[row]}`, kind: "item" as const, about: source }]
            : [],
        )
      : [];
  return [...named, ...files].slice(0, MOST);
}

/** A text as Python writes it. */
export function repr(text: string): string {
  const mark = text.includes("'") && !text.includes('"') ? '"' : "'";
  return mark + text.replaceAll("\\", "\\\\").replaceAll(mark, `\\${mark}`).replaceAll("\n", "\\n") + mark;
}
const shell = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`;

/** Numbers as Python takes them. */
const tensor = (z: Float32Array): string =>
  `torch.tensor([${Array.from(z, (x) => Number(x.toPrecision(6))).join(", ")}])`;

/** A comment after a line of Python: on that line alone, whatever a name holds. */
const remark = (text: string): string => `  # ${text.trim().split(/\s+/).join(" ")}`;

/** A direction that only this page remembers, and how the library finds it again, where it can. */
export interface Remembered {
  vector: Float32Array;
  source?: "pca" | "factorised";
}

export class Copies {
  constructor(
    private readonly name: string,
    private readonly remembered: ReadonlyMap<string, Remembered>,
  ) {}

  python(...lines: string[]): string {
    const begin = lines.some((line) => line.includes("torch."))
      ? ["import liminal", "import torch"]
      : ["import liminal"];
    return [...begin, "", `space = liminal.open(${JSON.stringify(this.name)})`, ...lines].join("\n");
  }
  command(verb: string, ...words: string[]): string {
    return ["liminal", verb, this.name, ...words].map(shell).join(" ");
  }
  /** A place as the library reads it without this page; null where it cannot. */
  plain(place: Place): string | null {
    if (typeof place !== "string") return null;
    return leaves(parse(place)).some((leaf) => leaf.kind === "named" && this.remembered.has(leaf.name))
      ? null
      : place;
  }
  inPython(place: Place, z: Float32Array): string {
    const text = this.plain(place);
    return text !== null ? repr(text) : tensor(z);
  }
  /** An item moved by sliders: by names where they say it, else with the vector that only this page knows. */
  slid(
    item: string | Float32Array,
    change: Readonly<Record<string, number>>,
    terms: ReadonlyMap<string, string>,
    vector: Float32Array,
  ): Copy {
    const text = [...terms.values()].join(" ").replace(/^\+ /, "");
    const from = typeof item === "string" ? JSON.stringify(item) : tensor(item);
    const save = `).save("out.png")`;
    if (!text || this.plain(text) !== null) {
      const by = text || "0*dim(0)";
      return {
        python: this.python(`space.edit(${from}, ${JSON.stringify(by)}${save}`),
        command: typeof item === "string" ? this.command("edit", item, by, "-o", "out.png") : null,
      };
    }
    const numbers = (): Copy => ({
      python: this.python(`change = ${tensor(vector)}${remark(text)}`, `space.edit(${from}, change${save}`),
      command: null,
    });
    const own = Object.keys(change).filter((name) => this.plain(name) === null);
    const tree = parse(own[0] ?? "");
    const one =
      own.length === 1 && tree.kind === "named" && tree.value === null
        ? this.remembered.get(tree.name)
        : undefined;
    if (!one || tree.kind !== "named") return numbers();
    const rest = [...terms].flatMap(([name, term]) => (name === own[0] ? [] : [term]));
    if (rest.length && typeof item !== "string") return numbers();
    const start = rest.length ? JSON.stringify(`${item as string} ${rest.join(" ")}`) : from;
    const found = one.source
      ? `{d.name: d.vector for d in ` +
        `space.find_directions(${JSON.stringify(one.source)})}[${JSON.stringify(tree.name)}]`
      : tensor(one.vector);
    return {
      python: this.python(
        `direction = ${found}${remark(tree.name)}`,
        `space.edit(${start}, ${change[own[0] as string]} * direction${save}`,
      ),
      command: null,
    };
  }
  decoded(z: Float32Array): Copy {
    return { python: this.python(`space.decode(${this.inPython([], z)})`), command: null };
  }
  formula(text: string, z: Float32Array, edit: { of: string; by: string } | null): Copy {
    const shown = this.inPython(text, z);
    const line =
      edit && this.plain(text) !== null ? this.command("edit", edit.of, edit.by, "-o", "out.png") : null;
    return {
      python: this.python(`space.decode(${shown.startsWith("torch") ? shown : `space.latent(${shown})`})`),
      command: line,
    };
  }
}
