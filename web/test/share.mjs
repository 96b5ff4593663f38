/**
 * Opens a page that `liminal share` wrote, from the disk and without a network: it decodes under the pointer,
 * walks, slides, works out formulas, and shows what Python shows. `node test/share.mjs [SPACE]`; PAGE names a
 * page that is there, SHOTS keeps screenshots.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { alike, browse, decoded, PATIENCE, pixels, rest, run, shoot } from "./stand.mjs";

const SPACE = process.argv[2] ?? "fashion";
const folder = mkdtempSync(join(tmpdir(), "liminal-share-"));
const file = process.env.PAGE ?? join(folder, "page.html");
if (!process.env.PAGE) execFileSync("liminal", ["share", SPACE, "-o", file, "-q"], { stdio: "inherit" });
const address = pathToFileURL(file).href;

const browser = await browse();
const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, colorScheme: "light" });
await context.setOffline(true);
context.setDefaultTimeout(PATIENCE);
const page = await context.newPage();
const [faults, asked] = [[], []];
function listen(to) {
  to.on("pageerror", (error) => faults.push(error.message));
  to.on(
    "console",
    (message) =>
      ["error", "warning"].includes(message.type()) &&
      !/GL Driver|GPU stall|willReadFrequently/.test(message.text()) &&
      faults.push(message.text()),
  );
  to.on("request", (request) => asked.push(request.url()));
}
listen(page);

const map = async () => (await page.locator(".surface").boundingBox()) ?? assert.fail("no map");
async function item(row) {
  return page.evaluate((at) => {
    const [x, y] = window.liminal.renderer.rowAt(at);
    const camera = window.liminal.camera.value;
    const box = document.querySelector(".surface").getBoundingClientRect();
    return [
      box.left + (x - camera.x) * camera.k + box.width / 2,
      box.top + (camera.y - y) * camera.k + box.height / 2,
    ];
  }, row);
}
const view = (name) =>
  page.getByRole("navigation", { name: "Views" }).getByRole("button", { name, exact: true }).click();
const panel = () => page.locator(".panel");
const bytes = (canvas) =>
  canvas.evaluate((one) =>
    Array.from(
      one
        .getContext("2d")
        .getImageData(0, 0, one.width, one.height)
        .data.filter((_, i) => i % 4 === 0),
    ),
  );
const difference = (a, b) => a.reduce((sum, value, i) => sum + Math.abs(value - b[i]), 0) / a.length;
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

async function first() {
  await page.goto(address);
  await page.getByRole("button", { name: /^Morph/ }).waitFor();
  await rest(page);
  const box = await map();
  const { colours } = await pixels(page, { x: box.x, y: box.y, width: box.width, height: box.height });
  assert.ok(colours > 200, `the map has ${colours} colours`);
  for (const name of ["Style", "Report"])
    assert.equal(
      await page
        .getByRole("navigation", { name: "Views" })
        .getByRole("button", { name, exact: true })
        .count(),
      0,
      `${name} is shown`,
    );
  await shoot(page, "share-start");
}

async function microscope() {
  await decoded(page);
  await rest(page);
  await shoot(page, "share-microscope");
}

async function hover() {
  const [x, y] = await item(0);
  await page.mouse.move(x, y);
  const card = page.locator(".hover");
  await card.getByText(/data/).waitFor();
  const before = await bytes(card.locator("canvas").first());
  const [x1, y1] = await item(40);
  await page.mouse.move(x1, y1);
  await page.waitForTimeout(300);
  const after = await bytes(card.locator("canvas").first());
  assert.ok(difference(before, after) > 1, "what is decoded under the pointer does not change");
  await shoot(page, "share-hover");
  const times = await page.evaluate(async () => {
    const { xy } = await window.liminal.ask("map", {}, null);
    const found = [];
    for (let i = 0; i < 60; i++) {
      const begun = performance.now();
      await window.liminal.ask("at", {}, xy.data.slice(20 * i, 20 * i + 2));
      found.push(performance.now() - begun);
    }
    const begun = performance.now();
    await window.liminal.ask("at", {}, xy.data.slice(0, 288));
    return { found, many: performance.now() - begun };
  });
  console.log(
    `      one place ${median(times.found).toFixed(1)} ms (median of 60), 144 places ` +
      `${times.many.toFixed(0)} ms`,
  );
}

async function path() {
  await view("Start");
  await page.getByRole("button", { name: /^Morph/ }).click();
  await panel().locator(".player canvas").waitFor();
  const routes = await panel().getByRole("radio").count();
  await page.waitForFunction(
    (count) => document.querySelectorAll(".route .film canvas").length === 8 * count,
    routes,
  );
  const [face, scrub] = [panel().locator(".player canvas"), panel().getByLabel("Frame", { exact: true })];
  await scrub.fill("0");
  const start = await bytes(face);
  await scrub.fill("47");
  await page.waitForTimeout(80);
  assert.ok(difference(start, await bytes(face)) > 3, "the last frame looks like the first");
  await shoot(page, "share-path");
  const handle = await page.locator(".handle").first().boundingBox();
  const before = await panel().locator(".keyframes button.thumb").first().getAttribute("title");
  const from = [handle.x + handle.width / 2, handle.y + handle.height / 2];
  await page.mouse.move(...from);
  await page.mouse.down();
  await page.mouse.move(from[0] + 60, from[1] + 30, { steps: 5 });
  await page.mouse.up();
  await page.waitForFunction(
    (old) => document.querySelector(".keyframes button.thumb").title !== old,
    before,
  );
  await panel().getByRole("radio").first().click();
  await panel().getByRole("button", { name: "Save as GIF" }).waitFor();
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    panel().getByRole("button", { name: "Save as GIF", exact: true }).click(),
  ]);
  assert.match(
    readFileSync(await download.path())
      .subarray(0, 6)
      .toString("latin1"),
    /^GIF89a/,
  );
}

async function film() {
  const [face, scrub, mp4] = [
    panel().locator(".player canvas"),
    panel().getByLabel("Frame", { exact: true }),
    panel().getByRole("button", { name: "MP4", exact: true }),
  ];
  const frames = [];
  for (const at of [0, 47]) {
    await scrub.fill(String(at));
    frames.push(await settled(face, frames[0]));
  }
  const sides = await face.evaluate((one) => [one.width, one.height]);
  const [download] = await Promise.all([page.waitForEvent("download"), mp4.click()]);
  const data = readFileSync(await download.path());
  const boxes = [];
  for (let at = 0; at < data.length; at += data.readUInt32BE(at))
    boxes.push(data.subarray(at + 4, at + 8).toString("latin1"));
  assert.deepEqual(boxes, ["ftyp", "moov", "mdat"]);
  const other = await context.newPage(); // the page itself forbids all media
  const shown = await other.evaluate(played, [data.toString("base64"), sides]);
  assert.ok(Math.abs(shown.duration - 2) < 0.01, `48 frames at 24 a second last ${shown.duration} s`);
  assert.deepEqual(
    shown.size.map((side) => side % 2),
    [0, 0],
  );
  frames.forEach((light, i) =>
    assert.ok(
      alike(light, shown.frames[i]) > 0.98,
      `frame ${i ? "last" : "first"} is like the path's by ${alike(light, shown.frames[i])}`,
    ),
  );
  assert.ok(alike(frames[0], shown.frames[1]) < 0.98, "the film stands still");
  await other.addInitScript(() => delete window.VideoEncoder);
  await other.goto(page.url());
  await other.getByRole("button", { name: "PNG", exact: true }).waitFor();
  assert.equal(await other.getByRole("button", { name: "MP4", exact: true }).count(), 0);
  await assert.rejects(
    other.evaluate(() =>
      window.liminal.ask(
        "export",
        {},
        { path: { keys: ["random(1)", "random(2)"], frames: 2 }, format: "mp4" },
      ),
    ),
    /cannot encode a film/,
  );
  await other.close();
}
/**
 * What a canvas shows once it is something else and changes no more: the path may still be on its way, and a
 * busy machine is slow.
 */
