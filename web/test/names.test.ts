import { expect, it } from "vitest";
import type { Column } from "../src/colours.ts";
import { human, placed, plain, sentence, spoken, task, title, topic } from "../src/names.ts";

it("writes names as people read them", () => {
  expect(human("hair_colour=blond")).toBe("hair colour: blond");
  expect(plain("hair_colour=dark_blond")).toBe("dark blond");
  expect(topic("hair_colour=blond")).toBe("hair_colour");
  expect(title("/data/spaces/my-faces/")).toBe("My faces");
  expect([spoken("hair_colour=dark_blond"), spoken("label=Ankle boot"), spoken("eye_size")]).toEqual([
    "dark blond hair colour",
    "Ankle boot",
    "eye size",
  ]);
  expect(sentence("they differ most in hair_colour=blond")).toBe("They differ most in hair colour: blond");
  expect([task("map by umap"), task("some_work")]).toEqual([
    "Laying out a better map; the first time takes a minute or two",
    "some work",
  ]);
});

it("names a group where most of it lies together, and one that is nowhere the majority not at all", () => {
  const xy: number[] = [];
  const codes: number[] = [];
  const add = (code: number, x: number, y: number, count: number) => {
    for (let i = 0; i < count; i++) {
      xy.push(x + 0.01 * (i % 7), y + 0.01 * (i % 5));
      codes.push(code);
    }
  };
  add(0, 0, 0, 300); // most of the first group
  add(0, 10, 10, 100); // and the rest of it, far off: the middle of both is empty
  add(1, 10, 0, 200);
  add(2, 0, 0, 40); // scattered among the others
  add(2, 10, 0, 40);
  const column: Column = {
    name: "label",
    kind: "category",
    values: ["a", "b", "c"],
    data: Uint16Array.from(codes),
    low: 0,
    high: 1,
  };
  const found = placed(column, Float32Array.from(xy), new Uint8Array(codes.length).fill(1));
  expect(found.map((one) => one.name)).toEqual(["a", "b"]);
  expect(Math.hypot(found[0]!.x, found[0]!.y)).toBeLessThan(0.1);
  expect(Math.hypot(found[1]!.x - 10, found[1]!.y)).toBeLessThan(0.1);
});
