/**
 * Drives the built studio in a browser against the real server: every view with mouse, keys and fingers, what it shows and what it
 * gives away. `node test/browser.mjs [SPACE]`; SHOTS=folder keeps screenshots.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { browse, decoded, pixels, rest, run, serve, shoot } from "./stand.mjs";

const SPACE = process.argv[2] ?? "fashion";
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const server = await serve(SPACE);
const browser = await browse();
const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, colorScheme: "light", permissions: ["clipboard-read", "clipboard-write"] });
context.setDefaultTimeout(30_000);
let page = await context.newPage();
const faults = [];
const foreign = [];
function listen(to) {
  to.on("pageerror", (error) => faults.push(error.message));
  to.on("console", (message) => message.type() === "error" && !/status of (400|503)/.test(message.text()) && faults.push(message.text()));
  to.on("request", (request) => /^https?:/.test(request.url()) && new URL(request.url()).host !== new URL(server.url).host && foreign.push(request.url()));
}
listen(page);

const map = async () => (await page.locator(".surface").boundingBox()) ?? assert.fail("no map");
/** A place of the map on the screen. */
const onScreen = (x, y) =>
  page.evaluate(([mx, my]) => {
    const at = window.liminal.camera.value;
    const box = document.querySelector(".surface").getBoundingClientRect();
    return [box.left + (mx - at.x) * at.k + box.width / 2, box.top + (at.y - my) * at.k + box.height / 2];
  }, [x, y]);
/** Where an item lies on the screen, by its row. */
async function item(row) {
  const [x, y] = await page.evaluate((at) => Array.from(window.liminal.stage.rowAt(at)), row);
  return onScreen(x, y);
}
const view = (name) => page.getByRole("navigation", { name: "Views" }).getByRole("button", { name, exact: true }).click();
const panel = () => page.locator(".panel");
const painted = (canvas) =>
  canvas.evaluate((one) => {
    const data = one.getContext("2d").getImageData(0, 0, one.width, one.height).data;
    let [low, high] = [255, 0];
    for (let i = 0; i < data.length; i += 4) [low, high] = [Math.min(low, data[i]), Math.max(high, data[i])];
    return high - low;
  });
const bytes = (canvas) => canvas.evaluate((one) => Array.from(one.getContext("2d").getImageData(0, 0, one.width, one.height).data.filter((_, i) => i % 4 === 0)));
const difference = (a, b) => a.reduce((sum, value, i) => sum + Math.abs(value - b[i]), 0) / a.length;

async function first() {
  await page.goto(server.url);
  await page.getByRole("button", { name: /^Morph/ }).waitFor();
  await rest(page);
  assert.ok(!page.url().includes("token"), "the token stays in the address");
  const box = await map();
  const { colours } = await pixels(page, { x: box.x, y: box.y, width: box.width, height: box.height });
  assert.ok(colours > 200, `the map has ${colours} colours`);
  assert.equal(await page.locator(".invite").count(), 3);
}

async function microscope() {
  await decoded(page);
  await rest(page);
  const box = await map();
  const [x, y] = await item(3);
  const clip = { x: x - 60, y: y - 60, width: 120, height: 120 };
  const on = await pixels(page, clip);
  await page.keyboard.press("m");
  await rest(page);
  await page.waitForTimeout(200);
  const off = await pixels(page, clip);
  await page.keyboard.press("m");
  assert.ok(Math.abs(on.mean[0] - off.mean[0]) > 2, `with tiles ${on.mean}, without ${off.mean}`);
  const before = await page.evaluate(() => window.liminal.stage.decoded().level);
  await page.mouse.move(x, y);
  for (let i = 0; i < 6; i++) await page.mouse.wheel(0, -240);
  await rest(page);
  await decoded(page);
  const after = await page.evaluate(() => window.liminal.stage.decoded().level);
  assert.ok(after >= before + 2, `level ${before} became ${after}`);
  await shoot(page, "microscope");
}

async function moving() {
  const box = await map();
  const camera = () => page.evaluate(() => ({ ...window.liminal.camera.value }));
  const [before, middle] = [await camera(), [box.x + box.width / 2, box.y + box.height / 2]];
  await page.mouse.move(...middle);
  await page.mouse.down();
  await page.mouse.move(middle[0] + 100, middle[1] + 50, { steps: 4 });
  await page.mouse.up();
  const after = await camera();
  assert.ok(Math.abs((before.x - after.x) * before.k - 100) < 8 && Math.abs((after.y - before.y) * before.k - 50) < 8, "dragging moves the map with the pointer");
  await page.locator(".surface").focus();
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("+");
  const keyed = await camera();
  assert.ok(keyed.x < after.x && keyed.k > after.k);
  await page.keyboard.press("0");
  await page.waitForFunction((k) => window.liminal.camera.value.k < k / 2, keyed.k);
}

