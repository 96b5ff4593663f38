/** The map: points, legend, clusters, microscope, thumbnails, the card under the pointer. */
import assert from "node:assert/strict";
import { alike, decoded, pictured, pixels, rest, shoot } from "../stand.mjs";
import { difference } from "../hand.mjs";

export function steps(one) {
  const { page, panel } = one;
  const whole = async () => {
    const { x, y, width, height } = await one.map();
    // without the tools and the legend
    return { x: x + 20, y: y + 70, width: width - 40, height: height - 140 };
  };
  /** Closer to the first item that has room around it. */
  async function closer(times) {
    const [{ row, x, y }] = await one.rows(1);
    await page.mouse.move(x, y);
    for (let i = 0; i < times; i++) await page.mouse.wheel(0, -240);
    await rest(page);
    return row;
  }

  async function first() {
    await panel.locator(".invite").nth(2).waitFor();
    await rest(page);
    assert.ok(!page.url().includes("token"), "the token stays in the address");
    assert.match(await page.title(), /Liminal/);
    await decoded(page);
    await rest(page);
    const { colours } = await pixels(page, await whole());
    assert.ok(colours > 200, `the map has ${colours} colours`);
    await one.seen(panel.locator(".morphing canvas").first());
    await shoot(page, "start");
  }

  async function legend() {
    await one.go("microscope=0");
    const before = await pixels(page, await whole(), 24);
    const value = page.locator(".value").first();
    const place = await value.boundingBox();
    const name = await value.innerText();
    await value.click({ modifiers: ["Shift"] });
    await rest(page);
    assert.equal(await page.locator('.value[aria-pressed="true"]').count(), 1);
    assert.deepEqual(await value.boundingBox(), place, "the values move under the pointer");
    const alone = await pixels(page, await whole(), 24);
    assert.ok(alone.mean[0] > before.mean[0], "fewer items leave more of the ground");

    const colour = page.getByLabel("Colour by");
    const first = await colour.inputValue();
    await colour.selectOption("");
    await page.locator(".values").waitFor({ state: "detached" });
    assert.ok(
      (await page.locator(".hiding").innerText()).includes(`only ${name}`),
      "nothing says what is hidden",
    );
    await rest(page);
    assert.ok(
      (await pixels(page, await whole(), 24)).mean[0] > before.mean[0],
      "another colour shows what was hidden",
    );
    await page.waitForFunction(() => location.hash.includes("others="));
    const address = page.url();
    await page.getByRole("button", { name: "Undo", exact: true }).click();
    await page.waitForFunction((wanted) => document.querySelector(".legend select").value === wanted, first);
    assert.equal(
      await page.locator('.value[aria-pressed="true"]').count(),
      1,
      "undo brings back more than the colour",
    );
    await one.go(new URL(address).hash.slice(1));
    await page.locator(".hiding").getByText(`only ${name}`).waitFor();
    await colour.selectOption(first);
    await page.locator('.value[aria-pressed="false"]').first().waitFor();
    await page.getByRole("button", { name: "Show all", exact: true }).click();
    await page.locator(".hiding").waitFor({ state: "detached" });
    await one.go("microscope=0"); // the address above was opened under a higher legend
    await rest(page);
    assert.ok(
      difference((await pixels(page, await whole(), 24)).grey, before.grey) < 1,
      "showing all brings all back",
    );
  }

  /** All items lie between the map's edges and above the legend, and do in another window too. */
  async function fitted() {
    await one.go();
    const edges = () =>
      page.evaluate(() => {
        const { renderer, camera } = window.liminal;
        const [{ x, y, k }, box] = [camera.value, document.querySelector(".surface").getBoundingClientRect()];
        const all = Array.from({ length: 3000 }, (_, row) => renderer.rowAt(row));
        const xs = all.map(([mx]) => (mx - x) * k + box.width / 2);
        const ys = all.map(([, my]) => (y - my) * k + box.height / 2);
        const legend = document.querySelector(".legend").getBoundingClientRect().top - box.top;
        return {
          left: Math.min(...xs),
          right: box.width - Math.max(...xs),
          top: Math.min(...ys),
          bottom: legend - Math.max(...ys),
          taken: Math.max(
            (Math.max(...xs) - Math.min(...xs)) / box.width,
            (Math.max(...ys) - Math.min(...ys)) / box.height,
          ),
        };
      });
    const fits = async (words) => {
      await page.waitForFunction(() => window.liminal.renderer.resting);
      const found = await edges();
      assert.ok(
        Math.min(found.left, found.right, found.top, found.bottom) > 10 && found.taken > 0.5,
        `${words}: ${JSON.stringify(found)}`,
      );
    };
    const size = page.viewportSize();
    await page.locator(".surface").focus();
    await page.keyboard.press("0");
    await page.waitForTimeout(500);
    await fits("the whole map");
    await page.setViewportSize({ width: 1000, height: 560 });
    await page.waitForTimeout(300);
    await fits("in a smaller window");
    await page.setViewportSize(size);
    await page.waitForTimeout(300);
    await fits("in the first window again");
    await closer(3);
    const { k } = await page.evaluate(() => window.liminal.camera.value);
    await page.setViewportSize({ width: 1000, height: 700 });
    await page.waitForTimeout(300);
    assert.equal(
      await page.evaluate(() => window.liminal.camera.value.k),
      k,
      "a window's size moves a camera that one has set",
    );
    await page.setViewportSize(size);
  }

  async function clusters() {
    await one.go("microscope=0");
    const before = await pixels(page, await whole(), 24);
    await page.getByLabel("Colour by").selectOption("cluster");
    await page.waitForFunction(
      () =>
        document.querySelector(".legend select").value === "cluster" &&
        document.querySelector(".value") &&
        !document.querySelector(".legend .spinner"),
      null,
      { timeout: 300_000 },
    );
    await rest(page);
    const names = await page.locator(".value .name").allInnerTexts();
    assert.ok(names.length > 1 && names.every(Boolean), `clusters ${names}`);
    const after = await pixels(page, await whole(), 24);
    assert.ok(
      difference(before.grey, after.grey) > 0.05 || difference(before.mean, after.mean) > 0.1,
      "the points have kept their colours",
    );
    await shoot(page, "clusters");
  }

  async function microscope() {
    await one.go();
    await decoded(page);
    await rest(page);
    const on = await pixels(page, await whole(), 24);
    await page.locator(".surface").focus();
    await page.keyboard.press("m");
    await rest(page);
    const off = await pixels(page, await whole(), 24);
    assert.ok(difference(on.grey, off.grey) > 1, "the microscope shows nothing");
    await page.keyboard.press("m");
    const level = () => page.evaluate(() => window.liminal.renderer.decoded().level);
    const before = await level();
    await closer(5);
    await decoded(page);
    await rest(page);
    assert.ok((await level()) >= before + 2, "zooming decodes no finer lattice");
    await shoot(page, "microscope");
    await one.go();
    await decoded(page);
    const lattice = () =>
      page.evaluate(() => {
        const { microscope } = window.liminal.renderer.layers.decoded;
        const faces = [...microscope.faces.values()];
        return {
          wanted: window.liminal.renderer.decoded().wanted,
          held: faces.filter(({ row }) => row >= 0).length,
          doubted: faces.filter(({ row, doubtful }) => row >= 0 && doubtful).length,
        };
      });
    const all = await lattice();
    assert.ok(
      all.held > 20 && all.doubted < 0.25 * all.held,
      `of ${all.held} cells with items ${all.doubted} are hatched`,
    );
    await page
      .locator(".value")
      .first()
      .click({ modifiers: ["Shift"] });
    await rest(page);
    assert.ok((await lattice()).wanted < all.wanted / 2, "places of hidden items are still decoded");
  }

  /** Where it is doubtful the lattice is hatched: stripes that the same cell without doubt has not. */
  async function hatched() {
    await one.go("points=0");
    await decoded(page);
    await rest(page);
    const cell = await page.evaluate(() => {
      const { renderer, camera } = window.liminal;
      const { microscope } = renderer.layers.decoded;
      const box = document.querySelector(".surface").getBoundingClientRect();
      const { level } = renderer.decoded();
      for (const [key, face] of microscope.faces) {
        const [l, i, j] = key.split("/").map(Number);
        if (l !== level || !face.doubtful) continue;
        const side = microscope.points.side / 2 ** level;
        const [x, y] = [
          box.left + ((i + 0.5) * side - camera.value.x) * camera.value.k + box.width / 2,
          box.top + (camera.value.y - (j + 0.5) * side) * camera.value.k + box.height / 2,
        ];
        const half = (side * camera.value.k) / 2 - 3;
        if (document.elementFromPoint(x, y)?.closest(".surface"))
          return { key, clip: { x: x - half, y: y - half, width: 2 * half, height: 2 * half } };
      }
      return null;
    });
    assert.ok(cell, "no doubtful cell in view");
    const mark = (doubtful) =>
      page.evaluate(
        ([key, is]) => {
          window.liminal.renderer.layers.decoded.microscope.faces.get(key).doubtful = is;
          window.liminal.renderer.request();
        },
        [cell.key, doubtful],
      );
    const striped = await pixels(page, cell.clip, 16);
    await mark(false);
    await rest(page);
    const plain = await pixels(page, cell.clip, 16);
    await mark(true);
    assert.ok(difference(striped.grey, plain.grey) > 4, "a doubtful cell looks like any other");
  }

  async function moving() {
    await one.go();
    const camera = () => page.evaluate(() => ({ ...window.liminal.camera.value }));
    const box = await one.map();
    const [before, middle] = [await camera(), [box.x + box.width / 2, box.y + box.height / 2]];
    await page.mouse.move(...middle);
    await page.mouse.down();
    await page.mouse.move(middle[0] + 100, middle[1] + 50, { steps: 4 });
    await page.mouse.up();
    const after = await camera();
    assert.ok(
      Math.abs((before.x - after.x) * before.k - 100) < 8 &&
        Math.abs((after.y - before.y) * before.k - 50) < 8,
      "dragging moves the map with the pointer",
    );
    await page.locator(".surface").focus();
    await page.keyboard.press("ArrowLeft");
    await page.keyboard.press("+");
    const keyed = await camera();
    assert.ok(keyed.x < after.x && keyed.k > after.k);
    await page.locator(".cross").waitFor();
    await page.keyboard.press("0");
    await page.waitForFunction((k) => Math.abs(window.liminal.camera.value.k - k) < k / 100, before.k);
  }

  async function thumbnails() {
    await one.go("microscope=0");
    const row = await closer(9);
    const chosen = () =>
      page.evaluate(() => {
        const { layer } = window.liminal.renderer.layers.thumbnails;
        return (
          layer.chosen && { rows: layer.chosen.rows, side: layer.chosen.side, share: layer.chosen.share }
        );
      });
    await page.waitForFunction(() => {
      const { layer } = window.liminal.renderer.layers.thumbnails;
      return layer.chosen?.share > 0.3 && layer.chosen.rows.every((row) => layer.sheets.ready(row));
    });
    await rest(page);
    await page.mouse.move(0, 0);
    const { rows, side } = await chosen();
    const box = await one.map();
    const places = await Promise.all(rows.map(async (each) => [each, await one.onScreen(each)]));
    const clear = places.filter(
      ([, [x, y]]) =>
        x > box.x + side &&
        x < box.x + box.width - side &&
        y > box.y + 60 + side &&
        y < box.y + box.height - 80 - side,
    );
    assert.ok(clear.length, `no picture in view near item ${row}`);
    const [shown, [x, y]] = clear[0];
    const part = 0.8 * side;
    const tile = await pixels(page, { x: x - part / 2, y: y - part / 2, width: part, height: part }, 10);
    const real = await pictured(page, `id=${shown}`, 10);
    assert.ok(
      alike(tile.grey, real.grey) > 0.6,
      `the picture at item ${shown} is another one: ${alike(tile.grey, real.grey)}`,
    );
    await shoot(page, "thumbnails");
  }

  /** Where the browser draws no WebGL 2 the page says so in the map's place, and the rest of it works. */
  async function undrawn() {
    const other = await page.context().newPage();
    await other.addInitScript(() => {
      const plain = HTMLCanvasElement.prototype.getContext;
      HTMLCanvasElement.prototype.getContext = function (kind, ...given) {
        return kind === "webgl2" ? null : plain.call(this, kind, ...given);
      };
    });
    await other.goto(page.url().split("#")[0]);
    await other.getByText("draws no WebGL 2").waitFor();
    await other.getByRole("button", { name: /^Morph/ }).click();
    await other.locator(".panel canvas.picture:not(.empty)").first().waitFor();
    await other.close();
  }

  async function hover() {
    await one.go();
    const [{ x, y }] = await one.rows(1);
    await page.mouse.move(x - 3, y);
    await page.mouse.move(x, y);
    const card = page.locator(".hover");
    await card.locator(".support").waitFor();
    await page.waitForFunction(() => /@\d+/.test(document.querySelector(".hover .nearest")?.innerText ?? ""));
    const drawn = await one.seen(card.locator("canvas").first(), 10);
    assert.ok((await card.locator(".support").innerText()).length > 10, "no words on support");
    const id = /@(\d+)/.exec(await card.locator(".nearest").innerText())[1];
    const near = await pictured(page, `id=${id}&of=reconstruction`, 10);
    assert.ok(
      alike(drawn, near.grey) > 0.4,
      `the card shows something else than lies near @${id}: ${alike(drawn, near.grey)}`,
    );
    await one.seen(card.locator(".nearest canvas"));
    await shoot(page, "hover");
    await page.mouse.click(x, y);
    // a click takes the item that the card names
    await page.getByRole("heading", { name: `@${id}` }).waitFor();
    await page.mouse.move(0, 0);
    await card.waitFor({ state: "detached" });
  }

  return [
    ["the first screen: the map and three invitations", first],
    ["the legend filters, whatever the colour", legend],
    ["the whole map fits, above the legend and in any window", fitted],
    ["clusters as colour", clusters],
    ["the microscope decodes, and refines as one zooms", microscope],
    ["doubtful places are hatched", hatched],
    ["moving with mouse and keys", moving],
    ["zoomed in, points become pictures", thumbnails],
    ["without WebGL the rest works", undrawn],
    ["hovering: decoded item, support, nearest item", hover],
  ];
}
