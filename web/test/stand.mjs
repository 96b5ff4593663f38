/** What the browser's tests stand on: the studio's command, a browser, and pages whose pixels can be read. */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import { chromium } from "playwright-core";

const find = (name) =>
  (process.env.PATH ?? "")
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find(existsSync);
const BROWSERS = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/** Milliseconds to wait for what must come: a busy machine is slow, and nothing here is a matter of time. */
export const PATIENCE = 90_000;

/** Starts `liminal studio SPACE`; gives its address and how to stop it. */
export function serve(space) {
  const child = spawn(
    process.env.LIMINAL ?? find("liminal") ?? "liminal",
    ["studio", space, "--no-browser"],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  let said = "";
  return new Promise((done, fail) => {
    const hear = (data) => {
      said += data;
      const url = /http:\/\/127\.0\.0\.1:\d+\/\?token=\S+/.exec(said)?.[0];
      if (url)
        done({ url, stop: () => new Promise((gone) => (child.once("exit", gone), child.kill("SIGINT"))) });
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    child.once("exit", (code) => fail(new Error(`liminal studio ended with ${code}: ${said}`)));
  });
}

/**
 * Has the server make what takes minutes at the first start with a space: the map, the way back from it, what
 * support needs.
 */
export async function ready(url, minutes = 12) {
  const [base, token] = url.split("/?");
  const ask = (path, body) =>
    fetch(
      `${base}/api/${path}${path.includes("?") ? "&" : "?"}${token}`,
      body ? { method: "POST", body } : {},
    );
  const until = Date.now() + minutes * 60_000;
  for (;;) {
    const map = await ask("map");
    const at = map.ok ? await ask("at?method=umap", new Uint8Array(8)) : map;
    const { tasks } = await (await ask("progress")).json();
    if (at.ok && !tasks.length) return;
    if ((!at.ok && at.status !== 503) || Date.now() > until)
      throw new Error(
        `the studio does not get ready: ${at.status} ${await at.text()} ${JSON.stringify(tasks)}`,
      );
    await new Promise((next) => setTimeout(next, 500));
  }
}

export function browse(more = []) {
  const executablePath = process.env.CHROMIUM ?? BROWSERS.map(find).find(Boolean);
  if (!executablePath) throw new Error("found no chromium on the PATH; name one in CHROMIUM");
  return chromium.launch({
    executablePath,
    args: [
      "--no-sandbox",
      "--use-gl=angle",
      "--use-angle=swiftshader",
      "--enable-unsafe-swiftshader",
      ...more,
    ],
  });
}

/** Keeps what goes wrong in a page, but for answers that say that a question was wrong or comes too soon. */
export function watch(page, faults) {
  page.on("pageerror", (error) => faults.push(error.message));
  page.on(
    "console",
    (message) =>
      message.type() === "error" &&
      !/status of (400|503)/.test(message.text()) &&
      faults.push(message.text()),
  );
}

/**
 * A part of the screen made small: n x n values of brightness, how many different colours there are, and
 * their mean.
 */
export async function pixels(page, clip, n = 1) {
  const shot = (await page.screenshot({ clip, animations: "disabled" })).toString("base64");
  return page.evaluate(measured, [`data:image/png;base64,${shot}`, n]);
}
/** The same of a picture that the server gives. */
export const pictured = (page, query, n) => page.evaluate(measured, [`/api/picture?${query}`, n]);
async function measured([url, n]) {
  // the page may fetch nothing but from its server, but show what is in an address
  const picture = new Image();
  picture.src = url;
  await picture.decode();
  const read = (width, height) => {
    const pen = new OffscreenCanvas(width, height).getContext("2d");
    pen.imageSmoothingQuality = "high";
    pen.drawImage(picture, 0, 0, width, height);
    return pen.getImageData(0, 0, width, height).data;
  };
  const all = read(picture.naturalWidth, picture.naturalHeight);
  const sum = [0, 0, 0];
  const seen = new Set();
  for (let i = 0; i < all.length; i += 4) {
    for (let c = 0; c < 3; c++) sum[c] += all[i + c];
    seen.add((all[i] << 16) | (all[i + 1] << 8) | all[i + 2]);
  }
  const few = read(n, n);
  return {
    mean: sum.map((v) => v / (all.length / 4)),
    colours: seen.size,
    grey: Array.from({ length: n * n }, (_, i) => (few[4 * i] + few[4 * i + 1] + few[4 * i + 2]) / 3),
  };
}

/** How alike two pictures are, as the correlation of their brightness. */
export function alike(a, b) {
  const mean = (all) => all.reduce((sum, v) => sum + v, 0) / all.length;
  const [ma, mb] = [mean(a), mean(b)];
  const sum = (f) => a.reduce((total, _, i) => total + f(a[i] - ma, b[i] - mb), 0);
  return sum((x, y) => x * y) / Math.sqrt(sum((x) => x * x) * sum((_, y) => y * y) || 1);
}

/** Waits until the map is drawn and nothing moves. */
export const rest = (page) =>
  page.waitForFunction(() => window.liminal?.renderer.resting && window.liminal.camera.value !== null);
/** Waits until the microscope has decoded all that is in view. */
export const decoded = (page) =>
  page.waitForFunction(() => {
    const state = window.liminal?.renderer.decoded();
    return state && state.wanted > 0 && state.decoded === state.wanted;
  });

export const SHOTS = process.env.SHOTS;
if (SHOTS) mkdirSync(SHOTS, { recursive: true });
export const shoot = async (page, name) =>
  void (SHOTS && (await page.screenshot({ path: join(SHOTS, `${name}.png`) })));

const MOST_FAILED = 4; // a page that is broken altogether needs no further waiting

/**
 * Runs named steps one after the other and says which did not hold; `ONLY=text` runs those whose name holds
 * the text.
 */
export async function run(steps, page) {
  const wanted = steps.filter(([name]) => !process.env.ONLY || name.includes(process.env.ONLY));
  const failed = [];
  for (const [name, step] of wanted) {
    const begun = performance.now();
    try {
      await step();
      console.log(`ok    ${name} (${((performance.now() - begun) / 1000).toFixed(1)} s)`);
    } catch (error) {
      failed.push(name);
      console.log(`FAIL  ${name}: ${error instanceof Error ? error.stack : error}`);
      if (SHOTS)
        await page()
          .screenshot({ path: join(SHOTS, `failed-${failed.length}.png`) })
          .catch(() => {});
      if (failed.length === MOST_FAILED) break;
    }
  }
  console.log(failed.length ? `FAILED: ${failed.join("; ")}` : `${wanted.length} steps hold`);
  return failed.length;
}