async function settled(canvas, other = null) {
  for (let before = null, since = 0; ; ) {
    const now = await bytes(canvas);
    if (!before || difference(before, now) || (other && !difference(other, now)))
      [before, since] = [now, Date.now()];
    else if (Date.now() - since > 600) return now;
    await page.waitForTimeout(100);
  }
}
/** The first and the last frame of a film at the size of an item, as a player shows them. */
async function played([base64, [width, height]]) {
  const video = document.createElement("video");
  video.src = URL.createObjectURL(
    new Blob([Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))], { type: "video/mp4" }),
  );
  const heard = (name) =>
    new Promise(
      (done, fail) => (
        (video[`on${name}`] = done),
        (video.onerror = () => fail(new Error(video.error.message)))
      ),
    );
  await heard("loadeddata");
  const pen = new OffscreenCanvas(width, height).getContext("2d");
  const frames = [];
  for (const at of [0, video.duration - 0.01]) {
    const there = heard("seeked");
    video.currentTime = at;
    await there;
    pen.drawImage(video, 0, 0, width, height);
    frames.push(Array.from(pen.getImageData(0, 0, width, height).data.filter((_, i) => i % 4 === 0)));
  }
  return { duration: video.duration, size: [video.videoWidth, video.videoHeight], frames };
}

