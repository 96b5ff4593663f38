/** Sentences: tokens as Python takes texts apart, words by their vectors, and what differs. */
import { describe, expect, it } from "vitest";
import { harden, target } from "../src/local/chart.ts";
import { show } from "../src/local/formula.ts";
import { parse } from "../src/local/parsing.ts";
import { ids, pieces, said, tidy } from "../src/local/words.ts";
import { differing, text, textOf } from "../src/modalities/text.ts";
import { one, sizes, type Held } from "../src/modalities/view.ts";
import type { Modality } from "../src/wire.ts";

// learned by modalities/tokens.py from "low lower lowest new newer newest wide wider widest"
const BYTES = Array.from(
  { length: 256 },
  (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`,
);
const MERGES = (
  "w e| |l| |n| |w|d e|i de|s t| l|o| n|e| w|ide|we r|we st| lo|w| lo|wer| lo|west| ne|w| ne|wer| ne|west|" +
  " wide|r| wide|st"
).split("|");
const pairs = (): [string, string][] => {
  const found: [string, string][] = [];
  const rest = [...MERGES];
  while (rest.length) {
    const first = rest.shift() as string;
    found.push(
      /^\S+ \S+$/.test(first) ? (first.split(" ") as [string, string]) : [first, rest.shift() as string],
    );
  }
  return found;
};
const SUBWORDS = {
  tokens: [
    ...BYTES,
    ...[" ", "d", "e", "i", "l", "n", "o", "r", "s", "t", "w", "we", " l", " n", " w", "de", "ide", "st"],
    ...[" lo", " ne", " wide", "wer", "west", " low", " lower", " lowest", " new", " newer", " newest"],
    ...[" wider", " widest"],
  ],
  merges: pairs(),
};
const WORDS = { tokens: [" ▢", " the", " food", ".", " wasn't"], merges: null };

const about = (config: object): Modality => ({
  name: "text",
  noun: "sentence",
  plural: "sentences",
  reads: [],
  writes: [],
  films: [],
  drawn: [],
  parts: {},
  measure: null,
  config: config as Record<string, unknown>,
});
const apart = { counts: [5, 1, 1, 1, 1, 1], vectors: "" };
const held: Held = {
  modality: about({ ...WORDS, length: 4, width: 16, column: null }),
  shape: [5],
  soft_shape: [6, 5],
  item_shape: [16],
  likelihood: { name: "words", config: { ...apart, length: 5 } },
};
const item = (words: string, width = 16) => {
  const data = new Uint8Array(width);
  data.set(new TextEncoder().encode(words));
  return { data, shape: [1, width] };
};

describe("what is typed", () => {
  it("is a formula that names it, with its quotes", () => {
    const typed = text.typed?.('it\'s the "best" soup') ?? "";
    const node = parse(typed);
    expect(node).toMatchObject({ kind: "typed", of: "text", text: 'it\'s the "best" soup' });
    expect(parse(show(node))).toMatchObject({ text: 'it\'s the "best" soup' });
    expect(() => parse("text(soup)")).toThrow(/no function 'text'/);
  });
});

describe("texts", () => {
  it("are taken apart as in Python", () => {
    expect(pieces(" don't 'tis well-known… 5/5, 日本語 ok")).toEqual([
      " don't",
      " 'tis",
      " well",
      "-",
      "known",
      "…",
      " 5",
      "/",
      "5",
      ",",
      " 日本語",
      " ok",
    ]);
    expect(tidy("  a\t\u00a0b\n e\u0301 ")).toBe("a b é");
    expect([ids("the food wasn't.", WORDS), ids("The ▢ food", WORDS)]).toEqual([
      [2, 3, 5, 4],
      [1, 1, 3],
    ]);
    expect(SUBWORDS.merges.length).toBe(20);
    for (const [words, wanted] of [
      ["lower newest low", [281, 285, 280]],
      ["wild é 😋", [271, 260, 261, 258, 257, 196, 170, 257, 241, 160, 153, 140]],
      ["slow", [257, 265, 261, 263, 267]],
    ] as const) {
      expect(ids(words, SUBWORDS)).toEqual(wanted);
      expect(said(wanted, SUBWORDS)).toBe(words);
    }
    expect(said([241, 160, 0, 5], SUBWORDS)).toBe("\ufffd"); // a letter that is not whole
  });

  it("come back from what a perfect decoder gives, and end where it says so", () => {
    const items = item("the food.");
    const x = text.tensor(items, held);
    expect(Array.from(x)).toEqual([2, 3, 4, 0, 0]);
    const y = target(x, 1, held.likelihood);
    expect(text.items(y, held)).toEqual(items);
    const soft = y.map((value) => 0.6 * value + 0.05);
    expect(Array.from(harden(soft, 1, held.likelihood))).toEqual(Array.from(y));
    const after = target(Float32Array.from([2, 0, 3, 4, 0]), 1, held.likelihood);
    expect(textOf(text.items(after, held), 0)).toBe("the");
    expect(Array.from(text.tensor(item("the the the the the", 40), held))).toEqual([2, 2, 2, 2, 0]);
  });

  it("take the words whose vectors are nearest", () => {
    // bytes of -127, 0 and 127: (1, 0), (-1, 0), (0, 1)
    const vectors = btoa(String.fromCharCode(127, 0, 129, 0, 0, 127));
    const of = { name: "words", config: { counts: [1, 1, 1, 1], vectors, length: 2 } };
    const y = Float32Array.from([-0.4, 0.3, 0.3, 0.2, 0.2, 0.5]); // places (-0.4, 0.3, 0.2), (0.3, 0.2, 0.5)
    expect(Array.from(harden(y, 1, of))).toEqual([-1, 0, 0, 0, 0, 1]);
  });

  it("are cut between letters where an item has no more room", () => {
    const tight: Held = {
      ...held,
      modality: about({ tokens: [" ▢", " é"], merges: null, length: 4, width: 4 }),
      soft_shape: [3, 5],
      item_shape: [4],
      likelihood: { name: "words", config: { counts: [1, 1, 1], vectors: "", length: 5 } },
    };
    const y = target(Float32Array.from([2, 2, 0, 0, 0]), 1, tight.likelihood);
    expect(textOf(text.items(y, tight), 0)).toBe("é ");
  });
});

describe("sentences", () => {
  it("say what differs: a longest common subsequence of words", () => {
    expect(differing("the food was great!", "the food was not good!")).toEqual([
      { text: "the food was", what: "same" },
      { text: " not good", what: "gone" },
      { text: " great", what: "new" },
      { text: "!", what: "same" },
    ]);
    expect(differing("same", "same")).toEqual([{ text: "same", what: "same" }]);
    expect(differing("", "gone now")).toEqual([{ text: "gone now", what: "gone" }]);
    expect(differing("new", "")).toEqual([{ text: "new", what: "new" }]);
    expect(differing("料理は最高", "料理は最低").map(({ text }) => text)).toEqual(["料理は最", "低", "高"]);
  });

  it("of runs give both sentences again", () => {
    const words = ["the", "food", "was", "not", "good", "🙂", "日本"];
    let seed = 1;
    const next = (): number => (seed = (seed * 16807) % 2147483647);
    for (let i = 0; i < 200; i++) {
      const [a, b] = [0, 1].map(() =>
        Array.from({ length: 1 + (next() % 8) }, () => words[next() % words.length]).join(" "),
      ) as [string, string];
      const runs = differing(a, b);
      const of = (not: string) =>
        runs
          .filter(({ what }) => what !== not)
          .map(({ text }) => text)
          .join("")
          .trim();
      expect([of("gone"), of("new")]).toEqual([a, b]);
    }
  });

  it("have captions of 90 letters at most, and are written one a line", async () => {
    const long = "word ".repeat(30).trim();
    const told = text.caption(item(long, 200), 0, held.modality);
    expect([told.length, told.endsWith("…")]).toEqual([90, true]);
    expect(text.caption(item("the food."), 0, held.modality)).toBe("the food.");
    const { files, names } = await text.files([item("the food."), item("é 🙂")], held.modality);
    expect(new TextDecoder().decode(files.get("sentences.txt"))).toBe("the food.\né 🙂\n");
    expect(names).toEqual(["sentences.txt#0", "sentences.txt#1"]);
    const both = { data: Uint8Array.from([...item('a "b"').data, ...item("c").data]), shape: [2, 16] };
    expect(await text.films?.["txt"]?.(both, held.modality).text()).toBe('a "b"\nc\n');
    expect(await text.films?.["csv"]?.(both, held.modality).text()).toBe(
      '"frame","text"\n0,"a ""b"""\n1,"c"\n',
    );
    expect(textOf(one(both, 1), 0)).toBe("c");
    expect(sizes(both)).toEqual({ n: 2, size: 16 });
  });

  it("are opened from a file of one line, or the first of it", async () => {
    const found = await text.open?.(new Blob(["\ufeff\n the  food.\nmore\n"]), held);
    expect(found && textOf(found.item, 0)).toBe("the food.");
    expect(found?.remarks).toEqual(["the first of several sentences in the file"]);
    expect((await text.open?.(new Blob(["the food."]), held))?.remarks).toEqual([]);
    await expect(text.open?.(new Blob([" \n"]), held)).rejects.toThrow(/no text/);
    await expect(text.open?.(new Blob(["the ".repeat(5)]), held)).rejects.toThrow(
      "The sentence has 5 tokens; wanted 4 at most.",
    );
  });
});
