/**
 * What can be heard: the studio on a small space of melodies, then a page of it from the disk, without a
 * network. `node test/sound.mjs [SPACE]` fits one where none is given; SHOTS keeps screenshots, ONLY=words
 * runs the steps whose name holds them.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { hand } from "./hand.mjs";
import { browse, PATIENCE, ready, rest, run, serve, shoot } from "./stand.mjs";

const folder = mkdtempSync(join(tmpdir(), "liminal-sound-"));
const liminal = (...words) => execFileSync("liminal", words, { stdio: ["ignore", "ignore", "inherit"] });

/** Forty tunes of four bars, rising or falling, as one ABC file. */
function tunes() {
  const NOTES = "CDEFGABcdefgab";
  return Array.from({ length: 40 }, (_, i) => {
    const note = (k) => NOTES[Math.max(0, Math.min(13, (i % 7) + (i % 2 ? 4 - k : k)))];
    const bar = (b) =>
      [0, 1, 2, 3].map((k) => note(k + ((b * (i + 1)) % 3)) + ((i + b) % 3 ? "2" : "")).join("");
    const full = (b) => bar(b) + ((i + b) % 3 ? "" : "z4");
    return `X:${i + 1}\nT:tune ${i + 1}\nM:4/4\nL:1/8\nK:C\n${[0, 1, 2, 3].map(full).join("|")}|\n`;
  }).join("\n");
}
let space = process.argv[2];
if (!space) {
  writeFileSync(join(folder, "tunes.abc"), tunes());
  space = join(folder, "space");
  liminal("fit", join(folder, "tunes.abc"), "-o", space, "--bars", "1", "--dim", "4", "--epochs", "5", "-q");
}

/** Hears what a page sends to the loudspeakers: what began when, and how loud it is now. */
function listening() {
  const [connect, start] = [AudioNode.prototype.connect, AudioBufferSourceNode.prototype.start];
  const meters = [];
  window.begun = [];
  window.level = () =>
    Math.max(
      0,
      ...meters.map((meter) => {
        if (meter.context.state !== "running") return 0; // it holds what came last
        const samples = new Float32Array(meter.fftSize);
        meter.getFloatTimeDomainData(samples);
        return Math.max(...samples.map(Math.abs));
      }),
    );
  AudioNode.prototype.connect = function (to, ...more) {
    if (to instanceof AudioDestinationNode) {
      const meter = new AnalyserNode(this.context, { fftSize: 4096 });
      connect.call(this, meter);
      meters.push(meter);
    }
    return connect.call(this, to, ...more);
  };
  AudioBufferSourceNode.prototype.start = function (when) {
    const samples = this.buffer.getChannelData(0);
    const peak = samples.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    window.begun.push({ when, seconds: this.buffer.duration, peak, state: () => this.context.state });
    return start.call(this, when);
  };
}

const browser = await browse();
const [faults, foreign] = [[], []];
async function open(options) {
  const context = await browser.newContext({ colorScheme: "light", ...options });
  context.setDefaultTimeout(PATIENCE);
  await context.addInitScript(listening);
  const page = await context.newPage();
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
  page.on("request", (request) => foreign.push(request.url()));
  return hand(page);
}
const DESK = { viewport: { width: 1280, height: 800 } };

