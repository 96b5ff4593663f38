/** Everyone: no serious fault that axe can find, dark and light, keys alone, fingers on a small screen. */
import assert from "node:assert/strict";
import { pixels, rest, shoot } from "../stand.mjs";

export const ADDRESSES = {
  Start: "",
  Item: "view=item&subject=@3",
  Path: "view=path&keys=@3;@10",
  Directions: "view=directions&subject=@3",
  Dimensions: "view=dimensions&subject=@3",
  Sample: "view=sample",
  Style: "view=style&content=@3&style=@10",
  List: "view=list&list=lonely",
  Compare: "view=item&subject=@3&other=@10",
  Report: "view=report",
  Tour: "view=tour",
};
/** Everything that a view asks for is there. */
const filled = (page) =>
  page.waitForFunction(
    () =>
      (!document.querySelector(".panel .spinner") || document.querySelector(".of-report")) &&
      document.querySelector(".panel .scroll > *"),
  );

export function steps(one) {
  const { page, panel } = one;

  async function accessible() {
    for (const [name, address] of Object.entries(ADDRESSES)) {
      await one.go(address);
      await filled(page);
      assert.deepEqual(await one.faults(), [], name);
    }
  }

  async function dark() {
    await one.go();
    const box = await one.map();
    const corner = { x: box.x + 4, y: box.y + 4, width: 20, height: 20 };
    const day = await pixels(page, corner);
    await page.locator(".surface").focus();
    await page.keyboard.press("t");
    await page.waitForFunction(() => document.documentElement.dataset.theme === "dark");
    await rest(page);
    const night = await pixels(page, corner);
    assert.ok(day.mean[0] > 200 && night.mean[0] < 60);
    for (const [name, address] of Object.entries(ADDRESSES)) {
      await one.go(address);
      await filled(page);
      assert.deepEqual(await one.faults(), [], name);
      await shoot(page, `dark-${name.toLowerCase()}`);
    }
    await page.getByRole("button", { name: "Light", exact: true }).click();
    await page.waitForFunction(() => document.documentElement.dataset.theme !== "dark");
  }

  /** Picks two items, walks between them, changes one and saves the walk, without a mouse. */
  async function keysAlone() {
    await one.go();
    await page.evaluate(() => document.activeElement?.blur());
    const focused = () =>
      page.evaluate(() => {
        const now = document.activeElement;
        const style = getComputedStyle(now);
        const ring =
          style.outlineStyle !== "none" ||
          style.boxShadow !== "none" ||
          now.closest(".formula:focus-within, .handle");
        return {
          name: now.getAttribute("aria-label") ?? now.innerText,
          ring: Boolean(ring),
          surface: now.matches(".surface"),
        };
      });
    const tabTo = async (wanted, most = 90) => {
      for (let i = 0; i < most; i++) {
        await page.keyboard.press("Tab");
        const { name, ring, surface } = await focused();
        assert.ok(ring || !name, `nothing shows that ${name} has the focus`);
        if (wanted === "the map" ? surface : name === wanted) return;
      }
      assert.fail(`${wanted} cannot be reached with Tab`);
    };
    await tabTo("the map");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("+");
    await page.keyboard.press("r");
    await panel.getByRole("heading", { level: 1, name: /^@\d+/ }).waitFor();
    await page.keyboard.press("g");
    await page.waitForFunction(() => document.querySelectorAll(".handle").length === 2);
    await page.keyboard.press("r");
    await page.keyboard.press("k");
    await page.waitForFunction(() => document.querySelectorAll(".handle").length === 3);
    await page.keyboard.press("Control+z");
    await page.waitForFunction(() => document.querySelectorAll(".handle").length === 2);
    await panel.locator(".player canvas").waitFor();
    await page.waitForFunction(
      () => ![...document.querySelectorAll(".take .button")].some((each) => each.disabled),
    );
    await tabTo("Save as GIF");
    const gif = await one.download(() => page.keyboard.press("Enter"));
    assert.equal(gif.subarray(0, 6).toString("latin1"), "GIF89a");
    await page.keyboard.press("4");
    await panel.locator(".slider .track").first().waitFor();
    await page.keyboard.press("2");
    await panel.getByRole("heading", { level: 1, name: /^@\d+/ }).waitFor();
  }

  return [
    ["no serious accessibility fault in any view", accessible],
    ["dark, with enough contrast in every view", dark],
    ["keys alone", keysAlone],
  ];
}

/** On a page of 360 px with fingers. */
export function narrow(one, url) {
  const { page, panel } = one;
  return async () => {
    await page.goto(url);
    await panel.locator(".invite").nth(2).waitFor();
    await rest(page);
    await one.shut();
    assert.equal(await page.locator(".legend.open").count(), 0, "the legend takes the map's room");
    assert.equal(await page.locator(".rail.more").count(), 1, "nothing says that the views go on");
    await shoot(page, "narrow-start");
    const [{ x, y }] = await one.rows(1, 60);
    await page.touchscreen.tap(x, y);
    await panel.getByRole("heading", { level: 1, name: /^@\d+/ }).waitFor();
    await panel.locator(".uses .main").nth(1).tap();
    await panel.locator(".player canvas").waitFor();
    const device = await page.context().newCDPSession(page);
    const touch = (type, ...points) =>
      device.send("Input.dispatchTouchEvent", {
        type,
        touchPoints: points.map(([px, py], id) => ({ x: px, y: py, id })),
      });
    const camera = () => page.evaluate(() => ({ ...window.liminal.camera.value }));
    const box = await one.map();
    const [cx, cy] = [box.x + box.width / 2, box.y + box.height / 2];
    const before = await camera();
    await touch("touchStart", [cx - 30, cy], [cx + 30, cy]);
    for (const apart of [40, 55, 70, 90]) await touch("touchMove", [cx - apart, cy], [cx + apart, cy]);
    await touch("touchEnd");
    const pinched = await camera();
    assert.ok(pinched.k > 2 * before.k, `pinching zooms from ${before.k} to ${pinched.k}`);
    await touch("touchStart", [cx, cy]);
    for (const far of [10, 30, 60]) await touch("touchMove", [cx + far, cy]);
    await touch("touchEnd");
    assert.ok((await camera()).x < pinched.x, "a finger drags the map");
    for (const [name, address] of Object.entries(ADDRESSES)) {
      await one.go(address);
      await filled(page);
      await one.shut();
      const tab = await page
        .getByRole("navigation", { name: "Views" })
        .locator("[aria-current]")
        .boundingBox();
      assert.ok(tab.x >= -1 && tab.x + tab.width <= 361, `the tab of ${name} is out of sight`);
      assert.deepEqual(await one.faults(), [], name);
      await shoot(page, `narrow-${name.toLowerCase()}`);
    }
  };
}