async function hover() {
  const [x, y] = await item(0);
  await page.mouse.move(x - 3, y);
  await page.mouse.move(x, y);
  const card = page.locator(".hover");
  await card.getByText(/data/).waitFor();
  assert.ok((await painted(card.locator("canvas").first())) > 30, "the card's picture is empty");
  assert.match(await card.innerText(), /Nearest real\s+@\d+/);
  await shoot(page, "hover");
}

async function select() {
  const [x, y] = await item(3);
  await page.mouse.click(x, y);
  await panel().getByRole("heading", { level: 1, name: /^@\d+/ }).waitFor();
  await panel().getByText("Reconstruction", { exact: true }).waitFor();
  await panel().getByText("Most alike").waitFor();
  await page.waitForFunction(() => document.querySelectorAll(".panel figure img").length === 2);
  assert.ok((await panel().locator(".facts dt").allInnerTexts()).length > 1);
  assert.match(page.url(), /subject=%40\d+|view=item/);
  const name = await panel().locator("h1").innerText();
  await panel().locator(".thumbs .thumb").first().click();
  await page.waitForFunction((old) => document.querySelector(".panel h1").innerText !== old, name);
  await shoot(page, "item");
}

async function undoing() {
  const name = await panel().locator("h1").innerText();
  await page.locator(".surface").focus();
  await page.keyboard.press("Control+z");
  await page.waitForFunction((old) => document.querySelector(".panel h1").innerText !== old, name);
  await page.keyboard.press("Control+Shift+z");
  await page.waitForFunction((old) => document.querySelector(".panel h1").innerText === old, name);
}

async function legend() {
  const box = await map();
  await page.keyboard.press("m");
  await rest(page);
  const whole = await pixels(page, { x: box.x, y: box.y, width: box.width, height: box.height - 10 });
  await page.locator(".value").first().click({ modifiers: ["Shift"] });
  await rest(page);
  assert.equal(await page.locator('.value[aria-pressed="true"]').count(), 1);
  const one = await pixels(page, { x: box.x, y: box.y, width: box.width, height: box.height - 10 });
  assert.ok(one.mean[0] > whole.mean[0], "fewer items leave more of the ground");
  await page.getByRole("button", { name: "Show all", exact: true }).first().click();
  await page.keyboard.press("m");
}

async function path() {
  await view("Start");
  await page.getByRole("button", { name: /^Morph/ }).click();
  await panel().getByText("Three routes").waitFor();
  await panel().locator(".player canvas").waitFor();
  await page.waitForFunction(() => document.querySelectorAll(".route .film canvas").length === 24);
  assert.equal(await page.locator(".handle").count(), 2);
  const face = panel().locator(".player canvas");
  const scrub = panel().getByLabel("Frame", { exact: true });
  await scrub.fill("0");
  const start = await bytes(face);
  await scrub.fill("47");
  await page.waitForTimeout(60);
  assert.ok(difference(start, await bytes(face)) > 5, "the last frame looks like the first");
  await panel().getByRole("radio", { name: /Geodesic/ }).click();
  assert.match(await panel().locator(".route.on").innerText(), /Geodesic/);
  await shoot(page, "path");
  const [x, y] = await item(10);
  await page.mouse.click(x, y);
  await page.waitForFunction(() => document.querySelectorAll(".handle").length === 3);
  await panel().getByRole("button", { name: "Remove key frame 3" }).click();
  await page.waitForFunction(() => document.querySelectorAll(".handle").length === 2);
}

async function drag() {
  const handle = page.locator(".handle").first();
  const box = await handle.boundingBox();
  const from = [box.x + box.width / 2, box.y + box.height / 2];
  const before = await panel().locator(".keyframes button.thumb").first().getAttribute("title");
  await page.mouse.move(...from);
  await page.mouse.down();
  await page.mouse.move(from[0] + 60, from[1] + 30, { steps: 5 });
  await page.mouse.up();
  await page.waitForFunction((old) => document.querySelector(".keyframes button.thumb").title !== old, before);
  await handle.focus();
  await page.keyboard.press("ArrowRight");
  await page.locator(".surface").focus();
  await page.keyboard.press("Control+z");
  await page.keyboard.press("Control+z");
}

