/** What is made anew: samples of every source, and one item in the style of another. */
import assert from "node:assert/strict";
import { PATIENCE, shoot } from "../stand.mjs";
import { difference } from "../hand.mjs";

export function steps(one) {
  const { page, panel } = one;
  const sheet = () => page.waitForFunction(() => document.querySelectorAll(".sheet canvas").length === 24 && !document.querySelector(".sheet.busy"), null, { timeout: 2 * PATIENCE });
  const first = () => one.seen(panel.locator(".sheet canvas").first());

  async function sources() {
    await one.go("view=sample");
    await sheet();
    const by = panel.getByLabel("Drawn by");
    const names = await by.locator("option").evaluateAll((all) => all.map((each) => each.value));
    assert.ok(["prior", "mixture", "flow"].filter((name) => names.includes(name)).length > 1, `sources: ${names}`);
    for (const name of names.slice(1)) {
      const before = await first();
      await by.selectOption(name);
      await one.changed(panel.locator(".sheet canvas").first(), before);
      await sheet();
    }
    const before = await first();
    await one.button("Make others").click();
    await one.changed(panel.locator(".sheet canvas").first(), before);
    assert.equal(await page.locator(".mark.new").count(), 24);
    assert.match(await one.copied("Copy as command"), /^liminal sample /);
    await shoot(page, "sample");
  }

  async function alike() {
    await one.go("view=sample");
    await sheet();
    const before = await first();
    await one.button("Draw A").click();
    const [{ x, y }] = await one.rows(1);
    await page.mouse.move(x - 80, y - 80);
    await page.mouse.down();
    for (const [dx, dy] of [[80, -80], [80, 80], [-80, 80], [-80, -70]]) await page.mouse.move(x + dx, y + dy, { steps: 3 });
    await page.mouse.up();
    await page.waitForFunction(() => document.querySelector('[aria-label="Like which items"]').value === "a");
    await one.changed(panel.locator(".sheet canvas").first(), before);
    await sheet();
    const like = panel.getByLabel("Like which items");
    await like.selectOption("clusters");
    await page.waitForFunction(() => document.querySelector('[aria-label="Like which items"]').value === "cluster 0", null, { timeout: 4 * PATIENCE });
    await one.until(async () => /--cluster 0/.test(await one.copied("Copy as command")), "the samples are not of the cluster");
    await sheet();
  }

  async function keeping() {
    await one.go("view=sample");
    await sheet();
    for (const i of [1, 2, 3]) await panel.getByRole("button", { name: `Keep sample ${i}`, exact: true }).click();
    await panel.getByRole("button", { name: "Keep sample 3", exact: true }).click(); // and throws it again
    await panel.getByRole("heading", { name: "2 kept" }).waitFor();
    const table = (await one.download(() => one.button("Table (CSV)").click())).toString("utf8").trim().split("\n");
    assert.match(table[0], /^name,support,nearest,z0,/);
    assert.equal(table.length, 3);
    assert.ok(table.slice(1).every((line) => line.split(",").length === table[0].split(",").length));
    const png = await one.download(() => one.button("Save pictures").click());
    assert.equal(png.subarray(1, 4).toString("latin1"), "PNG");
    await one.button("Walk through them").click();
    await page.waitForFunction(() => document.querySelectorAll(".handle").length === 2);
    await one.view("Sample");
    await one.button("Throw all").click();
    await panel.getByRole("heading", { name: /kept/ }).waitFor({ state: "detached" });
  }

  async function styles() {
    await one.go("view=style");
    const [a, b] = await one.rows(2);
    await page.mouse.click(a.x, a.y);
    await one.seen(panel.locator(".well").first().locator("canvas"));
    await page.mouse.click(b.x, b.y);
    const result = panel.locator(".player canvas");
    const whole = await one.seen(result);
    const blend = panel.getByLabel("How far to go");
    await blend.fill("0");
    await one.changed(result, whole, 0.5);
    const none = await one.seen(result);
    await blend.fill("0.5");
    await one.changed(result, none, 0.2);
    assert.ok(difference(none, whole) > 0.5);
    await page.locator(".mark.result").waitFor();
    await panel.getByText(/^(Yes|No): a reader/).waitFor();
    assert.match(await one.copied("Copy as command"), /^liminal transfer .*--blend 0.5/);
    await shoot(page, "style");
    await panel.getByRole("button", { name: "Another for what it is" }).click();
    await one.button("Swap").click();
    await one.button("Make it a morph").click();
    await page.waitForFunction(() => document.querySelectorAll(".handle").length === 2);
  }

  return [
    ["samples of every source", sources],
    ["samples like a group and like a cluster", alike],
    ["samples kept, thrown and taken away", keeping],
    ["one item in the style of another", styles],
  ];
}
