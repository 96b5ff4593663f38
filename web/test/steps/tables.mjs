/** Rows: which of their cells do not go with the others. */
import assert from "node:assert/strict";
import { shoot } from "../stand.mjs";
import { dropped } from "./dropped.mjs";

/** `small`: on a phone; `source` of a row that is odd in one column, and a file of another one that is. */
export function steps(one, small, { source, odd, file }) {
  const { page, panel } = one;
  const section = () => panel.locator(".section", { hasText: "Unusual given the rest" });

  async function unusual() {
    const id = await page.evaluate(async (wanted) => {
      const { id } = await window.liminal.ask("map", {}, null);
      const { sources } = await window.liminal.ask("sources", {}, { rows: [...id.data.keys()] });
      return id.data[sources.findIndex((each) => each.endsWith(wanted))];
    }, source);
    await one.go(`view=item&subject=@${id}`);
    await section().locator("dt").first().waitFor();
    assert.equal(await section().locator("dt").first().innerText(), odd);
    assert.match(await section().locator("dd").first().innerText(), /^a\s+like ones have c; \d %/);
    await shoot(page, "rows-unusual");
    assert.deepEqual(await one.faults(), []);
  }

  async function read() {
    await dropped(page, "mine.csv", file);
    await panel.getByRole("heading", { name: "mine.csv" }).waitFor();
    assert.equal(await section().locator("dt").first().innerText(), odd);
  }

  async function phone() {
    await small.go(`view=directions&subject=@3&change=${JSON.stringify({ length: 1 })}`);
    const after = small.panel.locator(".result canvas").first();
    await small.seen(after);
    const { width, height } = await after.boundingBox();
    // the view writes values from 250 pixels on; bars alone are as high as they are wide
    assert.ok(width > 300 && height < 100, `before and after are ${width} x ${height}`);
    await small.shut();
    await shoot(small.page, "rows-phone");
    assert.deepEqual(await small.faults(), []);
  }

  return [
    ["what is unusual in a row", unusual],
    ["a row from a file, and what is unusual in it", read],
    ["a row before and after, on a phone", phone],
  ];
}
