/**
 * A hand on one page of the studio: goes to addresses, finds items on the map, reads canvases, clicks what
 * people would click.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { PATIENCE, rest } from "./stand.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
let count = 0;

export function hand(page) {
  const panel = page.locator(".panel");
  const me = {
    page,
    panel,
    /** The state that an address names, without loading the page anew. */
    async go(address = "") {
      await rest(page); // the page listens for addresses from when it has its map
      await page.keyboard.press("Escape");
      // n: or the same address would be no change
      await page.evaluate((hash) => void (location.hash = hash), `${address}&n=${++count}`);
      await rest(page);
    },
    view: (name) =>
      page.getByRole("navigation", { name: "Views" }).getByRole("button", { name, exact: true }).click(),
    button: (name) => panel.getByRole("button", { name, exact: true }),
    map: async () => (await page.locator(".surface").boundingBox()) ?? assert.fail("no map"),
    /** The first rows whose places can be clicked: nothing lies over them, and they are well apart. */
    async rows(n, gap = 110) {
      const found = await page.evaluate(
        ([count, least]) => {
          const { renderer, camera } = window.liminal;
          const box = document.querySelector(".surface").getBoundingClientRect();
          const [at, kept] = [camera.value, []];
          for (let row = 0; row < 3000 && kept.length < count; row++) {
            const [mx, my] = renderer.rowAt(row);
            const [x, y] = [
              box.left + (mx - at.x) * at.k + box.width / 2,
              box.top + (at.y - my) * at.k + box.height / 2,
            ];
            const inside = x > box.left + 80 && x < box.right - 80 && y > box.top + 80 && y < box.bottom - 80;
            const free =
              inside &&
              document.elementFromPoint(x, y)?.closest(".surface") &&
              kept.every((other) => Math.hypot(other.x - x, other.y - y) > least);
            if (free) kept.push({ row, x, y });
          }
          return kept;
        },
        [n, gap],
      );
      assert.equal(found.length, n, `${n} items that can be clicked`);
      return found;
    },
    /** Where an item lies on the screen, by its row. */
    onScreen: (row) =>
      page.evaluate((at) => {
        const { renderer, camera } = window.liminal;
        const [mx, my] = renderer.rowAt(at);
        const box = document.querySelector(".surface").getBoundingClientRect();
        return [
          box.left + (mx - camera.value.x) * camera.value.k + box.width / 2,
          box.top + (camera.value.y - my) * camera.value.k + box.height / 2,
        ];
      }, row),
    /** The brightness of a canvas, n x n, once something is drawn on it. */
    async seen(canvas, n = 12) {
      await canvas.waitFor();
      const found = await canvas.evaluateHandle(
        (one, [side, patience]) =>
          new Promise((done, fail) => {
            const end = Date.now() + patience;
            const look = () => {
              const pen = new OffscreenCanvas(side, side).getContext("2d");
              pen.drawImage(one, 0, 0, side, side);
              const data = pen.getImageData(0, 0, side, side).data;
              const grey = Array.from(
                { length: side * side },
                (_, i) => (data[4 * i] + data[4 * i + 1] + data[4 * i + 2]) / 3,
              );
              if (Math.max(...grey) - Math.min(...grey) > 15) done(grey);
              else if (Date.now() < end) setTimeout(look, 50);
              else fail(new Error(`nothing is drawn, as far as ${side} x ${side} numbers tell`));
            };
            look();
          }),
        [n, PATIENCE],
      );
      return found.jsonValue();
    },
    /** Waits until a canvas shows something else than it did. */
    async changed(canvas, before, least = 1) {
      for (let last = 0, tries = 0; tries < 600; tries++) {
        last = difference(before, await me.seen(canvas, Math.sqrt(before.length)));
        if (last >= least) return last;
        await new Promise((next) => setTimeout(next, 100));
      }
      return assert.fail("the picture stays what it was");
    },
    /** Tries again until it holds. */
    async until(holds, words) {
      for (const end = Date.now() + PATIENCE; Date.now() < end; ) {
        if (await holds()) return;
        await new Promise((next) => setTimeout(next, 150));
      }
      assert.fail(words);
    },
    async download(click) {
      const [download] = await Promise.all([page.waitForEvent("download"), click()]);
      return readFileSync(await download.path());
    },
    async copied(name, within = panel) {
      await page.evaluate(() => navigator.clipboard.writeText(""));
      await within.getByRole("button", { name, exact: true }).click();
      return (await page.waitForFunction(() => navigator.clipboard.readText())).jsonValue();
    },
    text: (pattern) =>
      page.waitForFunction(
        ([source, flags]) => new RegExp(source, flags).test(document.querySelector(".panel").innerText),
        [pattern.source, pattern.flags],
      ),
    /** Faults that hinder people, by axe. */
    async faults() {
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() =>
        window.axe.run(document, { resultTypes: ["violations"] }),
      );
      return violations
        .filter(({ impact }) => ["serious", "critical"].includes(impact))
        .map(({ id, nodes }) => `${id}: ${nodes[0].html}`);
    },
    shut: async () =>
      assert.equal(
        await page.evaluate(() => document.documentElement.scrollWidth),
        page.viewportSize().width,
        "the page is wider than the screen",
      ),
  };
  return me;
}

export const difference = (a, b) => a.reduce((sum, value, i) => sum + Math.abs(value - b[i]), 0) / a.length;
