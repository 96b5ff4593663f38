/**
 * What can be heard: the studio on a small space of melodies and on one of sounds, and a page of each from
 * the disk, without a network. SHOTS keeps screenshots, ONLY=words runs the steps whose name holds them.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { hand } from "./hand.mjs";
import { browse, PATIENCE, ready, rest, run, serve, shoot, watch } from "./stand.mjs";
import { composing, dropping } from "./steps/composing.mjs";

const folder = mkdtempSync(join(tmpdir(), "liminal-sound-"));
const liminal = (...words) => promisify(execFile)("liminal", words);

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
/** Forty tones of two seconds at 8 kHz, high or low, each in a file. */
function tones() {
  const [rate, count] = [8000, 16_000];
  for (let n = 0; n < 40; n++) {
    const kind = n % 2 ? "low" : "high";
    const head = Buffer.alloc(44 + 2 * count);
    head.write("RIFF");
    head.writeUInt32LE(36 + 2 * count, 4);
    head.write("WAVEfmt ", 8);
    head.writeUInt32LE(16, 16);
    head.writeUInt16LE(1, 20);
    head.writeUInt16LE(1, 22);
    head.writeUInt32LE(rate, 24);
    head.writeUInt32LE(2 * rate, 28);
    head.writeUInt16LE(2, 32);
    head.writeUInt16LE(16, 34);
    head.write("data", 36);
    head.writeUInt32LE(2 * count, 40);
    const pitch = (n % 2 ? 200 : 800) * (1 + n / 80);
    for (let i = 0; i < count; i++) {
      const tone = Math.sin((2 * Math.PI * pitch * i) / rate) * Math.exp((-(n % 7) * (i / rate)) / 5);
      head.writeInt16LE(Math.round(20_000 * tone * Math.min(1, i / 80)), 44 + 2 * i);
    }
    mkdirSync(join(folder, "tones", kind), { recursive: true });
    writeFileSync(join(folder, "tones", kind, `${n}.wav`), head);
  }
}

/** One of the tones in other forms, by soundfile, and the files that they are of. */
const FORMS = `import sys, soundfile
samples, rate = soundfile.read(sys.argv[1])
for ending in ("flac", "ogg", "mp3"):
    soundfile.write(sys.argv[2] + "." + ending, samples, rate)`;
const dropped = {};

async function fitted(name, data, more) {
  const space = join(folder, name);
  await liminal("fit", data, "-o", space, "--dim", "4", "--epochs", "5", "-q", ...more);
  return space;
}
writeFileSync(join(folder, "tunes.abc"), tunes());
tones();
const tone = join(folder, "tones", "high", "4.wav");
await promisify(execFile)("python", ["-c", FORMS, tone, join(folder, "other")]);
dropped[tone] = "high/4.wav";
for (const ending of ["flac", "ogg", "mp3"]) dropped[join(folder, `other.${ending}`)] = "high/4.wav";
const melodies = fitted("melodies", join(folder, "tunes.abc"), ["--bars", "1"]);
const sounds = fitted("sounds", join(folder, "tones"), ["--bands", "32"]);

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
    const sum = samples.reduce((all, value) => all + Math.abs(value), 0);
    window.begun.push({ when, seconds: this.buffer.duration, peak, sum, state: () => this.context.state });
    return start.call(this, when);
  };
}

const browser = await browse();
const [faults, foreign] = [[], []];
async function open(options) {
  const context = await browser.newContext({
    colorScheme: "light",
    permissions: ["clipboard-read", "clipboard-write"],
    ...options,
  });
  context.setDefaultTimeout(PATIENCE);
  await context.addInitScript(listening);
  const page = await context.newPage();
  watch(page, faults);
  page.on("request", (request) => foreign.push(request.url()));
  return hand(page);
}
const DESK = { viewport: { width: 1280, height: 800 } };

/**
 * Seconds of an item, and of what of it sounds into others; bytes of so many as one file; how it is saved,
 * and what a piece can be over.
 */
