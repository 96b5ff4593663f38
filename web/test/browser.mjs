/**
 * Drives the built studio in a browser against the real server: every view with mouse, keys and fingers, what
 * it shows and what it gives away. `node test/browser.mjs [SPACE]`; SHOTS=folder keeps screenshots,
 * ONLY=words runs the steps whose name holds them.
 */
import assert from "node:assert/strict";
import { hand } from "./hand.mjs";
import { browse, PATIENCE, ready, run, serve, watch } from "./stand.mjs";
import { steps as directions } from "./steps/directions.mjs";
import { steps as item } from "./steps/item.mjs";
import { steps as list } from "./steps/list.mjs";
import { steps as making } from "./steps/making.mjs";
import { steps as map } from "./steps/map.mjs";
import { steps as path } from "./steps/path.mjs";
import { narrow, steps as people } from "./steps/people.mjs";
import { steps as words } from "./steps/words.mjs";

const server = await serve(process.argv[2] ?? "fashion");
await ready(server.url);
const browser = await browse();
const faults = [];
const foreign = [];

async function open(options) {
  const context = await browser.newContext({
    colorScheme: "light",
    permissions: ["clipboard-read", "clipboard-write"],
    ...options,
  });
  context.setDefaultTimeout(PATIENCE);
  const page = await context.newPage();
  watch(page, faults);
  page.on(
    "request",
    (request) =>
      /^(https?|wss?):/.test(request.url()) &&
      new URL(request.url()).host !== new URL(server.url).host &&
      foreign.push(request.url()),
  );
  return hand(page);
}

async function quiet() {
  assert.deepEqual(foreign, []);
  assert.deepEqual(faults, []);
}

const desk = await open({ viewport: { width: 1280, height: 800 } });
await desk.page.goto(server.url);
const phone = await open({ viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true });
const failed = await run(
  [
    ...[map, item, path, directions, making, list, words, people].flatMap((of) => of(desk)),
    ["narrow, with fingers", narrow(phone, server.url)],
    ["no foreign request, no fault in the console", quiet],
  ],
  () => desk.page,
);
await browser.close();
await server.stop();
process.exit(failed ? 1 : 0);
