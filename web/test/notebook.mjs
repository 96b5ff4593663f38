/**
 * The widget in a real JupyterLab with a real kernel: a bare space at the end of a cell, what is clicked read
 * in the next one, what is set there shown. `JUPYTER=path/to/jupyter node test/notebook.mjs`; SHOTS=folder
 * keeps screenshots.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { browse, run, shoot } from "./stand.mjs";

const TOKEN = "seen-by-this-test-only";
const own = mkdtempSync(join(tmpdir(), "liminal-notebook-"));
const folder = join(own, "notebooks");
const news = join(own, "settings", "@jupyterlab", "apputils-extension");
for (const made of [folder, news]) mkdirSync(made, { recursive: true });
writeFileSync(join(news, "notification.jupyterlab-settings"), '{"fetchNews": "false"}');
const cell = (source) => ({
  cell_type: "code",
  execution_count: null,
  id: Math.random().toString(36).slice(2),
  metadata: {},
  outputs: [],
  source,
});
const CELLS = [
  'import liminal\nspace = liminal.open("fashion")\nspace',
  "widget = liminal.studio(space)\nprint('item', widget.item, len(widget.z or []))",
  "widget.item = 12\nprint('set', widget.item, widget.z == space.catalogue.z(12).tolist())",
  "widget.z = space.latents[7] + 0.1\nprint('place', widget.item, round(widget.z[0], 3))",
  "print('slid', widget.item, widget.z == space.catalogue.z(12).tolist(), widget.state)",
  "from liminal.widget import Widget\nother = Widget(space, height=420)\nother.item = 5\nother",
  "widget",
  "import threading\nother.close()\nwidget.close()\nimport time; time.sleep(1)\nprint('left', [t.name for " +
    "t in threading.enumerate() if t.name.startswith('liminal')])",
];
const kernelspec = { display_name: "Python 3", language: "python", name: "python3" };
writeFileSync(
  join(folder, "test.ipynb"),
  JSON.stringify({ cells: CELLS.map(cell), metadata: { kernelspec }, nbformat: 4, nbformat_minor: 5 }),
);

function lab() {
  const options = [
    "lab",
    "--no-browser",
    "--allow-root",
    "--port=0",
    `--ServerApp.root_dir=${folder}`,
    `--IdentityProvider.token=${TOKEN}`,
  ];
  const home = Object.fromEntries(
    ["CONFIG", "DATA", "RUNTIME"].map((kind) => [`JUPYTER_${kind}_DIR`, join(own, kind.toLowerCase())]),
  );
  home.JUPYTERLAB_SETTINGS_DIR = join(own, "settings");
  const child = spawn(process.env.JUPYTER ?? "jupyter", options, {
    env: { ...process.env, ...home },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  return new Promise((done, fail) => {
    const hear = (data) => {
      said += data;
      const port = /http:\/\/(?:127\.0\.0\.1|localhost):(\d+)\/lab/.exec(said)?.[1];
      if (port)
        done({
          url: `http://127.0.0.1:${port}`,
          said: () => said,
          stop: () => new Promise((gone) => (child.once("exit", gone), child.kill("SIGTERM"))),
        });
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    child.once("exit", (code) => fail(new Error(`jupyter ended with ${code}: ${said}`)));
  });
}

const server = await lab();
const browser = await browse();
const context = await browser.newContext({ viewport: { width: 1360, height: 1000 }, colorScheme: "light" });
context.setDefaultTimeout(60_000);
const page = await context.newPage();
const faults = [];
page.on("pageerror", (error) => faults.push(error.message));
page.on(
  "console",
  (message) =>
    message.type() === "error" &&
    /liminal|srcdoc|iframe/i.test(message.text() + message.location().url) &&
    faults.push(message.text()),
);

const cells = page.locator(".jp-Notebook .jp-CodeCell");
/** Runs a cell and gives what it printed. */
async function execute(at) {
  const prompt = cells.nth(at).locator(".jp-InputPrompt");
  const before = await prompt.innerText();
  await cells.nth(at).locator(".cm-content").click();
  await page.keyboard.press("Control+Enter");
  await prompt.filter({ hasText: /\[\d+\]/, hasNotText: before.trim() || "none" }).waitFor();
  return (await cells.nth(at).locator(".jp-OutputArea-output pre").allInnerTexts()).join("\n").trim();
}
/** The frame of a cell's widget, its map drawn and at rest. */
async function studio(at) {
  const element = cells.nth(at).locator('iframe[title^="Liminal studio"]');
  await element.waitFor({ state: "attached" });
  await page.waitForTimeout(300); // JupyterLab scrolls to the cell that was run
  await element.scrollIntoViewIfNeeded(); // out of sight nothing is drawn
  const frame = await (await element.elementHandle()).contentFrame();
  await frame.waitForFunction(
    () => window.liminal?.renderer.resting && window.liminal.camera.value !== null,
    null,
    { timeout: 300_000 },
  ); // a map that nobody has asked for before takes a minute
  return { element, frame };
}
async function click({ element, frame }, row) {
  await element.scrollIntoViewIfNeeded();
  const [x, y] = await frame.evaluate((at) => {
    const [mx, my] = window.liminal.renderer.rowAt(at);
    const [camera, box] = [
      window.liminal.camera.value,
      document.querySelector(".surface").getBoundingClientRect(),
    ];
    return [
      box.left + (mx - camera.x) * camera.k + box.width / 2,
      box.top + (camera.y - my) * camera.k + box.height / 2,
    ];
  }, row);
  const box = await element.boundingBox();
  const before = await frame.locator(".panel h1").innerText();
  await page.mouse.click(box.x + x, box.y + y);
  const heading = frame.locator(".panel h1", { hasText: /^@\d+/ }).filter({ hasNotText: before });
  await heading.waitFor();
  return Number(/@(\d+)/.exec(await heading.innerText())[1]);
}
/** Chooses from the menu bar, by the names of what is opened one after the other. */
async function menu(bar, ...names) {
  await page.locator(".lm-MenuBar-itemLabel", { hasText: bar }).click();
  for (const [i, name] of names.entries()) {
    const found = page.locator(".lm-Menu-itemLabel", { hasText: new RegExp(`^${name}$`) });
    await (i + 1 < names.length ? found.hover() : found.click());
  }
}
/**
 * Opens a view; JupyterLab may still be scrolling to the cell that was run, and then the click goes astray.
 */
