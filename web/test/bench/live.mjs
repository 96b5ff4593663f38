/**
 * How fast places are decoded: `node test/bench/live.mjs '{"url": ..., "hovers": 100, "rounds": 12}'`, of a
 * running studio or a shared page. From the pointer's move, by the time that the event itself carries, to the
 * card's canvas being painted with the new item; and from the microscope's request for 144 tiles to the end
 * of the first frame that shows them.
 */
import { rest } from "../stand.mjs";
import { free, main, median, opened, randoms } from "./meter.mjs";

const TILES = 144;

await main(async ({ url, hovers = 100, rounds = 12, shot }) => {
  const { browser, page } = await opened();
  await page.goto(url);
  await rest(page);
  const random = randoms();
  const items = await page.evaluate(() => window.liminal.renderer.points.count);
  const item = () => Math.floor(random() * (items - 1000));
  /** Somewhere on the screen, near an item, with nothing lying over the map. */
  const somewhere = async () =>
    (await page.evaluate(free, item())).map((pixel) => pixel + Math.round(6 * random() - 3));
  const painted = () =>
    page.waitForFunction(() => window.meter.paints.length > 0, undefined, { polling: 10 });
  const hover = async () => {
    const place = await somewhere();
    await page.evaluate(() => (window.meter.paints.length = window.meter.moves.length = 0));
    await page.mouse.move(...place);
    await painted();
    const took = await page.evaluate(() => window.meter.paints[0] - window.meter.moves.at(-1));
    await page.waitForTimeout(60); // what else the move has set off is through
    return took;
  };
  for (let i = 0; i < 5; i++) await hover(); // the model is there, and both sides are warm
  await quiet(page);
  const took = [];
  for (let i = 0; i < hovers; i++) took.push(await hover());
  if (shot) await page.screenshot({ path: `${shot}.png` });
  await page.mouse.move(2, 2);

  const tiles = rounds ? await microscope(page, rounds, item) : [];
  if (shot) await page.screenshot({ path: `${shot}-microscope.png` });
  await browser.close();
  return {
    hover_ms: median(took),
    hover_ms_p95: median(took, 0.95),
    hovers: took.length,
    tiles_ms: median(tiles),
    tiles_ms_p95: median(tiles, 0.95),
    rounds: tiles.length,
  };
});

/** Waits until the microscope has what it wants and nothing moves. */
function quiet(page) {
  return page.waitForFunction(() => {
    const state = window.liminal.renderer.decoded();
    return window.liminal.renderer.resting && (!state || state.decoded === state.wanted);
  });
}

/**
 * Goes close to one item after the other; what each request for as many tiles as one request may name took.
 */
async function microscope(page, rounds, item) {
  const took = [];
  for (let i = 0; i < rounds; i++) {
    const found = await page.evaluate(
      async ([row, many]) => {
        const { renderer, camera } = window.liminal;
        const microscope = renderer.layers.decoded.microscope;
        const [x, y] = renderer.rowAt(row);
        window.home ??= camera.value.k;
        const fresh = new Promise((done) => {
          // decodes what is missing, through the server or in the page
          const plain = microscope.fetch.bind(microscope);
          microscope.fetch = async (cells) => {
            const [begun, before] = [performance.now(), window.meter.frames.length];
            await plain(cells);
            const asked = performance.now();
            const shown = () =>
              window.meter.frames
                .slice(before)
                .find((frame) => frame.begin >= asked - 17 && frame.end >= asked);
            while (!shown()) await new Promise((next) => setTimeout(next, 5));
            delete microscope.fetch;
            done(cells.length === many ? shown().end - begun : null);
          };
          setTimeout(() => done(null), 8000);
        });
        camera.value = { x, y, k: window.home * (6 + (row % 9)) };
        return fresh;
      },
      [item(), TILES],
    );
    if (found !== null) took.push(found);
    await quiet(page);
  }
  return took;
}
