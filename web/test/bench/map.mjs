/**
 * How fast the studio draws a map: `node test/bench/map.mjs '{"url": ..., "kind": "heaps" | "items",
 * "points": 1000000}'`, the url of a running studio, of which the answers for the map are replaced; without
 * one a studio of fashion is started. Prints one line of JSON.
 */
import { decoded, pixels, rest, serve } from "../stand.mjs";
import { packed, points } from "./maps.mjs";
import { cpu, main, opened, pan } from "./meter.mjs";

await main(async ({ url, kind = "heaps", points: n = 1_000_000, seconds = 20, shot }) => {
  const server = url ? null : await serve("fashion");
  const address = url ?? server.url;
  const { xy, label, pages, values } = await points(kind, address, n);
  const { browser, page } = await opened();
  const fields = { method: "umap", words: "", trustworthiness: null, fitted_on: n };
  const map = packed(
    { xy: ["f4", xy, [n, 2]], id: ["i4", Int32Array.from({ length: n }, (_, i) => i), [n]] },
    fields,
  );
  const column = packed(
    { data: ["u2", Uint16Array.from(label), [n]] },
    { name: "label", kind: "category", values, low: null, high: null },
  );
  await page.route("**/api/map**", (route) => route.fulfill({ body: map }));
  await page.route("**/api/column**", (route) => route.fulfill({ body: column }));
  if (pages) {
    await page.route("**/api/thumbnails**", (route) => {
      const to = new URL(route.request().url());
      to.searchParams.set("page", String(Number(to.searchParams.get("page")) % pages));
      return route.continue({ url: to.href });
    });
  }
  await page.goto(kind === "heaps" ? `${address}#microscope=0` : address);
  await page.waitForFunction(() => window.meter.frames.some((frame) => frame.vertices > 1000));
  const first = await page.evaluate(
    () => window.meter.frames.find((frame) => frame.vertices > 1000).end - window.meter.arrived.map,
  );
  await rest(page);
  const whole = await page.evaluate(() => window.meter.frames.at(-1).end - window.meter.arrived.map);
  if (kind === "items") await decoded(page);
  await rest(page);
  const box = await page.locator(".surface").boundingBox();
  const radius = await page.evaluate(() =>
    window.liminal.renderer.points.radius(window.liminal.camera.value, 1),
  );
  if (shot) await page.screenshot({ path: `${shot}.png` });
  const { colours } = await pixels(page, box);
  if (colours < 50) throw new Error(`the map shows ${colours} colours: it is not drawn`);
  const move = async () => {
    const moved = await pan(page, box, 60, seconds);
    const before = await cpu(browser);
    await rest(page);
    const settled = await page.evaluate(
      (last) => [
        window.meter.frames.at(-1).end - last,
        window.meter.frames.filter((frame) => frame.begin > last).length,
      ],
      moved.last,
    );
    return {
      ...moved,
      settled_ms: settled[0],
      settled_frames: settled[1],
      settled_cpu_ms: 1000 * ((await cpu(browser)) - before),
    };
  };
  const found = { points: n, first_ms: first, all_ms: whole, colours, radius, box, ...(await move()) };
  if (kind === "items") {
    found.thumbnails = await closer(page);
    found.near = await move();
    if (shot) await page.screenshot({ path: `${shot}-near.png` });
  }
  await browser.close();
  await server?.stop();
  return found;
});

/** Goes closer to some item until pictures show, and waits for them; how many there are. */
async function closer(page) {
  const showing = () =>
    page.evaluate(() => window.liminal.renderer.layers.thumbnails.layer.chosen?.share ?? 0);
  for (let i = 0; i < 12 && (await showing()) < 0.2; i++) {
    await page.evaluate(() => {
      const [x, y] = window.liminal.renderer.rowAt(100);
      window.liminal.camera.value = { x, y, k: window.liminal.camera.value.k * 1.4 };
    });
    await rest(page);
  }
  await page.waitForLoadState("networkidle"); // the sheets are here
  await decoded(page);
  await rest(page);
  return page.evaluate(() => {
    const { renderer, camera } = window.liminal;
    const { x, y, k } = camera.value;
    const inside = (row) =>
      Math.abs(renderer.rowAt(row)[0] - x) * k < renderer.canvas.clientWidth / 2 &&
      Math.abs(renderer.rowAt(row)[1] - y) * k < renderer.canvas.clientHeight / 2;
    return renderer.layers.thumbnails.layer.chosen.rows.filter(inside).length;
  });
}