async function sliders() {
  await view("Directions");
  const slider = panel().locator(".slider .track").first();
  await slider.waitFor();
  const after = panel().locator(".result figure").nth(1).locator("canvas");
  await after.waitFor();
  const before = await bytes(after);
  await slider.focus();
  for (let i = 0; i < 30; i++) await page.keyboard.press("ArrowRight");
  await page.waitForTimeout(400);
  assert.ok(difference(before, await bytes(after)) > 0.5, "the slider changes nothing");
  await shoot(page, "share-directions");
  await view("Dimensions");
  await panel().locator(".card .film canvas").first().waitFor();
  await shoot(page, "share-dimensions");
}

async function formula() {
  const bar = page.getByLabel("Formula", { exact: true });
  const id = await page.evaluate(async () => (await window.liminal.ask("map", {}, null)).id.data[7]);
  await bar.fill(`@${id} + random(3) - random(5)`);
  await page.keyboard.press("Enter");
  await panel().locator("h1.said").waitFor();
  await panel().locator("figure canvas").first().waitFor();
  await shoot(page, "share-formula");
  await bar.fill(`@${id} + nonsence`);
  await page.keyboard.press("Enter");
  await page.locator(".fault").waitFor();
  await bar.fill("");
}

/** What Python decodes of the same latents. */
async function parity() {
  const ids = await page.evaluate(async () =>
    Array.from((await window.liminal.ask("map", {}, null)).id.data.slice(0, 8)),
  );
  const code =
    "import sys,json,liminal\ns=liminal.open(sys.argv[1])\nz=s.latents[json.loads(sys.argv[2])]\n" +
    "print(json.dumps([z.tolist(), s.decode(z).reshape(len(z),-1).tolist(), s.support(z).tolist()]))";
  const [z, items, support] = JSON.parse(
    execFileSync("python", ["-c", code, SPACE, JSON.stringify(ids)], {
      maxBuffer: 1 << 28,
      stdio: ["ignore", "pipe", "ignore"],
    }).toString(),
  );
  const found = await page.evaluate(async (latents) => {
    const look = await window.liminal.ask("look", {}, Float32Array.from(latents.flat()));
    return { items: Array.from(look.items.data), support: Array.from(look.support.data) };
  }, z);
  const worst = Math.max(...items.flat().map((value, i) => Math.abs(value - found.items[i])));
  assert.ok(worst <= 1, `decoded items differ by ${worst} of 255`);
  support.forEach((value, i) =>
    assert.ok(Math.abs(value - found.support[i]) < 0.01, `support ${found.support[i]}, in Python ${value}`),
  );
  console.log(`      decoded items differ by at most ${worst} of 255`);
}

async function samples() {
  await view("Sample");
  await page.waitForFunction(() => document.querySelectorAll(".sheet canvas").length === 24);
  for (const i of [2, 5]) await page.getByRole("button", { name: new RegExp(`^Keep sample ${i},`) }).click();
  const [saved] = await Promise.all([
    page.waitForEvent("download"),
    page.locator(".keeping").getByRole("button", { name: "Save", exact: true }).click(),
  ]);
  const names = readFileSync(await saved.path()).toString("latin1");
  for (const name of ["sample-1.png", "sample-2.png", "samples.csv", "sheet.png"])
    assert.ok(names.includes(name), `${name} is not in the zip`);
  await shoot(page, "share-sample");
}

