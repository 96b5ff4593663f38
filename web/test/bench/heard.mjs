/**
 * How soon one hears something: `node test/bench/heard.mjs '{"url": ..., "presses": 40}'`, of a running
 * studio whose items sound. From the press of a key, by the time that the event itself carries, to the time
 * at which the buffer starts on the clock of the sound, and the latency of the output, by which that runs
 * ahead; what is played has been shown and made ready before, and the page was silent for so long that its
 * sound had been put to rest. And from the request for a place to the moment in which its sound is made.
 */
import { hand } from "../hand.mjs";
import { rest } from "../stand.mjs";
import { main, median, opened, randoms } from "./meter.mjs";

const [SHOWN, SILENT, TAKEN] = [700, 1600, 400]; // milliseconds

/** Notes keys, and what is begun when; runs in the page before everything else. */
function listening() {
  window.keys = [];
  window.begun = [];
  addEventListener("keydown", (event) => window.keys.push(event.timeStamp), { capture: true });
  const start = AudioBufferSourceNode.prototype.start;
  AudioBufferSourceNode.prototype.start = function (when) {
    window.begun.push({ when, context: this.context, state: this.context.state });
    return start.call(this, when);
  };
}

/**
 * When the first buffer started, by the clock of the page: the context's clock goes forward in steps, so that
 * the earliest of many readings is the one to believe.
 */
async function started(milliseconds) {
  const [{ when, context, state }] = window.begun;
  let [earliest, end] = [Infinity, performance.now() + milliseconds];
  while (performance.now() < end || earliest === Infinity) {
    if (context.currentTime > when)
      earliest = Math.min(earliest, performance.now() - 1000 * (context.currentTime - when));
    await new Promise((next) => setTimeout(next, 4));
  }
  const latency = 1000 * (context.outputLatency || context.baseLatency);
  const clock = earliest - window.keys.at(-1);
  return { took: clock + latency, clock, state };
}

/** From the request to the sound of the place half way between two items. */
async function ready([first, other]) {
  const { ask, heard } = window.liminal;
  const [a, b] = await Promise.all([first, other].map((id) => ask("item", { id }, null)));
  const z = Float32Array.from(a.z, (value, i) => (value + b.z[i]) / 2);
  const begun = performance.now();
  const { items } = await ask("decode", {}, z);
  const decoded = performance.now();
  const { sound } = heard(items, 0);
  return { took: performance.now() - begun, decoded: decoded - begun, seconds: sound.seconds };
}

await main(async ({ url, presses = 40, shot }) => {
  const { browser, page } = await opened();
  await page.addInitScript(listening);
  const one = hand(page);
  await page.goto(url);
  await rest(page);
  const random = randoms();
  const count = await page.evaluate(() => window.liminal.renderer.points.count);
  const item = () => Math.floor(random() * count);
  await page.mouse.click(2, 2); // or the page may not sound
  const press = async () => {
    await one.go(`view=item&subject=@${item()}`);
    await one.panel.locator(".hear").first().waitFor();
    await page.waitForTimeout(SHOWN);
    await page.evaluate(() => (window.begun.length = 0));
    await page.keyboard.press("h");
    await page.waitForFunction(() => window.begun.length > 0, undefined, { polling: 10 });
    const found = await page.evaluate(started, TAKEN);
    await page.keyboard.press("Space"); // silence
    await page.waitForTimeout(SILENT);
    return found;
  };
  for (let i = 0; i < 3; i++) await press(); // both sides are warm
  const pressed = [];
  for (let i = 0; i < presses; i++) pressed.push(await press());
  if (shot) await page.screenshot({ path: `${shot}.png` });
  for (let i = 0; i < 3; i++) await page.evaluate(ready, [item(), item()]);
  const decoded = [];
  for (let i = 0; i < presses; i++) decoded.push(await page.evaluate(ready, [item(), item()]));
  await browser.close();
  const of = (list, name, share) =>
    median(
      list.map((each) => each[name]),
      share,
    );
  return {
    press_ms: of(pressed, "took"),
    press_ms_p95: of(pressed, "took", 0.95),
    clock_ms: of(pressed, "clock"),
    rested: pressed.filter(({ state }) => state === "suspended").length,
    presses: pressed.length,
    ready_ms: of(decoded, "took"),
    ready_ms_p95: of(decoded, "took", 0.95),
    decoded_ms: of(decoded, "decoded"),
    seconds: of(decoded, "seconds"),
  };
});
