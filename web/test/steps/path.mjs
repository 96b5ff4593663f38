/** Paths: key frames from clicks, handles, four routes, the player, files and copies. */
import assert from "node:assert/strict";
import { alike, pictured, PATIENCE, shoot } from "../stand.mjs";
import { difference } from "../hand.mjs";

export function steps(one) {
  const { page, panel } = one;
  const scrub = () => panel.getByLabel("Frame", { exact: true });
  const player = () => panel.locator(".player canvas");
  const films = (n) =>
    page.waitForFunction((count) => document.querySelectorAll(".route .film canvas").length === count, n, {
      timeout: 3 * PATIENCE,
    });
  const handles = (n) =>
    page.waitForFunction((count) => document.querySelectorAll(".handle").length === count, n);
  async function still() {
    const pause = panel.getByRole("button", { name: "Pause", exact: true });
    if (await pause.isVisible()) await pause.click();
  }

  async function clicked() {
    await one.go("view=path");
    await panel.getByText(/^Click two/).waitFor();
    const [from, to, third] = await one.rows(3);
    await page.mouse.click(from.x, from.y);
    await panel.getByText(/^Now click another/).waitFor();
    await page.mouse.click(to.x, to.y);
    await handles(2);
    await films(32);
    await still();
    await scrub().fill("0");
    const keys = await panel
      .locator(".keyframes button.thumb[title]")
      .evaluateAll((all) => all.map((each) => /@(\d+)/.exec(each.title)?.[1]).filter(Boolean));
    assert.equal(keys.length, 2);
    const start = await one.seen(player());
    await scrub().fill("47");
    await one.changed(player(), start, 3);
    const end = await one.seen(player());
    for (const [seen, id] of [
      [start, keys[0]],
      [end, keys[1]],
    ]) {
      const real = await pictured(page, `id=${id}&of=reconstruction`, 12);
      assert.ok(alike(seen, real.grey) > 0.9, `the end of the path is not @${id}: ${alike(seen, real.grey)}`);
    }
    await panel
      .locator(".route")
      .nth(1)
      .getByRole("button", { name: "Frame 8" })
      .click()
      .catch(() => panel.locator(".route").nth(1).locator(".film .cell").nth(3).click());
    await panel.getByRole("radio", { name: /Geodesic/ }).click();
    assert.match(await panel.locator(".route.on").innerText(), /Geodesic/);
    assert.equal(await page.locator(".route .support-line rect").count(), 4 * 48);
    await shoot(page, "path");
    await page.mouse.click(third.x, third.y);
    await handles(3);
    await panel.getByRole("button", { name: "Key frame 3 earlier" }).click();
    await panel.getByRole("button", { name: "Remove key frame 3" }).click();
    await handles(2);
  }

  async function plays() {
    await one.go("view=path&keys=@3;@10;@40");
    await player().waitFor();
    await still();
    await scrub().fill("0");
    await panel.getByLabel("Speed").selectOption("2");
    const loop = panel.getByRole("button", { name: "Loop", exact: true });
    await loop.click();
    assert.equal(await loop.getAttribute("aria-pressed"), "true");
    await page.waitForFunction(() => /&?loop=1/.test(location.hash));
    await still();
    const at = async (frame) => {
      await scrub().fill(String(frame));
      return one.seen(player());
    };
    await one.until(async () => {
      const [begin, middle, end] = [await at(0), await at(24), await at(47)];
      return difference(begin, end) < difference(begin, middle);
    }, "a loop does not end where it began");
    await scrub().fill("24");
    await panel.getByRole("button", { name: "Play", exact: true }).click();
    await page.waitForFunction(() => Number(document.querySelector(".scrub").value) !== 24);
    await still();
    await panel.getByLabel("Speed").selectOption("1");
  }

  async function dragged() {
    await one.go("view=path&keys=@3;@10");
    await handles(2);
    await player().waitFor();
    const handle = page.locator(".handle").first();
    const title = () => panel.locator(".keyframes button.thumb").first().getAttribute("title");
    assert.match(await title(), /^@3:/);
    const box = await handle.boundingBox();
    const from = [box.x + box.width / 2, box.y + box.height / 2];
    await page.mouse.move(...from);
    await page.mouse.down();
    await page.mouse.move(from[0] + 40, from[1] - 30, { steps: 5 });
    await page.mouse.up();
    await page.waitForFunction(() =>
      /place on the map/.test(document.querySelector(".keyframes button.thumb").title),
    );
    await one.seen(panel.locator(".keyframes canvas").first());
    await panel.getByText(/No command for this one/).waitFor(); // and why the button is gone
    assert.equal(await one.button("Copy as command").count(), 0);
    const hash = () => page.evaluate(() => location.hash);
    await page.waitForFunction(() => !/keys=%403/.test(location.hash));
    const before = await hash();
    await handle.focus();
    await page.keyboard.press("ArrowRight");
    await page.waitForFunction((old) => location.hash !== old, before);
    await page.locator(".surface").focus();
    for (let i = 0; i < 40 && !/^@3:/.test(await title()); i++) {
      await page.keyboard.press("Control+z");
      await page.waitForTimeout(50);
    }
    assert.match(await title(), /^@3:/);
  }

  async function given() {
    await one.go("view=path&keys=@3;@10");
    await player().waitFor();
    const gif = await one.download(() => one.button("Save as GIF").click());
    await page.getByText(/^Saved .+-3-10\.gif$/).waitFor();
    assert.equal(gif.subarray(0, 6).toString("latin1"), "GIF89a");
    const read = await page.evaluate(async (base64) => {
      const data = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
      const decoder = new ImageDecoder({ data, type: "image/gif" });
      await decoder.tracks.ready;
      await decoder.completed;
      const { image } = await decoder.decode({ frameIndex: 0 });
      const pen = new OffscreenCanvas(12, 12).getContext("2d");
      pen.drawImage(image, 0, 0, 12, 12);
      const pixels = pen.getImageData(0, 0, 12, 12).data;
      image.close();
      return {
        count: decoder.tracks.selectedTrack.frameCount,
        grey: Array.from(
          { length: 144 },
          (_, i) => (pixels[4 * i] + pixels[4 * i + 1] + pixels[4 * i + 2]) / 3,
        ),
      };
    }, gif.toString("base64"));
    assert.equal(read.count, 48, "frames in the gif");
    await panel.getByLabel("Frames of what is saved").selectOption("12");
    const short = await one.download(() => one.button("Save as GIF").click());
    assert.ok(short.length < gif.length / 2, `12 frames take ${short.length} bytes, 48 ${gif.length}`);
    const wide = (file) => file.readUInt16LE(6);
    await panel.getByLabel("Size of what is saved").selectOption("2");
    const large = await one.download(() => one.button("Save as GIF").click());
    assert.ok(wide(large) > 1.8 * wide(short), `${wide(large)} pixels beside ${wide(short)}`);
    await panel.getByLabel("Size of what is saved").selectOption("4");
    await panel.getByLabel("Frames of what is saved").selectOption("240");
    await one.button("Save as GIF").click();
    await page
      .locator(".notice.bad")
      .getByText(/240 frames at 4 times the size; wanted at most/)
      .waitFor();
    await page.locator(".notice.bad").getByRole("button", { name: "Close" }).click();
    await panel.getByLabel("Size of what is saved").selectOption("1");
    await panel.getByLabel("Frames of what is saved").selectOption("48");
    let like = 0;
    for (const end = Date.now() + PATIENCE; Date.now() < end && like <= 0.9; ) {
      await still(); // a route that comes now begins to play, and a frame is drawn after the scrub has moved
      await scrub().fill("0");
      like = alike(read.grey, await one.seen(player()));
    }
    assert.ok(like > 0.9, "the gif begins with another picture");
    const mp4 = await one.download(() => one.button("MP4").click());
    assert.equal(mp4.subarray(4, 8).toString("latin1"), "ftyp");
    assert.ok(mp4.includes("moov") && mp4.length > 2000);
    const png = await one.download(() => one.button("PNG").click());
    assert.equal(png.subarray(1, 4).toString("latin1"), "PNG");
    assert.ok(png.readUInt32BE(16) > png.readUInt32BE(20), "the film strip is wider than high");
    assert.match(await one.copied("Copy as Python"), /^import liminal.*space\.path\('@3', '@10'/s);
    assert.match(await one.copied("Copy as command"), /^liminal morph .*@3.* @10/);
  }

  /** Who has never seen it: turns one into another, changes one of them, and takes a gif away. */
  async function newcomer() {
    await one.go();
    await panel.getByRole("button", { name: /^Morph/ }).click();
    await player().waitFor();
    await one.view("Directions");
    const slider = panel.locator(".slider .track").first();
    await slider.waitFor({ timeout: 3 * PATIENCE });
    const after = panel.locator(".result figure").nth(1).locator("canvas");
    const before = await one.seen(after);
    await slider.focus();
    for (let i = 0; i < 30; i++) await page.keyboard.press("ArrowRight");
    await one.changed(after, before, 0.3);
    await one.button("Into the path").click();
    await page.waitForFunction(
      () =>
        [...document.querySelectorAll(".keyframes button.thumb[title]")]
          .slice(0, 2)
          .map((each) => /^@\d+ \+/.test(each.title))
          .join() === "true,false",
    );
    await player().waitFor();
    await page.waitForFunction(
      () => ![...document.querySelectorAll(".take .button")].some((each) => each.disabled),
    );
    const gif = await one.download(() => one.button("Save as GIF").click());
    assert.equal(gif.subarray(0, 6).toString("latin1"), "GIF89a");
    await shoot(page, "newcomer");
  }

  async function restored() {
    await one.go("view=path&keys=@3;@10&along=mix&at=0.5,0.5,60");
    await panel.locator(".route.on", { hasText: "Prior-preserving" }).waitFor();
    await page.waitForFunction(() => /at=/.test(location.hash));
    await page.reload();
    await handles(2);
    assert.match(await page.locator('.route [aria-checked="true"]').innerText(), /^Prior-preserving/);
    const camera = await page.evaluate(() => ({ ...window.liminal.camera.value }));
    assert.deepEqual(camera, { x: 0.5, y: 0.5, k: 60 });
    await player().waitFor();
  }

  /** One press undoes one thing, and another view is one; two key frames make a loop, too. */
  async function undone() {
    await one.go("view=path&keys=@3;@10");
    await panel.getByRole("radio", { name: /^Prior-preserving/ }).click();
    await one.view("Directions");
    await panel
      .locator(".slider .track")
      .first()
      .waitFor({ timeout: 3 * PATIENCE });
    await page.locator(".surface").focus();
    await page.keyboard.press("Control+z");
    await player().waitFor();
    assert.match(await page.locator('.route [aria-checked="true"]').innerText(), /^Prior-preserving/);
    await page.keyboard.press("Control+z");
    await page.waitForFunction(() =>
      /^Straight/.test(document.querySelector('.route [aria-checked="true"]')?.innerText ?? ""),
    );
    await one.button("Loop").click();
    await page.waitForFunction(() => /&?loop=1/.test(location.hash));
    await one.until(
      async () => /loop=True/.test(await one.copied("Copy as Python")),
      "a path of two key frames makes no loop",
    );
  }

  return [
    ["a path: clicks make key frames, four routes, frames", clicked],
    ["it plays, faster, in a loop", plays],
    ["a handle is dragged", dragged],
    ["exports and copies", given],
    ["a newcomer: morph, change, gif", newcomer],
    ["one press undoes one thing", undone],
    ["the address brings it back", restored],
  ];
}
