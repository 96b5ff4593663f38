/** Shapes: turned by mouse, keys and fingers, also while they change; and read from files of meshes. */
import assert from "node:assert/strict";
import { difference } from "../hand.mjs";
import { shoot } from "../stand.mjs";
import { dropped } from "./dropped.mjs";

/** A table of one board and four legs, as an .obj that no space has seen. */
export function table() {
  const boxes = [[0, 0.6, 0, 1, 0.7, 0.7]];
  for (const x of [0, 0.88]) for (const z of [0, 0.58]) boxes.push([x, 0, z, x + 0.12, 0.62, z + 0.12]);
  const lines = boxes.flatMap(([x, y, z, a, b, c]) =>
    [0, 1, 2, 3, 4, 5, 6, 7].map((i) => `v ${i & 1 ? a : x} ${i & 2 ? b : y} ${i & 4 ? c : z}`),
  );
  const sides = ["1 3 4 2", "5 6 8 7", "1 2 6 5", "3 7 8 4", "1 5 7 3", "2 4 8 6"];
  const faces = boxes.flatMap((_, k) =>
    sides.map(
      (side) =>
        `f ${side
          .split(" ")
          .map((i) => Number(i) + 8 * k)
          .join(" ")}`,
    ),
  );
  return [...lines, ...faces, ""].join("\n");
}

export function steps(one) {
  const { page, panel } = one;

  async function turned() {
    await one.go("view=item&subject=@3");
    const both = panel.locator("figure canvas");
    await page.waitForFunction(() => document.querySelectorAll(".panel figure canvas").length === 2);
    const before = [await one.seen(both.nth(0), 32), await one.seen(both.nth(1), 32)];
    const box = await both.nth(0).boundingBox();
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width / 2 + 90, box.y + box.height / 2, { steps: 4 });
    await page.mouse.up();
    await one.changed(both.nth(0), before[0], 2);
    await one.changed(both.nth(1), before[1], 2); // what is compared is seen from one side
    const dragged = await one.seen(both.nth(0), 32);
    await both.nth(1).focus();
    for (const key of ["ArrowLeft", "ArrowLeft", "ArrowUp"]) await page.keyboard.press(key);
    await one.changed(both.nth(0), dragged, 2);
    await page.keyboard.press("Home");
    await one.until(
      async () => difference(await one.seen(both.nth(0), 32), before[0]) < 0.01,
      "Home does not lead back to the front",
    );
    assert.match(await both.nth(0).getAttribute("aria-label"), /arrow keys turn it/);
    await shoot(page, "shapes-item");
  }

  /** The slider of a morph; from where it is seen stays as it is while the shape changes. */
  async function morphed() {
    await one.go("view=path&keys=@3;@700&along=linear");
    const large = panel.locator(".player canvas");
    await page.waitForFunction(() => document.querySelectorAll(".route .film canvas").length >= 16);
    const slider = panel.getByLabel("Frame", { exact: true });
    await slider.fill("0");
    const first = await one.seen(large, 32);
    await slider.fill("47");
    await one.changed(large, first, 4);
    const last = await one.seen(large, 32);
    await large.focus();
    for (let i = 0; i < 9; i++) await page.keyboard.press("ArrowRight");
    await one.changed(large, last, 4);
    const aside = await one.seen(large, 32);
    await slider.fill("20");
    await one.changed(large, aside, 2);
    await slider.fill("47");
    await one.until(
      async () => difference(await one.seen(large, 32), aside) < 0.01,
      "the side that it is seen from is lost on the way",
    );
    const cells = panel.locator(".route .film").first().locator("canvas");
    assert.ok(difference(await one.seen(cells.first(), 24), await one.seen(cells.last(), 24)) > 4);
    await shoot(page, "shapes-path");
    await large.focus();
    await page.keyboard.press("Home");
  }

  /** A mesh of one's own: what lies where and how far it is believed. */
  async function read() {
    await one.go("view=start");
    await dropped(page, "mine.obj", table());
    await panel.getByRole("heading", { name: "mine.obj" }).waitFor();
    const both = panel.locator("figure canvas");
    await page.waitForFunction(() => document.querySelectorAll(".panel figure canvas").length === 2);
    const [own, made] = [await one.seen(both.nth(0), 24), await one.seen(both.nth(1), 24)];
    assert.ok(difference(own, made) < 25, "a table is restored as something else");
    await shoot(page, "shapes-dropped");
    await dropped(page, "broken.glb", "glTF and nothing");
    await page
      .getByRole("alert")
      .getByText(/damaged/)
      .waitFor();
  }

  return [
    ["shapes are turned by mouse and keys", turned],
    ["shapes morph by a slider, seen from one side", morphed],
    ["a mesh that is dropped", read],
  ];
}

/** The same by a finger, which moves the panel up and down but turns what it goes across. */
export function touched(one) {
  const { page, panel } = one;
  return async () => {
    await one.go("view=item&subject=@3");
    const canvas = panel.locator("figure canvas").first();
    const before = await one.seen(canvas, 32);
    const { x, y, width, height } = await canvas.boundingBox();
    const finger = await page.context().newCDPSession(page);
    const touch = (type, by) =>
      finger.send("Input.dispatchTouchEvent", {
        type,
        touchPoints: by === null ? [] : [{ x: x + width / 4 + by, y: y + height / 2 }],
      });
    await touch("touchStart", 0);
    for (const by of [10, 20, 30, 40]) await touch("touchMove", by);
    await touch("touchEnd", null);
    await one.changed(canvas, before, 2);
    await one.shut();
  };
}
