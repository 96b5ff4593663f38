/**
 * Sentences, shapes and tables: the studio on a space of each, and a page of sentences from the disk. SHOTS
 * keeps screenshots, ONLY=words runs the steps whose name holds them.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { hand } from "./hand.mjs";
import { browse, PATIENCE, ready, rest, run, serve, watch } from "./stand.mjs";
import { steps as shapes, touched } from "./steps/shapes.mjs";
import { steps as sentences } from "./steps/sentences.mjs";
import { steps as tables } from "./steps/tables.mjs";

const folder = mkdtempSync(join(tmpdir(), "liminal-kinds-"));
const liminal = (...words) => promisify(execFile)("liminal", words);

/** Numbers in [0, 1) that look drawn, the same each time. */
let state = 7;
const draw = () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
const of = (all) => all[Math.floor(draw() * all.length)];

/** What guests say of a house, a line each: few words, so that little training tells them apart. */
function said() {
  const THINGS = ["food", "service", "room", "coffee", "music", "bread", "garden", "soup"];
  const [GOOD, BAD] = [
    ["great", "friendly", "fresh", "lovely"],
    ["slow", "cold", "awful", "rude"],
  ];
  return Array.from({ length: 240 }, (_, i) => {
    const word = of(i % 2 ? GOOD : BAD);
    return of([
      `the ${of(THINGS)} was ${word}`,
      `my ${of(THINGS)} is ${word} today`,
      `we said that the ${of(THINGS)} was very ${word}`,
    ]);
  });
}

const COLUMNS = "length,weight,sort,spots";
/** Fish: weights follow lengths, and long ones are all of the sort c; but for the last, which is of a. */
function fish() {
  const rows = Array.from({ length: 240 }, () => {
    const length = 10 * draw();
    const sort = length > 7 ? "c" : of(["a", "b"]);
    return [length.toFixed(2), (3 * length + draw()).toFixed(2), sort, of(["yes", "no"])].join();
  });
  return [COLUMNS, ...rows, "9.00,27.50,a,yes"];
}

async function fitted(name, data, lines, ...more) {
  writeFileSync(join(folder, data), `${lines.join("\n")}\n`);
  await liminal("fit", join(folder, data), "-o", join(folder, name), "-q", ...more);
  return join(folder, name);
}
const wordy = fitted("sentences", "said.txt", said(), "--dim", "8", "--epochs", "40");
const rowed = fitted("fish", "fish.csv", fish(), "--epochs", "5");

const browser = await browse();
const [faults, foreign] = [[], []];
async function open(options = {}) {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    colorScheme: "light",
    reducedMotion: "reduce",
    permissions: ["clipboard-read", "clipboard-write"],
    ...options,
  });
  context.setDefaultTimeout(PATIENCE);
  const page = await context.newPage();
  watch(page, faults);
  page.on("request", (request) => foreign.push(request.url()));
  return hand(page);
}

let server = null;
/** Ends the studio, once no page asks it for anything any more. */
async function leave() {
  for (const { page } of [desk, phone]) await page.goto("about:blank");
  await server?.stop();
  server = null;
}
/** The studio on a space in the hand, and in others. */
const studio =
  (space, ...hands) =>
  async () => {
    await leave();
    server = await serve(await space);
    await ready(server.url);
    for (const each of hands) {
      await each.page.goto(server.url);
      await rest(each.page);
    }
  };

/** A page of sentences as people get it: a file, and no network. */
async function shared() {
  await leave();
  const page = join(folder, "sentences.html");
  await liminal("share", await wordy, "-o", page, "-q");
  await alone.page.context().setOffline(true);
  await alone.page.goto(pathToFileURL(page).href);
  await rest(alone.page);
}

async function quiet() {
  const own = (url) => /^(http:\/\/127\.0\.0\.1|file|data|blob):/.test(url);
  assert.deepEqual(
    foreign.filter((url) => !own(url)),
    [],
  );
  assert.deepEqual(faults, []);
}

const [desk, alone] = [await open(), await open()];
const phone = await open({ viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true });
const failed = await run(
  [
    ["shapes", studio("furniture", desk, phone)],
    ...shapes(desk),
    ["shapes, turned by a finger", touched(phone)],
    ["rows", studio(rowed, desk, phone)],
    ...tables(desk, phone, { source: "fish.csv#240", odd: "sort", file: `${COLUMNS}\n9.1,27.1,b,no\n` }),
    ["sentences", studio(wordy, desk)],
    ...sentences("studio", desk),
    ["a page of sentences", shared],
    ...sentences("page", alone),
    ["no foreign request, no fault in the console", quiet],
  ],
  () => desk.page,
);
await leave();
await browser.close();
rmSync(folder, { recursive: true, force: true });
process.exit(failed ? 1 : 0);
