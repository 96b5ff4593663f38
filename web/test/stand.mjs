/** What the browser's tests stand on: the studio's command, a browser, and a page whose pixels can be read. */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import { chromium } from "playwright-core";

const find = (name) => (process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, name)).find(existsSync);

/** Starts `liminal studio SPACE`; gives its address and how to stop it. */
export function serve(space) {
  const child = spawn(process.env.LIMINAL ?? find("liminal") ?? "liminal", ["studio", space, "--no-browser"], { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  return new Promise((done, fail) => {
    const hear = (data) => {
      said += data;
      const url = /http:\/\/127\.0\.0\.1:\d+\/\?token=\S+/.exec(said)?.[0];
      if (url) done({ url, stop: () => new Promise((gone) => (child.once("exit", gone), child.kill("SIGINT"))) });
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    child.once("exit", (code) => fail(new Error(`liminal studio ended with ${code}: ${said}`)));
  });
}

export function browse(more = []) {
  const executablePath = process.env.CHROMIUM ?? find("chromium") ?? find("chromium-browser") ?? find("google-chrome");
  if (!executablePath) throw new Error("found no chromium on the PATH; name one in CHROMIUM");
  return chromium.launch({ executablePath, args: ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", ...more] });
}

/** Numbers about a part of the screen: mean of red, green and blue, and how many different colours there are. */
export async function pixels(page, clip) {
  const shot = (await page.screenshot({ clip })).toString("base64");
  return page.evaluate(async (data) => {
    const picture = new Image();
    picture.src = `data:image/png;base64,${data}`;
    await picture.decode();
    const pen = new OffscreenCanvas(picture.width, picture.height).getContext("2d");
    pen.drawImage(picture, 0, 0);
    const all = pen.getImageData(0, 0, picture.width, picture.height).data;
    const sum = [0, 0, 0];
    const seen = new Set();
    for (let i = 0; i < all.length; i += 4) {
      for (let c = 0; c < 3; c++) sum[c] += all[i + c];
      seen.add((all[i] << 16) | (all[i + 1] << 8) | all[i + 2]);
    }
    return { mean: sum.map((v) => v / (all.length / 4)), colours: seen.size, all: Array.from(all.slice(0, 4)) };
  }, shot);
}

/** Waits until the map is drawn and nothing moves. */
export const rest = (page) => page.waitForFunction(() => window.liminal?.stage.resting && window.liminal.camera.value !== null);
/** Waits until the microscope has decoded all that is in view. */
export const decoded = (page) =>
  page.waitForFunction(() => {
    const state = window.liminal?.stage.decoded();
    return state && state.wanted > 0 && state.decoded === state.wanted;
  });

export const SHOTS = process.env.SHOTS;
if (SHOTS) mkdirSync(SHOTS, { recursive: true });
export const shoot = async (page, name) => void (SHOTS && (await page.screenshot({ path: join(SHOTS, `${name}.png`) })));

/** Runs named steps one after the other and says how many held. */
export async function run(steps, page) {
  let [passed, failed] = [0, 0];
  for (const [name, step] of steps) {
    const begun = performance.now();
    try {
      await step();
      passed++;
      console.log(`ok    ${name} (${((performance.now() - begun) / 1000).toFixed(1)} s)`);
    } catch (error) {
      failed++;
      console.log(`FAIL  ${name}: ${error instanceof Error ? error.stack : error}`);
      if (SHOTS) await page().screenshot({ path: join(SHOTS, `failed-${failed}.png`) }).catch(() => {});
    }
  }
  console.log(`${passed} passed, ${failed} failed`);
  return failed;
}
