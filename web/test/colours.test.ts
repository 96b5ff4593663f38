import { expect, it } from "vitest";
import {
  categoryColour,
  categoryColours,
  HIDDEN,
  LAST,
  MISSING,
  paint,
  passes,
  rampColour,
  type Column,
} from "../src/colours.ts";

const kinds: Column = {
  name: "label",
  kind: "category",
  values: ["Bag", "Coat"],
  data: Uint16Array.of(0, 1, 65535, 1),
  low: 0,
  high: 1,
};
const hats: Column = {
  name: "hat",
  kind: "bool",
  values: ["no", "yes"],
  data: Uint8Array.of(0, 1, 255),
  low: 0,
  high: 1,
};
const sizes: Column = {
  name: "size",
  kind: "number",
  values: [],
  data: Float32Array.of(2, 4, NaN, 3),
  low: 2,
  high: 4,
};

it("draws values that are named after colours in them, where all but one are", () => {
  const hair = categoryColours({ kind: "category", values: ["Black", "blond", "bald", "white"] });
  expect(hair[0]!.every((v) => v < 110)).toBe(true);
  expect(hair[3]!.every((v) => v > 190)).toBe(true);
  expect(hair[2]).toEqual(categoryColour(2));
  expect(categoryColours({ kind: "category", values: ["red", "round", "square"] })[0]).toEqual(
    categoryColour(0),
  );
});

it("gives each value its colour and what is unknown another", () => {
  const { codes, palette } = paint(kinds, 4);
  expect([...codes]).toEqual([0, 1, MISSING, 1]);
  expect([...palette.slice(0, 3)]).not.toEqual([...palette.slice(4, 7)]);
  expect([...paint(hats, 3).codes]).toEqual([0, 1, MISSING]);
  expect([...paint(null, 2).codes]).toEqual([0, 0]);
  expect([...codes]).not.toContain(HIDDEN);
});

it("runs over the ramp from the least number to the most", () => {
  const { codes, palette } = paint(sizes, 4);
  expect([...codes]).toEqual([0, LAST, MISSING, Math.round(LAST / 2)]);
  expect([...palette.slice(0, 3)]).toEqual([...rampColour(0)]);
  expect([...palette.slice(LAST * 4, LAST * 4 + 3)]).toEqual([...rampColour(1)]);
});

it("shows what the legend lets through", () => {
  expect([...passes(kinds, { off: ["Coat"], range: null }, 4)]).toEqual([1, 0, 1, 0]);
  expect([...passes(kinds, { off: ["unknown"], range: null }, 4)]).toEqual([1, 1, 0, 1]);
  expect([...passes(sizes, { off: [], range: [2.5, 3.5] }, 4)]).toEqual([0, 0, 1, 1]);
  expect([...passes(null, { off: ["Coat"], range: null }, 2)]).toEqual([1, 1]);
});