async function view(frame, name) {
  const tab = frame.getByRole("navigation", { name: "Views" }).getByRole("button", { name, exact: true });
  do {
    await tab.click();
    await page.waitForTimeout(500);
  } while ((await tab.getAttribute("aria-current")) !== "page");
}
let first;

async function drawn() {
  await page.goto(`${server.url}/lab/tree/test.ipynb?token=${TOKEN}`);
  await cells.first().waitFor();
  await page.getByText("Python 3").first().waitFor();
  await page.waitForTimeout(1500);
  await execute(0);
  first = await studio(0);
  await first.frame.waitForFunction(() => {
    const state = window.liminal.renderer.decoded();
    return state && state.wanted > 0 && state.decoded === state.wanted;
  });
  await first.element.scrollIntoViewIfNeeded();
  await shoot(page, "notebook");
}

async function readable() {
  const id = await click(first, 3);
  await page.waitForTimeout(700);
  assert.equal(await execute(1), `item ${id} 16`);
}

async function settable() {
  assert.equal(await execute(2), "set 12 True");
  await first.frame.locator(".panel h1", { hasText: "@12" }).waitFor();
  assert.match(await execute(3), /^place None -?\d/);
  await first.frame.locator(".panel h1", { hasText: "From Python" }).waitFor();
}

/** Sliders move z, and leave the item what it is. */
async function slid() {
  await execute(2);
  const { frame } = first;
  await frame.locator(".panel h1", { hasText: "@12" }).waitFor();
  await view(frame, "Directions");
  const slider = frame.locator(".slider .track").first();
  await slider.waitFor({ timeout: 120_000 });
  await slider.focus();
  for (let i = 0; i < 8; i++) await page.keyboard.press("ArrowRight");
  await frame.locator(".result .busy").waitFor({ state: "hidden" });
  await page.waitForTimeout(1200);
  assert.match(await execute(4), /^slid 12 False .*change=/);
  await shoot(page, "notebook-slid");
}

