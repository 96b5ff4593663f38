import { describe, expect, it } from "vitest";
import { condition, isCondition, ordered, someCondition, told } from "../src/listing.ts";
import { NEITHER, UNKNOWN } from "../src/wire.ts";

const label = {
  kind: "category" as const,
  values: ["bag 10", "Coat", "bag 9"],
  data: Uint16Array.of(1, 0, UNKNOWN, 2, 1),
};
const hat = { kind: "bool" as const, values: ["no", "yes"], data: Uint8Array.of(1, NEITHER, 0, 1, 0) };
const age = { kind: "number" as const, values: [], data: Float32Array.of(3, NaN, -1.5, 0.1, 20) };
const rows = [4, 3, 2, 1, 0];

describe("lists", () => {
  it("are in the order of a column, with what is unknown last either way", () => {
    expect(ordered(rows, age, false)).toEqual([2, 3, 0, 4, 1]);
    expect(ordered(rows, age, true)).toEqual([4, 0, 3, 2, 1]);
    expect(ordered(rows, label, false)).toEqual([3, 1, 4, 0, 2]);
    expect(ordered(rows, label, true)).toEqual([4, 0, 1, 3, 2]);
    expect(ordered(rows, hat, false)).toEqual([4, 2, 3, 0, 1]);
    expect(rows).toEqual([4, 3, 2, 1, 0]);
  });
  it("tell what is known, and nothing of what is not", () => {
    expect(rows.map((row) => told(age, row))).toEqual(["20", "0.1", "-1.5", "", "3"]);
    expect(rows.map((row) => told(label, row))).toEqual(["Coat", "bag 9", "", "bag 10", "Coat"]);
    expect(rows.map((row) => told(hat, row))).toEqual(["no", "yes", "no", "", "yes"]);
  });
});

describe("what stands in the bar", () => {
  it.each([
    "smile > 1 and hat",
    "label = 'Sandal'",
    "label=Ankle boot",
    "not hat",
    "where hat",
    "age >= -3",
    "label in ('a', 'b')",
    "label in('a', 'b') or (hat and age<2)",
    "label = 'mix(@1, @2) + 3'",
    "label = T-shirt",
    "age between 1 and 2",
    "label is null",
  ])("%s asks for items", (text) => expect(isCondition(text)).toBe(true));
  it.each([
    "@12 + label=Bag",
    "mean(label=Bag) + smile",
    "mean(label = 'Bag' and (hat or age > 3))",
    "+ label=Bag",
    "2*label=Bag",
    "smile - label=Bag",
    "-label=Bag",
    "hat",
    "row(age=40, sex=f)",
    "`A and B`",
    "mix(@1, @2)",
    "",
  ])("%s leads to a place", (text) => expect(isCondition(text)).toBe(false));
  it("has its first word taken off", () => expect(condition(" WHERE hat ")).toBe("hat"));
});

it("an example is of what is known", () => {
  const bare = { values: null, low: null, high: null };
  const one = { ...bare, name: "made in", kind: "category" as const, values: ["Côte d'Or", "Loire"] };
  const two = { ...bare, name: "age", kind: "number" as const, low: 20, high: 61 };
  expect(someCondition([two, one])).toBe("`made in` = 'Côte d''Or'");
  expect(someCondition([two])).toBe("age > 41");
  expect(someCondition([{ ...one, values: ["Loire"] }])).toBeNull();
  expect(someCondition([{ ...bare, name: "hat", kind: "bool" }])).toBe("hat = true");
  expect(someCondition([])).toBeNull();
  expect([one, two].map((known) => isCondition(someCondition([known]) ?? ""))).toEqual([true, true]);
});
