/** What is written and read: the formula bar, the tour, the report, help. */
import assert from "node:assert/strict";
import { shoot } from "../stand.mjs";

export function steps(one) {
  const { page, panel } = one;
  const bar = () => page.getByLabel("Formula", { exact: true });

  async function formula() {
    await one.go();
    await page.locator(".surface").focus();
    await page.keyboard.press("/");
    await page.keyboard.type("@12 + @40 - mean(");
    const value = (await page.locator(".value .name").first().innerText()).slice(0, 3);
    await page.keyboard.type(value);
    await page.getByRole("option").first().waitFor();
    await shoot(page, "completion");
    await page.keyboard.press("Tab");
    assert.match(await bar().inputValue(), /^@12 \+ @40 - mean\(.+\)$/);
    await page.keyboard.press("Enter");
    await panel.locator("h1.said").waitFor();
    await panel.getByText("Nearest real", { exact: true }).waitFor();
    await one.seen(panel.locator("figure canvas").first());
    await page.locator(".selected circle").first().waitFor(); // and where it lies on the map
    assert.match(
      await one.copied("Copy as Python", page.locator(".formula")),
      /^import liminal.*space\.latent\(/s,
    );
    const said = await page.locator(".notice").first().boundingBox();
    for (const part of [".legend", ".tools"]) {
      const box = await page.locator(part).boundingBox();
      const apart =
        said.x + said.width <= box.x ||
        box.x + box.width <= said.x ||
        said.y + said.height <= box.y ||
        box.y + box.height <= said.y;
      assert.ok(apart, `a message covers ${part}`);
    }
    await shoot(page, "formula");
  }

  async function fault() {
    await one.go();
    await bar().fill("@12 + nonsence");
    await page.keyboard.press("Enter");
    await page.locator(".fault").waitFor();
    assert.equal(await page.locator(".marked i").innerText(), "nonsence");
    assert.equal(await bar().getAttribute("aria-invalid"), "true");
    await shoot(page, "fault");
    const said = page.locator(".fault");
    await page.locator(".surface").focus();
    await said.waitFor({ state: "detached" }); // who goes on elsewhere has the map for it
    await bar().focus();
    await said.waitFor();
    await page.keyboard.press("Escape");
    await said.waitFor({ state: "detached" });
    const value = await page.locator(".value .name").first().innerText();
    await bar().fill(`@12 + mean(label='${value.slice(0, -1)}x')`);
    await page.keyboard.press("Enter");
    await said.getByText(new RegExp(`has no value.*did you mean.*${value}`)).waitFor();
    await bar().fill("@12 + mix(@1, @2");
    await page.keyboard.press("Enter");
    await said.getByText(/a \) is missing at the end/).waitFor();
  }

  /** Enter takes the only way to go on where the text means nothing yet, and works it out where it does. */
  async function entered() {
    await one.go();
    const value = await page.locator(".value .name").last().innerText();
    await bar().fill("");
    await bar().pressSequentially(`mean(label=${value.slice(0, -2)}`);
    await page.waitForFunction(() => document.querySelectorAll("[role=option]").length === 1);
    await page.keyboard.press("Enter");
    await page.waitForFunction(
      (wanted) => document.getElementById("formula").value === wanted,
      `mean(label=${value})`,
    );
    assert.equal(await page.locator(".fault").count(), 0);
    await page.keyboard.press("Enter");
    await panel.locator("h1.said").waitFor();
  }

  /** The example in the bar works, and so does a part of a value's name by itself. */
  async function alone() {
    await one.go();
    const example = (await bar().getAttribute("placeholder")).replace(/^[^:]*: /, "").split(", or ")[0];
    const value = await page.locator(".value .name").last().innerText();
    for (const [typed, wanted] of [
      [example, example],
      [value.slice(1).toUpperCase(), new RegExp(`^mean\\(.*${value}`)],
    ]) {
      await one.go();
      await bar().fill(typed);
      await page.keyboard.press("Enter");
      await panel.locator("h1.said").waitFor();
      assert.equal(await page.locator(".fault").count(), 0);
      assert.match(
        await bar().inputValue(),
        typeof wanted === "string" ? new RegExp(`^${wanted.replace(/[()]/g, "\\$&")}$`) : wanted,
      );
    }
  }

  /** An item dropped on the bar, an item inserted by its button, and a change of what is selected. */
  async function inserted() {
    await one.go("view=item&subject=@3");
    const near = panel.locator(".thumbs .thumb").first();
    await near.waitFor();
    await near.dragTo(bar());
    await page.waitForFunction(() => /^@\d+$/.test(document.getElementById("formula").value));
    await one.button("To the formula").click();
    assert.match(await bar().inputValue(), /^@\d+ \+ @3$/);
    await one.go("view=item&subject=@3");
    await bar().fill("0.5*@3 - 0.5*@10");
    await page.keyboard.press("Enter");
    await panel.locator("h1.said").waitFor();
    assert.equal(await page.locator(".fault").count(), 0);
  }

  async function tour() {
    await one.go("view=tour");
    const titles = new Set();
    for (let step = 1; step <= 8; step++) {
      await panel.getByText(`Step ${step} of 8`).waitFor();
      titles.add(await panel.locator("h1").innerText());
      const act = panel.locator(".tour > .button");
      if (step < 8 && (await act.count())) {
        const before = await page.evaluate(() => document.querySelector(".panel").className);
        await act.click();
        const opens = ![1, 7].includes(step);
        if (opens)
          await page.waitForFunction((old) => document.querySelector(".panel").className !== old, before);
        if (opens)
          assert.match(
            await panel.locator(".touring").innerText(),
            new RegExp(`Tour, step ${step} of 8[^]+${[...titles].at(-1)}[^]+Next`),
          );
        if (step === 5) await panel.locator(".slider.moved").waitFor();
        if (opens) await panel.getByRole("button", { name: /^Tour, step/ }).click();
      }
      if (step === 2) await shoot(page, "tour");
      if (step < 8) await one.button("Next").click();
    }
    assert.equal(titles.size, 8);
    await one.go("view=tour&step=4");
    await panel.locator(".tour > .button").click();
    const banner = panel.getByRole("region", { name: "Tour" });
    await banner.getByRole("button", { name: "Next" }).click(); // its example comes along
    await panel.locator(".card").first().waitFor({ timeout: 90_000 });
    assert.match(await banner.innerText(), /Tour, step 6 of 8/);
    const zoom = await page.evaluate(() => window.liminal.camera.value.k);
    await banner.getByRole("button", { name: "Next" }).click();
    await panel.getByText("Step 7 of 8").waitFor();
    await panel.locator(".tour > .button").click();
    await page.waitForFunction((before) => window.liminal.camera.value.k > 2 * before, zoom);
    await page.evaluate(() => void (location.hash = "view=tour&step=7"));
    await panel.getByText("Step 8 of 8").waitFor();
    await one.button("Done").click();
    await panel.locator(".invite").first().waitFor();
  }

  async function report() {
    await one.go("view=report");
    const frame = panel.locator("iframe");
    // the first time: minutes, and nothing else has to wait for it
    const being = panel.getByText(/Measuring the space/);
    await frame.or(being).first().waitFor();
    if (await being.isVisible()) {
      await one.go("view=item&subject=@3");
      await page.waitForFunction(() => document.querySelectorAll(".panel figure img").length === 2);
      return;
    }
    assert.match(await page.frameLocator("iframe").locator("body").innerText(), /reconstruction/i);
    const [tab] = await Promise.all([
      page.waitForEvent("popup"),
      panel.getByRole("link", { name: "Open in a tab" }).click(),
    ]);
    assert.match(await tab.locator("h1").innerText(), /^What .+ is worth$/);
    await tab.close();
    assert.match(
      (await one.download(() => one.button("Save").click())).toString("utf8"),
      /^<!doctype html>/i,
    );
    const [box, inside] = [await panel.boundingBox(), await frame.boundingBox()];
    assert.ok(
      Math.abs(inside.y + inside.height - box.y - box.height) < 2 && inside.width >= box.width - 2,
      "the report stands in a box of its own",
    );
    await shoot(page, "report");
  }

  async function helping() {
    await one.go();
    await page.locator(".surface").focus();
    await page.keyboard.press("?");
    await page.getByRole("dialog").waitFor();
    assert.deepEqual(await one.faults(), []);
    await shoot(page, "help");
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
  }

  return [
    ["formula: completion, result on the map, copy", formula],
    ["an error stands where it is", fault],
    ["Enter takes the only completion of half a name", entered],
    ["the example works, and words alone open what they name", alone],
    ["items are put into the formula", inserted],
    ["the tour of eight steps", tour],
    ["help", helping],
    ["the report", report],
  ];
}