const MELODY = {
  lasts: 2,
  more: 0.06,
  wav: (n) => 44 + 2 * (Math.trunc((2 * n + 0.06) * 22_050) + 1),
  files: ["mid", "MThd"],
  over: "Am F",
};
const SOUND = { lasts: 2.048, more: 0.032, wav: (n) => 44 + 2 * n * 128 * 128, files: ["wav", "RIFF"] };

/** The steps of one shell; `who` is in their names. */
function steps(who, one, kind) {
  const {
    lasts,
    more,
    wav: bytes,
    files: [ending, magic],
  } = kind;
  const { page, panel } = one;
  const hears = () => panel.locator(".hear");
  const pressed = () => hears().evaluateAll((all) => all.map((each) => each.ariaPressed === "true"));
  const loud = () => page.waitForFunction(() => window.level() > 0.03);
  const silent = () => page.waitForFunction(() => window.level() < 1e-4);
  const begun = () => page.evaluate(() => window.begun.map((each) => ({ ...each, state: each.state() })));
  const scrub = () => panel.getByLabel("Frame", { exact: true });
  const frame = (n) =>
    page.waitForFunction((at) => document.querySelector(".scrub").value === at, `${n}`, { polling: 20 });

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
      assert.ok(Math.abs(seconds - lasts - more) < 0.002, `it lasts ${seconds} s`);
      assert.equal(state, "running");
    }
    await page.keyboard.press("h");
    await loud();
    await one.go(`view=item&subject=@${other}`); // who goes on does not hear what is no longer there
    await silent();
  }

  /** Again and again, without a gap, and as it becomes while a slider moves. */
  async function again() {
    await one.go(`view=directions&found=pca&subject=@${await id(3)}`);
    await panel.locator(".track").first().waitFor();
    await page.keyboard.press("Space");
    await loud();
    await hears().nth(1).click();
    const there = (await begun()).length;
    await panel.getByRole("button", { name: "Again and again", exact: true }).click();
    const since = async () => (await begun()).slice(there - 1);
    await one.until(async () => (await since()).length > 1, "it does not begin again");
    await shoot(page, `${who}-again`);
    const before = (await since()).at(-1).sum;
    await panel.locator(".track").first().fill("1");
    await one.until(
      async () => Math.abs((await since()).at(-1).sum - before) > 1e-3,
      "it goes on as it was before the slider moved",
    );
    const all = await since();
    for (const [i, { when }] of all.entries())
      if (i) assert.ok(Math.abs(when - all[i - 1].when - lasts) < 1e-6, "there is a gap between two");
    await panel.getByRole("button", { name: "Again and again", exact: true }).click();
    await page.locator(".surface").focus();
    await page.keyboard.press("Space");
    await silent();
  }

  async function path() {
    await one.go(`view=path&keys=@${await id(3)};@${await id(4)}`);
    await hears().first().waitFor();
    await panel.locator(".take .main:enabled").waitFor();
    const there = (await begun()).length; // nothing sounds by itself
    assert.equal(await panel.getByRole("button", { name: "Pause", exact: true }).count(), 0);
    await panel.getByLabel("Tempo").selectOption("4");
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
    assert.ok(all.length >= 3, `${all.length} frames were made ready`);
    for (const [i, { when, seconds }] of all.entries()) {
      assert.ok(Math.abs(seconds - lasts / 4 - more) < 0.002, `a frame lasts ${seconds} s`);
      if (i)
        assert.ok(
          Math.abs(when - all[i - 1].when - lasts / 4) < 1e-6,
          "frames do not follow each other at once",
        );
    }
    await panel.getByLabel("Tempo").selectOption("1");
  }

  /** What the pointer is over, softly, once that is switched on; not while something else sounds. */
  async function hover() {
    await one.go("view=start");
    const [{ x, y }] = await one.rows(1);
    const there = (await begun()).length;
    await page.mouse.move(x, y);
    await page.locator(".hover canvas").first().waitFor();
    await page.waitForTimeout(400);
    assert.equal((await begun()).length, there, "it sounds though nobody asked for it");
    await page.keyboard.press("s");
    assert.equal(await page.locator(".hovers").getAttribute("aria-pressed"), "true");
    await page.mouse.move(x + 3, y);
    await one.until(async () => (await begun()).length > there, "nothing sounds under the pointer");
    const [{ peak }] = (await begun()).slice(there);
    assert.ok((await page.evaluate(() => window.level())) < 0.16 * Math.max(peak, 0.1), "it is not soft");
    await page.mouse.move(x, 5);
    await silent();
    await page.keyboard.press("s");
  }

  async function saved() {
    await panel.getByLabel("Frames of what is saved").selectOption("12");
    const own = await one.download(() => one.button(`Save as ${ending.toUpperCase()}`).click());
    assert.equal(own.subarray(0, 4).toString("latin1"), magic);
    const wav = ending === "wav" ? own : await one.download(() => one.button("WAV").click());
    assert.equal(wav.subarray(0, 4).toString("latin1"), "RIFF");
    assert.equal(wav.length, bytes(12));
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
    assert.ok(zip.includes(`sample-1.${ending}`) && zip.includes(magic), "no file of it in the zip");
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

  return {
    "an item, and what is beside it": item,
    "again and again, while sliders move": again,
    "a path plays as music": path,
    "paths as files": saved,
    "what the pointer is over": hover,
    samples,
    "by night, and narrow": looks,
    ...composing(who, one, kind),
    "dropped files": dropping(who, one, dropped),
  };
}