/** No button of any view leads to what only the studio can do. */
async function controls() {
  await page.goto(address);
  await rest(page);
  const tried = new Set(); // one of each: what differs in a number only does the same
  const id = await page.evaluate(async () => (await window.liminal.ask("map", {}, null)).id.data[7]);
  const buttons = page.locator(
    ".panel button:visible:enabled, .tools button:visible, .legend button:visible",
  );
  const names = await page.getByRole("navigation", { name: "Views" }).getByRole("button").allInnerTexts();
  let clicked = 0;
  for (const name of names) {
    const state = `view=${name.trim().toLowerCase()}&subject=@${id}&keys=@${id};random`;
    const begin = async (i) => {
      await page.evaluate((hash) => void (location.hash = hash), `${state}&n=${name}${i}`);
      await panel().locator("h1").first().waitFor();
      await page.waitForTimeout(150);
    };
    await begin("");
    for (let i = 0; i < (await buttons.count()); i++) {
      const button = buttons.nth(i);
      const words = await button.evaluate((one) => one.ariaLabel || one.title || one.textContent);
      const kind = `${name} ${words.replace(/\d+/g, "")}`;
      if (tried.has(kind)) continue;
      tried.add(kind);
      await button.click({ timeout: 1000 }).then(
        () => clicked++,
        () => null, // it lies under another
      );
      await page.waitForTimeout(100);
      const bad = await page.locator(".notice.bad, .panel .state.bad").allInnerTexts();
      assert.deepEqual(
        bad.filter((text) => /needs|studio|cannot/.test(text)),
        [],
        `${name}: ${words}`,
      );
      await begin(i);
    }
  }
  console.log(`      ${clicked} buttons in ${names.length} views`);
  assert.ok(clicked > 5 * names.length, `${clicked} buttons clicked in ${names.length} views`);
  await page.goto(address);
  await rest(page);
}

async function restored() {
  await view("Path");
  await page.waitForTimeout(400);
  const url = page.url();
  assert.match(url, /^file:.*#.*keys=/);
  const other = await context.newPage();
  listen(other);
  await other.goto(url);
  await other.waitForFunction(() => document.querySelectorAll(".handle").length === 2);
  await other.close();
}

async function looks() {
  await page.locator(".surface").focus();
  await page.keyboard.press("t");
  await rest(page);
  await page.waitForTimeout(300);
  await shoot(page, "share-dark");
  const phone = await browser.newContext({
    viewport: { width: 360, height: 740 },
    hasTouch: true,
    isMobile: true,
    colorScheme: "light",
  });
  await phone.setOffline(true);
  const small = await phone.newPage();
  listen(small);
  await small.goto(address);
  await small.locator(".invite").first().waitFor();
  await rest(small);
  assert.equal(await small.evaluate(() => document.documentElement.scrollWidth), 360);
  await shoot(small, "share-narrow");
  await phone.close();
}

/** A condition lists its items, by the page itself; what it cannot list is not there. */
async function listed() {
  const bar = page.getByLabel("Formula", { exact: true });
  const example = (await bar.getAttribute("placeholder")).split("find items: ")[1];
  await bar.fill(example);
  await page.keyboard.press("Enter");
  await panel().locator(".list tbody tr").first().waitFor();
  assert.match(await panel().locator(".say").innerText(), new RegExp(`^[\\d,]+ \\w+ with `));
  assert.equal(await panel().getByRole("radio", { name: "Loneliest" }).count(), 0);
  await page.waitForFunction(() => document.querySelector(".list .source").title !== "");
  await shoot(page, "share-list");
  await bar.fill("nothing_such > 1");
  await page.keyboard.press("Enter");
  await page
    .locator(".fault")
    .getByText(/no attribute/)
    .waitFor();
  await bar.fill("");
}

async function quiet() {
  assert.deepEqual(
    asked.filter((url) => !/^(file|blob|data):/.test(url)),
    [],
  );
  assert.deepEqual(faults, []);
}

const failed = await run(
  [
    ["it opens from the disk", first],
    ["the microscope decodes", microscope],
    ["hovering decodes", hover],
    ["a path, its handle, its film", path],
    ["the film as MP4", film],
    ["sliders and dimensions", sliders],
    ["formulas", formula],
    ["a condition lists items", listed],
    ["the same as in Python", parity],
    ["samples", samples],
    ["the address brings it back", restored],
    ["no button leads to what a page cannot do", controls],
    ["dark, and narrow", looks],
    ["no request, no fault", quiet],
  ],
  () => page,
);
await browser.close();
rmSync(folder, { recursive: true, force: true });
process.exit(failed ? 1 : 0);
