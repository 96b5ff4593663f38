/**
 * How fast a peer of the studio draws the same points in the same browser, in a place as large as the
 * studio's map:
 * `node test/bench/peers.mjs '{"who": "regl-scatterplot", "folder": ..., "url": ..., "kind": ..., "points":
 * ..., "width": ..., "height": ...}'`, the folder being one with the peers' packages. Prints one line of
 * JSON; `why`, where a peer draws nothing.
 */
import { createServer } from "node:http";
import { join } from "node:path";
import { build } from "esbuild";
import { pixels } from "../stand.mjs";
import { points } from "./maps.mjs";
import { main, opened, pan } from "./meter.mjs";

await main(
  async ({
    who,
    folder,
    url,
    kind = "heaps",
    points: n = 1_000_000,
    width,
    height,
    point = 3,
    seconds = 20,
    shot,
  }) => {
    const modules = join(folder, "node_modules");
    const { outputFiles } = await build({
      entryPoints: [new URL("./peer-page.mjs", import.meta.url).pathname],
      bundle: true,
      write: false,
      format: "esm",
      logLevel: "silent",
      nodePaths: [modules],
      alias: { "embedding-atlas-component": join(modules, "embedding-atlas/dist/component.js") },
      plugins: [{ name: "unused", setup: unused }],
    });
    const { xy, label } = await points(kind, url, n);
    const files = {
      "/": [
        "text/html",
        '<!doctype html><meta charset="utf-8"><body style="margin:0"><script type="module" ' +
          'src="/page.js"></script>',
      ],
    };
    files["/page.js"] = ["text/javascript", outputFiles[0].text];
    files["/points"] = [
      "application/octet-stream",
      Buffer.concat([Buffer.from(xy.buffer), Buffer.from(label.buffer)]),
    ];
    const server = createServer((request, answer) => {
      const [type, body] = files[request.url] ?? ["text/plain", ""];
      answer.setHeader("content-type", type).end(body);
    });
    await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
    const { browser, page } = await opened();
    const said = [];
    page.on("console", (message) => message.type() === "error" && said.push(message.text()));
    page.on("pageerror", (error) => said.push(error.message));
    await page.goto(`http://127.0.0.1:${server.address().port}/`);
    await page.waitForFunction(() => window.shown);
    const size = { width, height, point };
    const box = { x: 0, y: 0, width, height };
    await page.evaluate(([name, place]) => window.shown(name, place), [who, size]);
    const drawn = await page
      .waitForFunction(() => window.meter.frames.some((frame) => frame.vertices > 1000), undefined, {
        timeout: 15_000,
      })
      .then(
        () => true,
        () => false,
      );
    await page.waitForTimeout(1500);
    if (shot) await page.screenshot({ path: `${shot}.png` });
    const { colours } = await pixels(page, box);
    if (!drawn || colours < 8) {
      const missing = (who === "embedding-atlas" && (await page.evaluate(lacking))) || "";
      await browser.close();
      const words = said.filter((line) => !/Failed to load resource/.test(line))[0];
      return {
        who,
        points: n,
        why:
          [missing, words && `it says: ${words}`].filter(Boolean).join("; ") || `it shows ${colours} colours`,
      };
    }
    const first = await page.evaluate(
      () => window.meter.frames.find((frame) => frame.vertices > 1000).end - window.meter.begun,
    );
    const moved = await pan(page, box, 60, seconds);
    if (moved.frames < 3) throw new Error(`${who} drew ${moved.frames} frames while it was moved`);
    await browser.close();
    return { who, points: n, first_ms: first, colours, ...moved };
  },
);

/** Stands for packages that are imported by parts of a peer which are not used here. */
function unused(it) {
  it.onResolve({ filter: /^@uwdata\// }, ({ path }) => ({ path, namespace: "unused" }));
  it.onLoad({ filter: /.*/, namespace: "unused" }, () => ({ contents: "module.exports = {}" }));
}

/** What this browser's WebGPU lacks, in words; nothing where it lacks nothing. */
async function lacking() {
  const adapter = await navigator.gpu?.requestAdapter();
  if (!navigator.gpu) return "this browser has no WebGPU";
  if (!adapter) return "this browser's WebGPU has no adapter";
  return adapter.features.has("shader-f16")
    ? ""
    : `its WebGPU (${adapter.info.architecture || adapter.info.vendor}) has no shader-f16`;
}
