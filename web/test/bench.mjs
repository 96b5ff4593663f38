/** How fast a map of many points is drawn: `node test/bench.mjs [POINTS]`; prints one line of JSON. */
import { browse, rest, serve } from "./stand.mjs";

const N = Number(process.argv[2] ?? 1_000_000);

/** Points in forty heaps of different sizes, from a fixed generator. */
function places(n) {
  let state = 11;
  const random = () => (state = (state * 1664525 + 1013904223) >>> 0) / 4294967296;
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const heaps = Array.from({ length: 40 }, () => [20 * random() - 10, 20 * random() - 10, 0.2 + random()]);
  const xy = new Float32Array(2 * n);
  const label = new Uint16Array(n);
  for (let i = 0; i < n; i++) {
    label[i] = i % 40;
    const [x, y, s] = heaps[i % 40];
    xy[2 * i] = x + s * normal();
    xy[2 * i + 1] = y + s * normal();
  }
  return { xy, label };
}

function packed(arrays, fields) {
  const entries = {};
  let at = 0;
  for (const [name, [dtype, data, shape]] of Object.entries(arrays)) {
    entries[name] = { dtype, shape, at };
    at += Math.ceil(data.byteLength / 8) * 8;
  }
  let header = JSON.stringify({ arrays: entries, ...fields });
  header += " ".repeat((8 - ((header.length + 4) % 8)) % 8);
  const out = Buffer.alloc(4 + header.length + at);
  out.writeUInt32LE(header.length);
  out.write(header, 4);
  for (const [name, [, data]] of Object.entries(arrays)) Buffer.from(data.buffer).copy(out, 4 + header.length + entries[name].at);
  return out;
}

const { xy, label } = places(N);
const server = await serve("fashion");
const browser = await browse();
const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
page.setDefaultTimeout(120_000);
const map = packed({ xy: ["f4", xy, [N, 2]], id: ["i4", Int32Array.from({ length: N }, (_, i) => i), [N]] }, { method: "umap", words: "", trustworthiness: null, fitted_on: N });
const column = packed({ data: ["u2", label, [N]] }, { name: "label", kind: "category", values: Array.from({ length: 40 }, (_, i) => `heap ${i}`), low: null, high: null });
await page.route("**/api/map**", (route) => route.fulfill({ body: map }));
await page.route("**/api/column**", (route) => route.fulfill({ body: column }));
await page.goto(`${server.url}#microscope=0`);
await page.waitForResponse(/api\/map/);
const begun = Date.now();
await page.waitForFunction(() => (window.liminal?.stage.times.length ?? 0) > 0);
const first = Date.now() - begun;
await rest(page);
const whole = Date.now() - begun;
const box = await page.locator(".surface").boundingBox();
await page.evaluate(() => (window.liminal.stage.times.length = 0));
await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
await page.mouse.down();
for (let i = 1; i <= 60; i++) {
  await page.mouse.move(box.x + box.width / 2 + 3 * i, box.y + box.height / 2 + i);
  await page.waitForTimeout(16);
}
const moving = await page.evaluate(() => [...window.liminal.stage.times]);
await page.mouse.up();
const stopped = Date.now();
await rest(page);
const settled = Date.now() - stopped;
moving.sort((a, b) => a - b);
const at = (share) => Math.round(moving[Math.floor(share * (moving.length - 1))]);
console.log(JSON.stringify({ points: N, first_ms: first, all_ms: whole, frames: moving.length, frame_ms_median: at(0.5), frame_ms_p95: at(0.95), settled_ms: settled }));
await browser.close();
await server.stop();