const servers = [];
async function studio(of) {
  const server = await serve(await of);
  servers.push(server);
  await ready(server.url);
  const one = await open(DESK);
  await one.page.goto(server.url);
  return one;
}
async function shared(of) {
  const [space, one] = [await of, await open(DESK)];
  await liminal("share", space, "-o", `${space}.html`, "-q");
  await one.page.context().setOffline(true);
  await one.page.goto(pathToFileURL(`${space}.html`).href);
  return one;
}

/** One shell after the other, each made ready while the one before is tried. */
const desk = studio(melodies);
const file = desk.then(() => shared(melodies));
const heard = shared(sounds);
const other = heard.then(() => studio(sounds));
let shown = null;
/** Steps of a shell by the words that their names begin with. */
const tried = (who, shell, kind, words) =>
  words.map((word) => [
    `${who}: ${word}`,
    async () => {
      const one = await shell;
      shown = one.page;
      const all = steps(who, one, kind);
      await (all[word] ?? all[Object.keys(all).find((name) => name.startsWith(word))])();
    },
  ]);
const ALL = ["an item", "a path", "paths as files", "films sound", "samples"];
const PIECES = ["pieces", "pieces as files", "their form"];
const failed = await run(
  [
    ...tried("studio, melodies", desk, MELODY, [...ALL, ...PIECES, "by night"]),
    ...tried("page, melodies", file, MELODY, [
      "an item",
      "a path",
      "paths as files",
      "films sound",
      "apart",
      "samples",
    ]),
    ...tried("page, sounds", heard, SOUND, [...ALL, "dropped", "again", "what the pointer", "by night"]),
    ...tried("studio, sounds", other, SOUND, [
      "an item",
      "a path",
      "paths as files",
      ...PIECES,
      "dropped",
      "again",
      "what the pointer",
    ]),
    [
      "no foreign request, no fault in the console",
      async () => {
        const own = servers.map(({ url }) => new URL(url).host);
        const others = foreign.filter(
          (url) => /^(https?|wss?):/.test(url) && !own.includes(new URL(url).host),
        );
        assert.deepEqual([others, faults], [[], []]);
      },
    ],
  ],
  () => shown,
);
await browser.close();
for (const { stop } of servers) await stop();
rmSync(folder, { recursive: true, force: true });
process.exit(failed ? 1 : 0);
