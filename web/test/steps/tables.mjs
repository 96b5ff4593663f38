/** Rows: which of their cells do not go with the others. */
import assert from "node:assert/strict";
import { shoot } from "../stand.mjs";
import { dropped } from "./dropped.mjs";

/** `source` of a row that is odd in one column, and a file of another one that is. */
export function steps(one, { source, odd, file }) {
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

  return [
    ["what is unusual in a row", unusual],
    ["a row from a file, and what is unusual in it", read],
  ];
}
