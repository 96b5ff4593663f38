/**
 * Directions and dimensions: sliders of every source, groups drawn on the map, what they change and what they
 * drag along.
 */
import assert from "node:assert/strict";
import { PATIENCE, shoot } from "../stand.mjs";

export function steps(one) {
  const { page, panel } = one;
  const after = () => panel.locator(".result figure").nth(1).locator("canvas");
  const press = async (key, times) => {
    for (let i = 0; i < times; i++) await page.keyboard.press(key);
  };

  async function sliders() {
    await one.go("view=directions&subject=@3");
    const slider = panel.locator(".slider .track").first();
    await slider.waitFor({ timeout: 3 * PATIENCE });
    const before = await one.seen(after());
    await slider.focus();
    const still = (await slider.boundingBox()).y;
    await press("ArrowRight", 30);
    await page.waitForFunction(() =>
      /Also changed|can be read|Readings this far out/.test(
        document.querySelector(".verdict")?.textContent ?? "",
      ),
    );
    await one.changed(after(), before, 0.3);
    assert.equal((await slider.boundingBox()).y, still, "the slider moves away under the pointer");
    const saved = await one.download(() =>
      panel.locator(".result").getByText("Save", { exact: true }).click(),
    );
    assert.equal(saved.subarray(1, 4).toString("latin1"), "PNG");
    const range = await slider.evaluate((each) =>
      ["--from", "--to"].map((name) => parseFloat(getComputedStyle(each).getPropertyValue(name))),
    );
    assert.ok(range[0] > 0 && range[0] < range[1] && range[1] < 100, `useful range ${range}`);
    await panel.locator(".slider .name").first().click();
    await one.seen(panel.locator(".about .film canvas").first());
    assert.match(await panel.locator(".about").innerText(), /old.* on items it has not seen: .*chance/s);
    await shoot(page, "directions");
    assert.match(
      await one.copied("Copy as Python"),
      /^import liminal\n.*\nspace\.edit\("@3", "[\d.]+\*.+"\)\.save\("out\.png"\)$/s,
    );
    assert.match(await one.copied("Copy as command"), /^liminal edit .*@3/);
    await page.locator(".surface").focus();
    await page.keyboard.press("Control+z");
    await page.waitForFunction(() => document.querySelector(".slider .track").value === "0");
    await page.keyboard.press("Control+Shift+z");
    await page.waitForFunction(() => document.querySelector(".slider .track").value !== "0");
    await one.button("Reset").click();
    await page.waitForFunction(() => document.querySelector(".slider .track").value === "0");
  }

  async function locked() {
    await one.go("view=directions&subject=@3");
    const lock = panel.getByRole("button", { name: /^Hold .* while others move/ });
    await panel.locator(".slider .track").first().waitFor();
    const closed = panel.locator("details.topic:not([open]) summary");
    if ((await lock.count()) && !(await lock.first().isVisible()) && (await closed.count()))
      await closed.first().click();
    assert.ok(await lock.count(), "no slider can be held");
    await lock.first().click();
    await page.waitForFunction(() => /locked=/.test(location.hash));
    assert.equal(await lock.first().getAttribute("aria-pressed"), "true");
    const other = panel.locator(".slider .track").nth(1);
    await other.focus();
    await press("ArrowRight", 10);
    await page.waitForFunction(() =>
      /Also changed|can be read|Readings this far out/.test(
        document.querySelector(".verdict")?.textContent ?? "",
      ),
    );
    assert.equal(await page.locator(".notice.bad").count(), 0);
  }

  async function discovered() {
    for (const name of ["Main", "Strongest", "Weights"]) {
      await one.go("view=directions&subject=@3");
      await panel.getByRole("radio", { name, exact: true }).click();
      await page.waitForFunction(
        () =>
          !document.querySelector(".panel .section .state .spinner") &&
          document.querySelector(".slider .track"),
        null,
        { timeout: 3 * PATIENCE },
      );
      const before = await one.seen(after());
      await panel.locator(".slider .track").first().focus();
      await press("ArrowRight", 40);
      await one.changed(after(), before, 0.3);
    }
  }

  async function lasso() {
    await one.go("view=directions&subject=@3");
    const groups = await one.rows(2, 170);
    for (const [i, letter] of ["A", "B"].entries()) {
      if (!(await page.locator(`.tool-${letter.toLowerCase()}`).count()))
        await one.button(`Draw ${letter}`).click();
      const { x, y } = groups[i];
      await page.mouse.move(x - 70, y - 70);
      await page.mouse.down();
      for (const [dx, dy] of [
        [70, -70],
        [70, 70],
        [-70, 70],
        [-70, -60],
      ])
        await page.mouse.move(x + dx, y + dy, { steps: 3 });
      await page.locator(".lasso").waitFor();
      await page.mouse.up();
      await one.seen(panel.locator(`.group-card.${letter.toLowerCase()} .few canvas`).first());
    }
    const made = panel.locator(".own-rack .slider");
    await made.waitFor({ timeout: 3 * PATIENCE });
    await page.waitForFunction(() => {
      const [slider, head] = [".own-rack .slider", ".result"].map((name) =>
        document.querySelector(name).getBoundingClientRect(),
      );
      return slider.top >= head.bottom && slider.bottom <= innerHeight;
    });
    assert.match(await made.locator(".name").innerText(), / to /);
    assert.match(
      await made.innerText(),
      /not seen.*which is which (\d+ times in 100|nearly every time)|does not tell the groups apart/s,
    );
    const group = panel.locator(".group-card.a");
    const rows = (await one.download(() => group.getByText("Save as CSV").click()))
      .toString()
      .trim()
      .split("\n");
    const many = Number((await group.locator(".head span").innerText()).replace(/\D/g, ""));
    assert.equal(rows.length, 1 + many, "a line for each item of the group");
    assert.match(rows[0], /^id,/);
    await group.getByText("Copy ids").click();
    const ids = await page.evaluate(() => navigator.clipboard.readText());
    assert.equal(
      ids,
      `ids = [${rows
        .slice(1)
        .map((row) => row.split(",")[0])
        .join(", ")}]`,
    );
    await group.getByRole("button", { name: "List group A" }).click();
    assert.equal(await panel.locator(".list tbody tr").count(), Math.min(many, 300));
    await one.view("Directions");
    await made.waitFor();
    const before = await one.seen(after());
    await made.locator(".track").focus();
    await press("ArrowRight", 30);
    await one.changed(after(), before, 0.3);
    await made.locator(".name").click();
    await one.seen(made.locator(".film canvas").first());
    const told = await made.locator(".about").innerText();
    assert.match(told, /(Holds|Does not hold) on items it has not seen: \S+.* [\d.]+, chance [\d.]+/);
    assert.match(
      await one.copied("Copy as Python"),
      /\ndirection = torch\.tensor.*# .+ to .+\nspace\.edit\("@3", [\d.]+ \* direction\)\.save/,
    );
    await panel.getByText("No command for this one: the groups were drawn by hand.").waitFor();
    await shoot(page, "lasso");
    await panel.getByRole("button", { name: "Swap A and B" }).click();
    await page.waitForFunction(() => document.querySelectorAll(".own-rack .slider").length === 2);
    await one.view("Path");
    await one.view("Directions");
    await made.nth(1).waitFor();
    assert.equal(await made.count(), 2, "the same groups have another slider after a look elsewhere");
    await panel
      .getByRole("button", { name: /^Remove/ })
      .first()
      .click();
  }

  async function dimensions() {
    await one.go("view=dimensions&subject=@3");
    const card = panel.locator(".card").first();
    await card.waitFor({ timeout: 3 * PATIENCE });
    await one.seen(card.locator(".film canvas").first());
    assert.ok((await card.locator("summary").innerText()).length > 10);
    const before = await one.seen(after());
    await card.locator(".track").fill("2");
    await page.waitForFunction(() => document.querySelector(".card output").textContent !== "");
    await one.changed(after(), before, 0.3);
    const slid = await one.seen(after());
    await card.locator(".film .cell").first().click();
    await one.changed(after(), slid, 0.3);
    await shoot(page, "dimensions");
    assert.match(await one.copied("Copy as command"), /dim\(\d+\)/);
    const more = panel.getByRole("button", { name: /^Show all \d+/ });
    if (await more.count()) await more.click();
    assert.ok((await panel.locator(".card").count()) > 1);
  }

  return [
    ["sliders of directions: useful range, strip, accuracy, reset, undo", sliders],
    ["one slider is held while another moves", locked],
    ["directions without names", discovered],
    ["two lassos make a slider", lasso],
    ["dimensions: cards and raw sliders", dimensions],
  ];
}
