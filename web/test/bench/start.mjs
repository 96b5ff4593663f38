/**
 * How long the studio of a space takes from the command: `LIMINAL=... node test/bench/start.mjs '{"space":
 * "fashion"}'`. The browser is open already. Until the map is drawn; until the card under the pointer is
 * painted for the first time; and the script that was loaded.
 */
import { gzipSync } from "node:zlib";
import { serve } from "../stand.mjs";
import { free, main, opened } from "./meter.mjs";

await main(async ({ space = "fashion" }) => {
  const { browser, page } = await opened();
  const scripts = [];
  page.on("response", (answer) => {
    const kind = answer.headers()["content-type"] ?? "";
    if (kind.includes("javascript")) scripts.push(answer.body().catch(() => Buffer.alloc(0)));
  });
  await page.goto("about:blank");
  const begun = Date.now();
  const server = await serve(space);
  const told = Date.now() - begun;
  try {
    await page.goto(server.url, { waitUntil: "commit" });
    await page.waitForFunction(() => window.meter?.frames.some((frame) => frame.vertices > 1000), undefined, {
      polling: 20,
    });
    const map = await page.evaluate(
      (since) =>
        performance.timeOrigin + window.meter.frames.find((frame) => frame.vertices > 1000).end - since,
      begun,
    );
    const script = (await Promise.all(scripts)).reduce(
      (sum, body) => sum + gzipSync(body, { level: 9 }).length,
      0,
    );
    const [x, y] = await page.evaluate(free);
    const until = Date.now() + 60_000;
    for (let i = 0; Date.now() < until && !(await page.evaluate(() => window.meter.paints.length)); i++) {
      // now and then: who waits for the model lets the pointer rest
      if (i % 5 === 0) await page.mouse.move(x + ((i / 5) % 7), y);
      await page.waitForTimeout(100); // the page itself notes when it paints
    }
    const live = await page.evaluate(
      (since) => performance.timeOrigin + window.meter.paints[0] - since,
      begun,
    );
    return { told_ms: told, map_ms: map, live_ms: live, script_bytes: script };
  } finally {
    await server.stop();
    await browser.close();
  }
});
