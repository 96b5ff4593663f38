/**
 * Pictures of every view for the documentation: `node test/screens.mjs FOLDER SPACE VIEWS ITEMS FORMULA`.
 * Each name of VIEWS becomes three files, NAME-light.png, NAME-dark.png and NAME-narrow.png. Instead of
 * SPACE, the address of a studio that runs will do.
 */
import { join } from "node:path";
import { hand } from "./hand.mjs";
import { browse, decoded, PATIENCE, ready, rest, serve } from "./stand.mjs";

const [folder, given, only, items, formula] = process.argv.slice(2);
const server = given.startsWith("http") ? { url: given, stop: () => null } : await serve(given);
const rows = items.split(",").map(Number);
const SIZES = {
  light: { width: 1280, height: 800 },
  dark: { width: 1280, height: 800 },
  narrow: { width: 360, height: 740 },
};

/** What each picture shows: an address, and what is done and waited for there. */
const VIEWS = {
  start: { go: () => "", then: async ({ panel }) => panel.locator(".morphing canvas").first().waitFor() },
  item: {
    go: ([a]) => `view=item&subject=@${a}`,
    then: async ({ page, panel }) => (
      await page.waitForFunction(
        () => document.querySelectorAll(".panel figure :is(img, canvas, .told)").length === 2,
      ),
      panel.getByText("Most alike").waitFor()
    ),
  },
  // of a space whose items state attributes
  unusual: {
    go: ([a]) => `view=item&subject=@${a}`,
    then: async ({ panel }) => {
      const section = panel.locator(".section", { hasText: "Unusual given the rest" });
      await section.locator("dt").first().waitFor();
      await panel.locator(".section").last().scrollIntoViewIfNeeded();
      await section.scrollIntoViewIfNeeded();
    },
  },
  compare: {
    go: ([a, b]) => `view=item&subject=@${a}&other=@${b}`,
    then: async ({ page }) =>
      page.waitForFunction(
        () => document.querySelectorAll(".panel figure :is(img, canvas, .told)").length === 2,
      ),
  },
  path: {
    go: ([a, b]) => `view=path&keys=@${a};@${b}&along=mix`,
    then: async ({ page }) => {
      await page.waitForFunction(
        () => document.querySelectorAll(".route .film .picture:not(.empty)").length >= 24,
      );
      const play = page.getByRole("button", { name: "Pause", exact: true });
      if (await play.isVisible()) await play.click();
      await page.getByLabel("Frame", { exact: true }).fill("23");
    },
  },
  directions: {
    go: ([a]) => `view=directions&subject=@${a}`,
    then: async ({ page, panel }) => {
      const slider = panel.locator(".slider .track").first();
      await slider.waitFor();
      await slider.focus();
      for (let i = 0; i < 24; i++) await page.keyboard.press("ArrowRight");
      await page.waitForFunction(() =>
        /Also changed|can be read/.test(document.querySelector(".verdict")?.textContent ?? ""),
      );
    },
  },
  dimensions: {
    go: ([a]) => `view=dimensions&subject=@${a}`,
    then: async ({ page }) =>
      page.waitForFunction(() => document.querySelectorAll(".card .film canvas").length > 27),
  },
  complete: {
    go: ([a]) => `view=complete&subject=@${a}`,
    then: async ({ page }) =>
      page.waitForFunction(() => document.querySelectorAll(".sheet.answers canvas").length > 2),
  },
  // of a space whose items have a length
  compose: {
    go: ([a, b]) => `view=compose&keys=@${a};@${b}&form=AA'BA`,
    then: async ({ page }) =>
      page.waitForFunction(() => document.querySelectorAll(".score canvas").length === 8),
  },
  style: {
    go: ([a, b]) => `view=style&content=@${a}&style=@${b}`,
    then: async ({ hand, panel }) => hand.seen(panel.locator(".player canvas")),
  },
  sample: {
    go: () => "view=sample",
    then: async ({ page }) =>
      page.waitForFunction(() => document.querySelectorAll(".sheet canvas").length === 24),
  },
  list: {
    go: () => "view=list&list=lonely",
    then: async ({ page }) =>
      page.waitForFunction(() => {
        const table = document.querySelector(".list tbody");
        return table && !table.textContent.includes("…") && document.querySelector(".list .source").title;
      }),
  },
  report: {
    go: () => "view=report",
    then: async ({ page, panel }) => (
      await panel.locator("iframe").waitFor({ timeout: 900_000 }),
      page.frameLocator("iframe").locator("h1").first().waitFor()
    ),
  },
  formula: {
    go: () => `formula=${encodeURIComponent(formula)}`,
    then: async ({ page, panel }) => {
      await page.getByLabel("Formula", { exact: true }).press("Enter");
      await panel.locator("h1.said").waitFor();
      await panel.getByText("Nearest real", { exact: true }).waitFor();
    },
  },
  // last: it stays under way
  tour: { go: () => "view=tour&step=3", then: async ({ panel }) => panel.getByText("Step 4 of 8").waitFor() },
};

await ready(server.url);
const browser = await browse();
for (const [look, viewport] of Object.entries(SIZES)) {
  const narrow = look === "narrow";
  const context = await browser.newContext({
    viewport,
    colorScheme: look === "dark" ? "dark" : "light",
    reducedMotion: "reduce",
    ...(narrow ? { hasTouch: true, isMobile: true, deviceScaleFactor: 2 } : {}),
  });
  context.setDefaultTimeout(PATIENCE);
  const page = await context.newPage();
  await page.goto(server.url);
  const me = hand(page);
  await me.panel.locator("h1").first().waitFor();
  await rest(page);
  await decoded(page);
  for (const [name, { go, then }] of Object.entries(VIEWS)) {
    if (!only.split(",").includes(name)) continue;
    await me.go(go(rows));
    await then({ page, panel: me.panel, hand: me });
    await page.waitForFunction(() => !document.querySelector(".spinner, canvas.picture.empty"));
    await page.evaluate(() => document.activeElement?.blur());
    await decoded(page);
    await rest(page);
    await page.mouse.move(0, 0);
    await page.waitForFunction(() => !document.querySelector(".notice"));
    await page.screenshot({ path: join(folder, `${name}-${look}.png`), animations: "disabled" });
    console.log(`${name}-${look}`);
  }
  await context.close();
}
await browser.close();
await server.stop();
