/** Sentences: words that differ, text that can be selected, and what is typed instead of a formula. */
import assert from "node:assert/strict";
import { shoot } from "../stand.mjs";
import { dropped } from "./dropped.mjs";

/** The steps for one shell. */
export function steps(who, one) {
  const { page, panel } = one;
  /** Ids and words of the first items. */
  const known = () =>
    page.evaluate(async () => {
      const { id } = await window.liminal.ask("map", {}, null);
      const rows = Array.from({ length: 40 }, (_, row) => row);
      const { captions } = await window.liminal.ask("sources", {}, { rows });
      return captions.map((words, row) => [id.data[row], words]);
    });
  /** Two that say different things at different lengths. */
  const two = async () => {
    const all = await known();
    const [short, long] = [all.find(([, w]) => w.startsWith("the")), all.find(([, w]) => w.startsWith("we"))];
    return [short, long];
  };

  async function copied() {
    const [[id, words]] = await two();
    await one.go(`view=item&subject=@${id}`);
    const told = panel.locator("figure .told").first();
    await told.waitFor();
    await page.evaluate(() => navigator.clipboard.writeText(""));
    await told.locator("[dir]").click({ clickCount: 3 }); // a whole paragraph, as people select it
    await page.keyboard.press("Control+C");
    const text = await (await page.waitForFunction(() => navigator.clipboard.readText())).jsonValue();
    assert.equal(text.trim(), words);
    assert.equal(await told.locator("canvas").count(), 0);
    await shoot(page, `${who}-sentence`);
  }

  async function differing() {
    const [[a], [b, words]] = await two();
    await one.go(`view=path&keys=@${a};@${b}&along=linear`);
    const film = panel.locator(".route .film").first();
    await page.waitForFunction(() => document.querySelectorAll(".route .film .told").length >= 8);
    const marks = await film.locator(".cell").evaluateAll((cells) =>
      cells.map((cell) => ({
        kept: [...cell.querySelectorAll("[dir]")].map((text) => {
          const copy = text.cloneNode(true);
          copy.querySelectorAll(".gone").forEach((gone) => gone.remove());
          return copy.textContent.trim();
        })[0],
        was: [...cell.querySelectorAll("[dir]")].map((text) => {
          const copy = text.cloneNode(true);
          copy.querySelectorAll(".new").forEach((each) => each.remove());
          return copy.textContent.trim();
        })[0],
        marks: cell.querySelectorAll("ins, del").length,
      })),
    );
    assert.equal(marks[0].marks, 0);
    const plain = (text) => text.replace(/\s+/g, " ");
    for (const [i, { was }] of marks.entries())
      if (i) assert.equal(plain(was), plain(marks[i - 1].kept), "what is struck out was not there before");
    assert.ok(
      marks.some((each) => each.marks > 1),
      `no word changes on the way to ${words}`,
    );
    await panel.getByLabel("Frame", { exact: true }).fill("47");
    const end = plain(marks.at(-1).kept);
    await one.until(
      async () => plain(await panel.locator(".player .told [dir]").innerText()) === end,
      "the last frame is not what the strip ends with",
    );
    await shoot(page, `${who}-sentences-path`);
  }

  async function moved() {
    const [[id]] = await two();
    await one.go(`view=directions&found=pca&subject=@${id}`);
    const sliders = panel.locator(".slider .track");
    await sliders.nth(3).waitFor();
    for (let i = 0; i < 4; i++) await sliders.nth(i).fill(await sliders.nth(i).getAttribute("max"));
    await panel.locator("figure ins").first().waitFor();
    assert.deepEqual(await one.faults(), []);
  }

  /** Words alone are what they say; what no formula can read is still told. */
  async function typed() {
    await one.go("view=start");
    const bar = page.getByLabel("Formula", { exact: true });
    await bar.fill("the soup was lovely");
    await bar.press("Enter");
    await panel.getByRole("heading", { name: "text('the soup was lovely')" }).waitFor();
    await panel.getByText("Nearest real", { exact: true }).waitFor();
    const near = await panel.locator(".thumb.words").allInnerTexts();
    assert.ok(near.length >= 3 && near.some((words) => /soup|lovely/.test(words)), near.join(" | "));
    const [[id]] = await two();
    await bar.fill(`@${id} + text('the soup was lovely') - text("the soup was cold")`);
    await bar.press("Enter");
    await panel.getByRole("heading", { name: new RegExp(`^@${id} \\+ text`) }).waitFor();
    await bar.fill("mix(@1, the soup)");
    await bar.press("Enter");
    await page.locator("#formula-fault .fault").waitFor();
  }

  async function read() {
    await one.go("view=start");
    await dropped(page, "mine.txt", "the bread was fresh\nanother line\n");
    await panel.getByRole("heading", { name: "mine.txt" }).waitFor();
    assert.equal(await panel.locator("figure .told [dir]").first().innerText(), "the bread was fresh");
    await panel.getByText("the first of several sentences in the file").waitFor();
    await dropped(page, "mine.csv", "stars,said\n5,the soup was cold\n");
    if (who === "page")
      return page
        .getByRole("alert")
        .getByText(/reads sentences from .txt/)
        .waitFor();
    await panel.getByRole("heading", { name: "mine.csv" }).waitFor();
    assert.equal(await panel.locator("figure .told [dir]").first().innerText(), "the soup was cold");
  }

  /** New sentences that begin as told, where the model is at hand. */
  async function begun() {
    await one.go("view=sample");
    await panel.locator(".sheet .told").first().waitFor();
    const field = panel.getByLabel("Begin with", { exact: true });
    if (who === "page") return assert.equal(await field.count(), 0);
    await field.fill("the soup");
    await field.press("Enter");
    const words = () => panel.locator(".sheet .told [dir]").allInnerTexts();
    const are = async () =>
      (await words()).length > 4 && (await words()).every((w) => /^the soups?\b/.test(w));
    await one.until(are, `not all begin with it: ${(await words()).join(" | ")}`);
    assert.ok(new Set(await words()).size > 4, "they are nearly all the same");
    await shoot(page, `${who}-sentences-begun`);
    await field.fill("the zyzzyva");
    await field.press("Enter");
    await panel.getByText(/choose known words/).waitFor();
    await field.fill("");
    await field.press("Enter");
    await panel.getByLabel("Drawn by").and(panel.locator(":enabled")).waitFor();
  }

  return [
    [`${who}: sentences that begin as told`, begun],
    [`${who}: a sentence is selected and copied`, copied],
    [`${who}: words that differ along a path`, differing],
    [`${who}: words that differ by a slider`, moved],
    [`${who}: a sentence that is typed`, typed],
    [`${who}: a sentence from a file`, read],
  ];
}
