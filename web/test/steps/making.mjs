/** What is made anew: samples of every source, and one item in the style of another. */
import assert from "node:assert/strict";
import { PATIENCE, shoot } from "../stand.mjs";
import { difference } from "../hand.mjs";

export function steps(one) {
  const { page, panel } = one;
  const sheet = () =>
    page.waitForFunction(
      () =>
        document.querySelectorAll(".sheet canvas").length === 24 && !document.querySelector(".sheet.busy"),
      null,
      { timeout: 2 * PATIENCE },
    );
  const first = () => one.seen(panel.locator(".sheet canvas").first());

  async function sources() {
    await one.go("view=sample");
    await sheet();
    const by = panel.getByLabel("Drawn by");
    const names = await by.locator("option").evaluateAll((all) => all.map((each) => each.value));
    assert.ok(
      ["prior", "mixture", "flow"].filter((name) => names.includes(name)).length > 1,
      `sources: ${names}`,
    );
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
    assert.match(await one.copied("Copy as command"), /^liminal sample .*--seed \d+/);
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
    for (const [dx, dy] of [
      [80, -80],
      [80, 80],
      [-80, 80],
      [-80, -70],
    ])
      await page.mouse.move(x + dx, y + dy, { steps: 3 });
    await page.mouse.up();
    await page.waitForFunction(() => document.querySelector('[aria-label="Like which items"]').value === "a");
    await one.changed(panel.locator(".sheet canvas").first(), before);
    await sheet();
    const like = panel.getByLabel("Like which items");
    await like.selectOption("clusters");
    await page.waitForFunction(
      () => document.querySelector('[aria-label="Like which items"]').value === "cluster 0",
      null,
      { timeout: 4 * PATIENCE },
    );
    await one.until(
      async () => /--cluster 0/.test(await one.copied("Copy as command")),
      "the samples are not of the cluster",
    );
    await sheet();
  }

  async function keeping() {
    await one.go("view=sample");
    await sheet();
    const picture = (i) => panel.getByRole("button", { name: new RegExp(`^Keep sample ${i},`) });
    const saving = one.button("Save");
    assert.ok(await saving.isDisabled());
    assert.match(await saving.getAttribute("title"), /Nothing is kept yet/);
    const [bar, box] = [await saving.boundingBox(), await panel.boundingBox()];
    assert.ok(bar.y + bar.height <= box.y + box.height, "saving lies below the fold");
    for (const i of [1, 2, 3]) await picture(i).click();
    await picture(3).press("Enter"); // and throws it again
    assert.deepEqual(await Promise.all([2, 3].map((i) => picture(i).getAttribute("aria-pressed"))), [
      "true",
      "false",
    ]);
    await panel.getByRole("heading", { name: "2 kept" }).waitFor();
    const files = unzipped(await one.download(() => saving.click()));
    assert.deepEqual(
      [...files.keys()].map((name) => name.split("/")[1]),
      ["sample-1.png", "sample-2.png", "samples.csv", "sheet.png"],
    );
    const [first, , csv, large] = [...files.values()];
    const table = csv.toString("utf8").trim().split("\n");
    assert.match(table[0], /^file,support,nearest,z0,/);
    assert.equal(table.length, 3);
    assert.ok(
      table
        .slice(1)
        .every(
          (line, i) =>
            line.split(",").length === table[0].split(",").length &&
            new RegExp(`^sample-${i + 1}\\.png,[\\d.]+,@\\d+,`).test(line),
        ),
    );
    const shape = await panel
      .locator(".sheet canvas")
      .first()
      .evaluate(({ width, height }) => [width, height]);
    assert.deepEqual(wide(first), shape); // as the model makes it
    assert.ok(wide(large)[0] >= 2 * 128 && wide(large)[1] >= 128, `the sheet has ${wide(large)}`);
    await one.button("Walk through them").click();
    await page.waitForFunction(() => document.querySelectorAll(".handle").length === 2);
    await one.view("Sample");
    await one.button("Keep all").click();
    await panel.getByRole("heading", { name: "24 kept" }).waitFor();
    await one.button("Throw these").click();
    await panel.getByRole("heading", { name: /kept/ }).waitFor({ state: "detached" });
    await panel.getByLabel("at once").fill("7");
    await panel.getByLabel("at once").press("Enter");
    await page.waitForFunction(
      () => document.querySelectorAll(".sheet canvas").length === 7 && !document.querySelector(".sheet.busy"),
    );
    assert.match(await one.copied("Copy as Python"), /space\.sample\(7, .*seed=\d+/);
    await one.button("Look at sample 2").click();
    await panel.getByRole("heading", { name: /^Sample \d+\.2$/ }).waitFor();
    await one.view("Sample");
    await panel.getByLabel("at once").fill("240");
    await panel.getByLabel("at once").press("Enter");
    assert.equal(await panel.getByLabel("at once").inputValue(), "100");
    await panel.getByLabel("at once").fill("24");
    await panel.getByLabel("at once").press("Enter");
    await sheet();
  }

  async function completing() {
    const answers = () =>
      page.waitForFunction(
        () =>
          document.querySelectorAll(".sheet.answers canvas").length === 6 &&
          !document.querySelector(".sheet.busy"),
        null,
        { timeout: 2 * PATIENCE },
      );
    await one.go("view=item&subject=@12");
    await one.button("Keep a part of it").click();
    await answers();
    const shown = panel.locator(".sheet.answers canvas").first();
    const halves = async () => {
      const grey = await one.seen(shown);
      return [0, 1].map((side) => grey.filter((_, i) => Math.floor((i % 12) / 6) === side));
    };
    const given = await one.seen(panel.locator(".well.given canvas"));
    const kept = given.filter((_, i) => i % 12 < 6);
    assert.ok(difference((await halves())[0], kept) < 3, "the left half is not as it was");
    assert.equal(await page.locator(".mark.new").count(), 6);
    assert.match(await one.copied("Copy as command"), /^liminal complete .* @12 --keep left -n 6/);
    const before = await one.seen(shown);
    await panel.getByRole("button", { name: "top", exact: true }).click();
    await one.changed(shown, before, 0.3);
    await answers();
    await panel.getByLabel("All but this part").check();
    await one.until(
      async () => /--keep 'not top'/.test(await one.copied("Copy as command")),
      "what is kept is not turned round",
    );
    const field = panel.getByLabel("The part that is kept");
    await field.fill("lefft");
    await field.press("Enter");
    await panel.getByText(/unknown part of pictures 'lefft'/).waitFor();
    await field.fill("bottom");
    await field.press("Enter");
    await answers();
    assert.deepEqual(await one.faults(), []);
    await shoot(page, "complete");
    await panel.getByRole("button", { name: /^Look at answer 2/ }).click();
    await panel.getByRole("heading", { name: /@12, not bottom kept, 2/ }).waitFor();
    await page.getByRole("button", { name: "Undo", exact: true }).click();
    await answers();
  }

  /** Width and height of a PNG. */
  const wide = (png) => (
    assert.equal(png.subarray(1, 4).toString("latin1"), "PNG"),
    [png.readUInt32BE(16), png.readUInt32BE(20)]
  );

  /** The files of a zip by name, as its index has them. */
  function unzipped(data) {
    const [count, files] = [data.readUInt16LE(data.length - 12), new Map()];
    for (let at = data.readUInt32LE(data.length - 6), i = 0; i < count; i++) {
      const [size, length, here] = [
        data.readUInt32LE(at + 24),
        data.readUInt16LE(at + 28),
        data.readUInt32LE(at + 42),
      ];
      files.set(
        data.subarray(at + 46, at + 46 + length).toString("utf8"),
        data.subarray(here + 30 + length, here + 30 + length + size),
      );
      at += 46 + length;
    }
    return files;
  }

  async function dimensions() {
    await one.go("view=dimensions&subject=@3");
    await panel
      .locator(".card .film canvas")
      .first()
      .waitFor({ timeout: 2 * PATIENCE });
    await one.text(/Strips start from @3/);
    const bars = await panel
      .locator(".card .use")
      .evaluateAll((all) => all.map((each) => Number.parseFloat(each.style.getPropertyValue("--share"))));
    assert.ok(
      bars.length > 3 &&
        Math.abs(bars[0] - 100) < 1e-3 &&
        bars.every((share, i) => !i || share <= bars[i - 1]),
      `bars: ${bars}`,
    );
    const names = await panel.locator(".card .head span").allInnerTexts();
    const own = names.filter((name) => name !== "no name for it" && name !== "not used");
    assert.equal(new Set(own).size, own.length, `cards of the same name: ${names.join("; ")}`);
    const card = panel.locator(".card").first();
    assert.match(await card.locator("summary").innerText(), /^(Mostly .*|No attribute changes with it)\.$/);
    await card.locator("summary").press("Enter");
    assert.match(await card.locator("details p").innerText(), /^\d+\.\d\d nats\. SD a step: /);
    await shoot(page, "dimensions");
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
    ["a part of an item completed", completing],
    ["the cards of the dimensions", dimensions],
  ];
}
