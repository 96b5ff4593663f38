import { describe, expect, it } from "vitest";
import { EMPTY, fromHash, hidden, recolour, toHash, type Doc } from "../src/document.ts";
import * as history from "../src/history.ts";

const FULL: Doc = {
  ...EMPTY,
  view: "path",
  colour: "label",
  off: ["T-shirt/top", "a;b|c,d"],
  range: [-0.5, 2],
  others: { hat: { off: ["no"], range: null }, age: { off: [], range: [20, 30] } },
  microscope: false,
  subject: { kind: "place", z: [0.25, -1.5, 3], said: "@12 + heel" },
  keys: [
    { kind: "item", id: 4 },
    { kind: "place", z: [1, 2, 3], said: "A place on the map" },
  ],
  along: "geodesic",
  loop: true,
  change: { "sleeve & collar": -0.75, smile: 1 },
  locked: ["smile"],
  detail: true,
  a: [1, 5, 9],
  b: [2],
  other: { kind: "item", id: 7 },
  list: "where",
  where: "smile > 1 and hat",
  sort: "-age",
  formula: "mean(label=Sandal) + 0.8*heel - @42",
  blend: 0.5,
};

describe("the address", () => {
  it("brings everything back", () => {
    const back = fromHash(`#${toHash(FULL, { x: 1.5, y: -2, k: 40 })}`);
    expect(back.doc).toEqual(FULL);
    expect(back.camera).toEqual({ x: 1.5, y: -2, k: 40 });
  });
  it("is empty at the start and says nothing that is as usual", () => {
    expect(toHash(EMPTY, null)).toBe("");
    expect(toHash({ ...EMPTY, colour: "label" }, null, { ...EMPTY, colour: "label" })).toBe("");
  });
  it("takes nonsense as nothing", () => {
    const { doc, camera } = fromHash(
      "#view=nowhere&list=all&subject=@x&keys=@1;|a,b&change=[1]&off={&others={%22a%22:1}" +
        "&at=1,2,-3&blend=much&a=1,x,2.5&range=1",
    );
    expect(doc).toEqual({ ...EMPTY, keys: [{ kind: "item", id: 1 }], a: [1] });
    expect(camera).toBeNull();
  });
  it("leaves out a selection that is too long for an address", () => {
    expect(toHash({ ...EMPTY, a: Array.from({ length: 401 }, (_, i) => i) }, null)).toBe("");
  });
});

it("keeps what is hidden of a column while another colours the map", () => {
  const doc = { ...EMPTY, colour: "label", off: ["Bag"] };
  const next = { ...doc, ...recolour(doc, "size") };
  expect(next).toEqual({ ...EMPTY, colour: "size", others: { label: { off: ["Bag"], range: null } } });
  expect(hidden(next)).toEqual([["label", { off: ["Bag"], range: null }]]);
  const both: Doc = { ...next, range: [0, 1] };
  expect(hidden(both).map(([name]) => name)).toEqual(["size", "label"]);
  expect({ ...both, ...recolour(both, "label") }).toEqual({
    ...doc,
    others: { size: { off: [], range: [0, 1] } },
  });
});

describe("undo", () => {
  it("goes back and forth, and a new change ends what was undone", () => {
    let all = history.none<number>();
    all = history.note(all, 0, null, 0);
    all = history.note(all, 1, null, 10);
    const back = history.back(all, 2);
    expect(back?.state).toBe(1);
    expect(history.forth(back!.history, 1)?.state).toBe(2);
    const other = history.note(back!.history, 1, null, 20);
    expect(history.forth(other, 5)).toBeNull();
    expect(history.back(history.none<number>(), 1)).toBeNull();
  });
  it("takes changes of one kind that follow fast as one", () => {
    let all = history.none<number>();
    all = history.note(all, 0, "slide", 1000);
    all = history.note(all, 1, "slide", 1500);
    all = history.note(all, 2, "slide", 2000);
    expect(all.past).toEqual([0]);
    all = history.note(all, 3, "slide", 4000);
    all = history.note(all, 4, "other", 4001);
    expect(all.past).toEqual([0, 3, 4]);
  });
});