/** The steps of one shell; `who` is in their names. */
function steps(who, one) {
  const { page, panel } = one;
  const hears = () => panel.locator(".hear");
  const pressed = () => hears().evaluateAll((all) => all.map((each) => each.ariaPressed === "true"));
  const loud = () => page.waitForFunction(() => window.level() > 0.03);
  const silent = () => page.waitForFunction(() => window.level() < 1e-4);
  const begun = () => page.evaluate(() => window.begun.map((each) => ({ ...each, state: each.state() })));
  const scrub = () => panel.getByLabel("Frame", { exact: true });
  const frame = (n) => page.waitForFunction((at) => document.querySelector(".scrub").value === at, `${n}`);

  /** The id of the item in a row. */
  const id = (row) =>
    page.evaluate(async (at) => (await window.liminal.ask("map", {}, null)).id.data[at], row);

  async function item() {
    await rest(page);
    const [first, other] = [await id(3), await id(5)];
    await one.go(`view=item&subject=@${first}`);
    await hears().nth(1).waitFor();
    assert.deepEqual(await pressed(), [false, false]);
    await panel.getByRole("button", { name: `Play item ${first}`, exact: true }).click();
    await loud();
    await panel.locator(".playhead").waitFor();
    assert.deepEqual(await pressed(), [true, false]);
    const left = () => panel.locator(".playhead").evaluate((line) => parseFloat(line.style.left));
    const before = await left();
    await one.until(async () => (await left()) > before, "the line over the picture stands still");
    await shoot(page, `${who}-item`);
    await page.keyboard.press("h");
    await page.waitForFunction(() => document.querySelectorAll(".panel .hear")[1].ariaPressed === "true");
    assert.deepEqual(await pressed(), [false, true]);
    await page.keyboard.press("h");
    await silent();
    assert.equal(await panel.locator(".playhead").count(), 0);
    const all = await begun();
    assert.equal(all.length, 2);
    for (const { peak, seconds, state } of all) {
      assert.ok(peak > 0.2 && peak <= 0.96, `its peak is ${peak}`);
      assert.ok(seconds > 2 && seconds < 2.1, `a bar lasts ${seconds} s`);
      assert.equal(state, "running");
    }
    await page.keyboard.press("h");
    await loud();
    await one.go(`view=item&subject=@${other}`); // who goes on does not hear what is no longer there
    await silent();
  }

  async function path() {
    await one.go(`view=path&keys=@${await id(3)};@${await id(4)}`);
    await hears().first().waitFor();
    await panel.locator(".take .main:enabled").waitFor();
    const there = (await begun()).length; // nothing sounds by itself
    assert.equal(await panel.getByRole("button", { name: "Pause", exact: true }).count(), 0);
    await scrub().fill("46");
    await panel.getByRole("button", { name: "Loop", exact: true }).click();
    await page.waitForFunction(() => /&?loop=1/.test(location.hash));
    await panel.locator(".take .main:enabled").waitFor();
    await page.locator(".surface").focus();
    await page.keyboard.press("Space");
    await loud();
    await frame(47);
    await shoot(page, `${who}-path`);
    await frame(0);
    await page.keyboard.press("Space");
    await silent();
    const all = (await begun()).slice(there);
    assert.ok(all.length >= 3 && all.length <= 5, `${all.length} frames were made ready`);
    for (const [i, { when }] of all.entries())
      if (i)
        assert.ok(Math.abs(when - all[i - 1].when - 2) < 1e-6, "frames do not follow each other at once");
  }

  async function saved() {
    await panel.getByLabel("Frames of what is saved").selectOption("12");
    const midi = await one.download(() => one.button("MID").click());
    assert.equal(midi.subarray(0, 4).toString("latin1"), "MThd");
    const wav = await one.download(() => one.button("WAV").click());
    assert.equal(wav.subarray(0, 4).toString("latin1"), "RIFF");
    assert.equal(wav.length, 44 + 2 * (Math.trunc(24.06 * 22_050) + 1));
  }

  async function samples() {
    await one.view("Sample");
    await page.waitForFunction(() => document.querySelectorAll(".sheet canvas").length === 24);
    await panel.locator(".sheet li").nth(2).hover();
    await panel.getByRole("button", { name: "Play sample 3", exact: true }).click();
    await loud();
    await shoot(page, `${who}-sample`);
    await panel.getByRole("button", { name: "Play sample 3", exact: true }).click();
    await silent();
    await panel.getByRole("button", { name: /^Keep sample 3,/ }).click();
    const zip = await one.download(() =>
      panel.locator(".keeping").getByText("Save", { exact: true }).click(),
    );
    assert.ok(zip.includes("sample-1.mid") && zip.includes("MThd"), "no MIDI file in the zip");
  }

  async function looks() {
    await page.locator(".surface").focus();
    await page.keyboard.press("t");
    for (const [name, address] of [
      ["item", `view=item&subject=@${await id(3)}`],
      ["path", `view=path&keys=@${await id(3)};@${await id(4)}`],
      ["directions", `view=directions&subject=@${await id(3)}`],
    ]) {
      await one.go(address);
      await panel.locator("canvas").first().waitFor();
      await rest(page);
      await page.waitForTimeout(300);
      await shoot(page, `${who}-${name}-dark`);
    }
    assert.deepEqual(await one.faults(), []);
    await page.keyboard.press("t");
    await page.setViewportSize({ width: 360, height: 740 });
    for (const view of ["item", "path", "directions"]) {
      await one.go(`view=${view}&subject=@${await id(3)}&keys=@${await id(3)};@${await id(4)}`);
      await hears().first().waitFor();
      await rest(page);
      await page.waitForTimeout(300);
      await one.shut();
      await shoot(page, `${who}-${view}-narrow`);
    }
    await page.setViewportSize(DESK.viewport);
  }

  return [
    [`${who}: an item, and what is beside it`, item],
    [`${who}: a path plays as music`, path],
    [`${who}: paths as files`, saved],
    [`${who}: samples`, samples],
    [`${who}: by night, and narrow`, looks],
  ];
}

const server = await serve(space);
await ready(server.url);
const desk = await open(DESK);
await desk.page.goto(server.url);
const file = process.env.PAGE ?? join(folder, "page.html");
if (!process.env.PAGE) liminal("share", space, "-o", file, "-q");
const shared = await open(DESK);
await shared.page.context().setOffline(true);
await shared.page.goto(pathToFileURL(file).href);
let shown = desk.page;
const turned = (one, all) => all.map(([name, step]) => [name, () => ((shown = one.page), step())]);
const failed = await run(
  [
    ...turned(desk, steps("studio", desk)),
    ...turned(shared, steps("page", shared)),
    [
      "no foreign request, no fault in the console",
      () => {
        const own = new URL(server.url).host;
        const others = foreign.filter((url) => /^(https?|wss?):/.test(url) && new URL(url).host !== own);
        assert.deepEqual([others, faults], [[], []]);
      },
    ],
  ],
  () => shown,
);
await browser.close();
await server.stop();
rmSync(folder, { recursive: true, force: true });
process.exit(failed ? 1 : 0);