/** The wheel scrolls the notebook, until the map has been clicked. */
async function wheel() {
  await cells.nth(1).locator(".cm-content").click();
  await first.element.scrollIntoViewIfNeeded();
  const top = () => first.element.boundingBox().then((box) => box.y);
  const k = () => first.frame.evaluate(() => window.liminal.camera.value.k);
  const [box, before] = [await first.element.boundingBox(), await k()];
  await page.mouse.move(box.x + 250, box.y + 300);
  await page.mouse.wheel(0, 200);
  await page.waitForTimeout(600);
  assert.ok((await top()) < box.y - 50, "the notebook does not scroll over the frame");
  assert.equal(await k(), before);
}

async function second() {
  await execute(5);
  const other = await studio(5);
  await other.frame.locator(".panel h1", { hasText: "@5" }).waitFor();
  await execute(6);
  const again = await studio(6);
  // the other view of it was left there
  await again.frame.locator(".panel h1", { hasText: "Directions" }).waitFor();
  await view(again.frame, "Item");
  const id = await click(again, 100);
  await first.element.scrollIntoViewIfNeeded();
  await first.frame.locator(".panel h1", { hasText: `@${id}` }).waitFor();
  assert.equal(
    await other.frame
      .locator(".panel h1")
      .innerText()
      .then((text) => /@\d+/.exec(text)[0]),
    "@5",
  );
  await other.element.scrollIntoViewIfNeeded();
  await shoot(page, "notebook-two");
}

async function dark() {
  await menu("Settings", "Theme", "JupyterLab Dark");
  await first.element.scrollIntoViewIfNeeded();
  await first.frame.waitForFunction(() => document.documentElement.dataset.theme === "dark");
  await page.waitForTimeout(1500);
  await shoot(page, "notebook-dark");
}

async function closed() {
  assert.equal(await execute(7), "left []");
}

async function small() {
  await page.keyboard.press("Control+s");
  await page.waitForTimeout(1500);
  const size = readFileSync(join(folder, "test.ipynb")).length;
  assert.ok(size < 60_000, `the saved notebook has ${size} bytes`);
}

/** A kernel that was started anew knows nothing of what is on the page: that is said. */
async function restarted() {
  await execute(0);
  const last = await studio(0);
  await menu("Kernel", "Restart Kernel…");
  await page.locator(".jp-Dialog .jp-mod-warn, .jp-Dialog .jp-mod-accept").last().click();
  await page.waitForTimeout(3000);
  await view(last.frame, "Path");
  await cells.first().getByText("kernel does not answer").waitFor();
  await shoot(page, "notebook-restarted");
}

/** A notebook that was saved with its widgets, opened with a new kernel. */
async function reopened() {
  await menu("Settings", "Save Widget State Automatically");
  await execute(0);
  await studio(0);
  await page.keyboard.press("Control+s");
  await page.waitForTimeout(1500);
  const size = readFileSync(join(folder, "test.ipynb")).length;
  assert.ok(size < 60_000, `saved with its widgets the notebook has ${size} bytes`);
  await menu("Kernel", "Shut Down Kernel");
  await page.reload();
  await cells.first().getByText("run this cell again").waitFor();
  await shoot(page, "notebook-reopened");
}

async function quiet() {
  assert.deepEqual(faults, []);
}

const steps = [
  ["a bare space draws its map", drawn],
  ["what is clicked is read in the next cell", readable],
  ["what is set is shown", settable],
  ["a slider moves z", slid],
  ["the wheel scrolls past it", wheel],
  ["two widgets, and two views of one", second],
  ["the studio is dark where the notebook is", dark],
  ["the saved notebook is small", small],
  ["a closed widget leaves no threads", closed],
  ["a restarted kernel is told", restarted],
  ["a saved notebook says what to do", reopened],
  ["nothing complains", quiet],
];
let failed = 1;
try {
  failed = await run(steps, () => page);
} finally {
  await browser.close();
  await server.stop();
  rmSync(own, { recursive: true, force: true });
}
process.exit(failed ? 1 : 0);