async function give() {
  await panel().getByRole("radio", { name: /Straight/ }).click();
  for (const [name, magic] of [["Save as GIF", "GIF89a"], ["MP4", "ftyp"], ["PNG", "PNG"]]) {
    const [download] = await Promise.all([page.waitForEvent("download"), panel().getByRole("button", { name, exact: true }).click()]);
    const data = readFileSync(await download.path());
    assert.ok(data.subarray(0, 12).toString("latin1").includes(magic), `${name} begins with ${data.subarray(0, 12)}`);
    assert.ok(data.length > 2000);
  }
  await panel().getByRole("button", { name: "Copy as Python" }).click();
  assert.match(await page.evaluate(() => navigator.clipboard.readText()), /^import liminal.*space\.path\(/);
  await panel().getByRole("button", { name: "Copy as command" }).click();
  assert.match(await page.evaluate(() => navigator.clipboard.readText()), /^liminal morph /);
}

async function restore() {
  await panel().getByRole("radio", { name: /Prior/ }).click();
  await page.waitForTimeout(400);
  const url = page.url();
  assert.match(url, /keys=/);
  const other = await context.newPage();
  listen(other);
  await other.goto(url);
  await other.waitForFunction(() => document.querySelectorAll(".handle").length === 2);
  assert.equal(await other.locator('.route [aria-checked="true"]').innerText().then((text) => text.split("\n")[0]), "Prior-preserving");
  await other.close();
}

async function sliders() {
  await page.keyboard.press("Escape");
  await view("Directions");
  const slider = panel().locator(".slider .track").first();
  await slider.waitFor({ timeout: 90_000 });
  await panel().locator(".result canvas, .result img").nth(1).waitFor();
  const after = panel().locator(".result figure").nth(1).locator("canvas");
  const before = await bytes(after);
  await slider.focus();
  for (let i = 0; i < 30; i++) await page.keyboard.press("ArrowRight");
  await page.waitForFunction(() => /Also changed|Nothing else/.test(document.querySelector(".verdict")?.textContent ?? ""));
  assert.ok(difference(before, await bytes(after)) > 0.5, "the slider changes nothing");
  const range = await slider.evaluate((one) => getComputedStyle(one).getPropertyValue("--to"));
  assert.ok(parseFloat(range) > 50 && parseFloat(range) < 100, `useful range ends at ${range}`);
  await panel().locator(".slider .name").first().click();
  await panel().locator(".about .film canvas").first().waitFor();
  await shoot(page, "directions");
  await page.locator(".surface").focus();
  await page.keyboard.press("Control+z");
  await page.waitForFunction(() => document.querySelector(".slider .track").value === "0");
}

async function lasso() {
  await page.keyboard.press("0");
  await page.waitForTimeout(400);
  for (const [letter, row] of [["A", 3], ["B", 10]]) {
    if (!(await page.locator(`.tool-${letter.toLowerCase()}`).count())) await panel().getByRole("button", { name: `Draw ${letter}` }).click();
    const [x, y] = await item(row);
    await page.mouse.move(x - 70, y - 70);
    await page.mouse.down();
    for (const [dx, dy] of [[70, -70], [70, 70], [-70, 70], [-70, -60]]) await page.mouse.move(x + dx, y + dy, { steps: 3 });
    await page.mouse.up();
    await panel().locator(`.group-card.${letter.toLowerCase()} .few canvas`).first().waitFor();
  }
  await panel().locator(".slider .name", { hasText: "A - B" }).waitFor({ timeout: 60_000 });
  await shoot(page, "lasso");
}

async function formula() {
  const bar = page.getByLabel("Formula", { exact: true });
  const value = (await page.locator(".value .name").first().innerText()).slice(0, 4);
  await page.locator(".surface").focus();
  await page.keyboard.press("/");
  await page.keyboard.type(`@12 + @40 - mean(${value}`);
  await page.getByRole("option").first().waitFor();
  await shoot(page, "completion");
  await page.keyboard.press("Tab");
  assert.match(await bar.inputValue(), /^@12 \+ @40 - mean\(.+\)$/);
  await page.keyboard.press("Enter");
  await panel().locator("h1.said").waitFor();
  await panel().getByText("Nearest real", { exact: true }).waitFor();
  assert.ok((await painted(panel().locator("figure canvas").first())) > 30);
  await shoot(page, "formula");
  await bar.fill("@12 + nonsence");
  await page.keyboard.press("Enter");
  await page.locator(".fault").waitFor();
  assert.equal(await page.locator(".marked i").innerText(), "nonsence");
  await shoot(page, "fault");
  await bar.fill("");
}

async function dimensions() {
  await view("Dimensions");
  await panel().locator(".card").first().waitFor({ timeout: 90_000 });
  await panel().locator(".card .film canvas").first().waitFor();
  const after = panel().locator(".result figure").nth(1).locator("canvas");
  const before = await bytes(after);
  await panel().locator(".card .track").first().fill("2");
  await page.waitForFunction(() => document.querySelector(".card output").textContent !== "");
  await page.waitForTimeout(500);
  assert.ok(difference(before, await bytes(after)) > 0.5);
  await shoot(page, "dimensions");
}

async function upload() {
  const data = await page.evaluate(async () => {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 90;
    const pen = canvas.getContext("2d");
    pen.fillRect(0, 0, 90, 90);
    pen.fillStyle = "#fff";
    pen.fillRect(25, 12, 40, 66);
    return canvas.toDataURL("image/png").split(",")[1];
  });
  const transfer = await page.evaluateHandle((text) => {
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const given = new DataTransfer();
    given.items.add(new File([bytes], "mine.png", { type: "image/png" }));
    return given;
  }, data);
  await page.dispatchEvent(".surface", "dragover", { dataTransfer: transfer });
  await page.dispatchEvent(".surface", "drop", { dataTransfer: transfer });
  await panel().getByRole("heading", { name: "mine.png" }).waitFor();
  await panel().getByText("Yours", { exact: true }).waitFor();
  await shoot(page, "upload");
}

async function others() {
  await view("Sample");
  await page.waitForFunction(() => document.querySelectorAll(".sheet canvas").length === 24, null, { timeout: 60_000 });
  await panel().getByRole("button", { name: "Keep sample 1", exact: true }).click();
  const [download] = await Promise.all([page.waitForEvent("download"), panel().getByRole("button", { name: "Table (CSV)" }).click()]);
  assert.match(readFileSync(await download.path(), "utf8"), /^name,support,nearest,z0,/);
  await shoot(page, "sample");
  await view("Tour");
  await panel().getByRole("button", { name: "Next" }).click();
  await panel().getByText("Step 2 of 8").waitFor();
  await shoot(page, "tour");
}

async function helping() {
  await page.keyboard.press("?");
  await page.getByRole("dialog").waitFor();
  await shoot(page, "help");
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
}

async function accessible() {
  for (const name of ["Start", "Item", "Path", "Directions", "Dimensions"]) {
    await view(name);
    await page.waitForTimeout(150);
    await page.evaluate(axe);
    const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
    const serious = found.violations.filter((one) => ["serious", "critical"].includes(one.impact));
    assert.deepEqual(serious.map((one) => `${name}: ${one.id}: ${one.nodes[0].html}`), []);
  }
}

async function dark() {
  const box = await map();
  const day = await pixels(page, { x: box.x + 4, y: box.y + 4, width: 20, height: 20 });
  await page.keyboard.press("t");
  await rest(page);
  await page.waitForTimeout(100);
  const night = await pixels(page, { x: box.x + 4, y: box.y + 4, width: 20, height: 20 });
  assert.ok(day.mean[0] > 200 && night.mean[0] < 60);
  for (const name of ["Start", "Path", "Directions"]) {
    await view(name);
    await page.waitForTimeout(400);
    await shoot(page, `dark-${name.toLowerCase()}`);
  }
  await page.evaluate(axe);
  const found = await page.evaluate(() => window.axe.run(document, { runOnly: ["color-contrast"] }));
  assert.deepEqual(found.violations.map((one) => one.nodes[0].html), []);
  await page.keyboard.press("t");
}

async function narrow() {
  const phone = await browser.newContext({ viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true, colorScheme: "light" });
  phone.setDefaultTimeout(30_000);
  await context.close();
  page = await phone.newPage();
  listen(page);
  await page.goto(server.url);
  await page.locator(".invite").first().waitFor();
  await rest(page);
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360);
  await shoot(page, "narrow-start");
  const [x, y] = await item(3);
  await page.touchscreen.tap(x, y);
  await panel().getByRole("heading", { level: 1, name: /^@\d+/ }).waitFor();
  await shoot(page, "narrow-item");
  await page.locator(".uses .main").nth(1).tap();
  await panel().locator(".player canvas").waitFor();
  await page.waitForTimeout(500);
  await shoot(page, "narrow-path");
  await view("Directions");
  await panel().locator(".slider").first().waitFor();
  await shoot(page, "narrow-directions");
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360);
}

async function quiet() {
  assert.deepEqual(foreign, []);
  assert.deepEqual(faults, []);
}

const failed = await run(
  [
    ["the first screen: the map and three invitations", first],
    ["the microscope decodes, and refines as one zooms", microscope],
    ["moving with mouse and keys", moving],
    ["hovering: decoded item, support, nearest item", hover],
    ["selecting: original, reconstruction, neighbours", select],
    ["undo and redo", undoing],
    ["the legend filters", legend],
    ["a path: three routes, frames, key frames", path],
    ["a handle is dragged", drag],
    ["exports and copies", give],
    ["the address brings it back", restore],
    ["sliders of directions", sliders],
    ["two lassos make a slider", lasso],
    ["formula: completion, result, error in place", formula],
    ["dimensions", dimensions],
    ["a file of one's own", upload],
    ["samples and the tour", others],
    ["help", helping],
    ["no serious accessibility fault", accessible],
    ["dark", dark],
    ["narrow, with fingers", narrow],
    ["no foreign request, no fault in the console", quiet],
  ],
  () => page,
);
await browser.close();
await server.stop();
process.exit(failed ? 1 : 0);
