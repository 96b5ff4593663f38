import { expect, it } from "vitest";
import { append, complete, repair, wordAt } from "../src/formula.ts";

it("knows which name is being written", () => {
  expect(wordAt("@12 + smi", 9)).toEqual({ text: "smi", mean: false, start: 6, end: 9 });
  expect(wordAt("@12 + smile", 8)).toEqual({ text: "sm", mean: false, start: 6, end: 11 });
  expect(wordAt("@12 + ", 6).text).toBe("");
  expect(wordAt("0.8*heel", 6)).toEqual({ text: "he", mean: false, start: 4, end: 8 });
});

it("replaces all of an open mean, and nothing of a closed one", () => {
  expect(wordAt("@1 - mean(label=San", 19)).toEqual({ text: "San", mean: true, start: 5, end: 19 });
  expect(wordAt("mean(label=Sandal) + he", 23).text).toBe("he");
  expect(wordAt("demean(x", 8).mean).toBe(false);
});

it("puts a completion in the place of the word", () => {
  const text = "@1 + smi - @2";
  expect(complete(text, wordAt(text, 8), "smile")).toEqual({ text: "@1 + smile - @2", caret: 10 });
  const open = "mean(label=San)";
  expect(complete(open, wordAt(open, 14), "mean(label=Sandal)")).toEqual({
    text: "mean(label=Sandal)",
    caret: 18,
  });
  expect(complete("mi", wordAt("mi", 2), "mix(")).toEqual({ text: "mix(", caret: 4 });
});

it("puts a name right where it stands", () => {
  expect(repair("@12 + 2*label=Bga", 8, "label=Bag")).toBe("@12 + 2*label=Bag");
  expect(repair("@12 + smlie - @3", 6, "smile")).toBe("@12 + smile - @3");
  expect(repair("mean(label=Sneeker) - @3", 11, "Sneaker")).toBe("mean(label=Sneaker) - @3");
});

it("adds a term with the operator that is missing", () => {
  expect(append("", "@3")).toBe("@3");
  expect(append("@1", "@3")).toBe("@1 + @3");
  expect(append("@1 - ", "@3")).toBe("@1 - @3");
});
