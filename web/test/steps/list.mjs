/** Lists of items, and conditions in the bar that make them. */
import assert from "node:assert/strict";
import { shoot, SHOTS } from "../stand.mjs";

export function steps(one) {
  const { page, panel } = one;
  const bar = () => page.getByLabel("Formula", { exact: true });
  const rows = () => panel.locator(".list tbody tr");
  const count = async () =>
    Number((await panel.locator(".say").innerText()).match(/[\d,]+/)[0].replace(",", ""));
  /** What stands in a column of the table, by its head. */
  const column = (name) =>
    panel.locator(".list table").evaluate((table, head) => {
      const heads = [...table.querySelectorAll("thead th")].map((each) =>
        each.textContent.replace(/ [↑↓]$/, ""),
      );
      const at = heads.indexOf(head) + 1; // the first head spans two
      return [...table.querySelectorAll("tbody tr")].map((row) => row.cells[at].textContent);
    }, name);
  const sorted = (values, falling) => {
    const known = values.filter((value) => value !== "–");
    const numbers = known.every((value) => !Number.isNaN(Number(value)));
    const wanted = [...known].sort((a, b) => (numbers ? a - b : a.localeCompare(b, "en", { numeric: true })));
    assert.deepEqual(known, falling ? wanted.reverse() : wanted);
  };

  /** What the map shows is listed, sorted and opened. */
  async function listing() {
    await one.go("microscope=0");
    const value = page.locator(".value").first();
    const name = await value.locator(".name").innerText();
    await value.click({ modifiers: ["Shift"] });
    await page.locator(".hiding").getByRole("button", { name: "List", exact: true }).click();
    await rows().first().waitFor();
    const some = await count();
    assert.equal(await rows().count(), Math.min(some, 300));
    const colour = await page.locator(".legend select option:checked").innerText();
    await page.waitForFunction(() => !document.querySelector(".list tbody").textContent.includes("…"));
    assert.deepEqual([...new Set(await column(colour))], [name], "others are listed too");
    await one.seen(rows().first().locator("canvas"));
    await page.waitForFunction(() => document.querySelector(".list .source").title !== "");
    await page.getByRole("button", { name: "Show all", exact: true }).click();
    await page.waitForFunction(
      (before) => !document.querySelector(".say").textContent.startsWith(before),
      `${some}`,
    );
    const head = panel.locator(".list thead").getByRole("button", { name: colour });
    await head.click();
    await panel.locator('th[aria-sort="ascending"]').waitFor();
    sorted(await column(colour), false);
    await head.click();
    await panel.locator('th[aria-sort="descending"]').waitFor();
    sorted(await column(colour), true);
    await shoot(page, "list");
    await panel.getByText(/^These are the first 300 of/).waitFor();
    const id = await rows().nth(1).locator(".link").innerText();
    await rows().nth(1).locator(".link").click();
    await panel.getByRole("heading", { level: 1, name: id }).waitFor();
  }

  /** A condition in the bar finds items; a wrong one is refused where it stands. */
  async function found() {
    await one.go();
    const example = (await bar().getAttribute("placeholder")).split("find items: ")[1];
    await bar().fill(example);
    await page.keyboard.press("Enter");
    await panel.getByText(new RegExp(`with ${example.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}$`)).waitFor();
    const some = await count();
    assert.ok(some > 0 && (await rows().count()) === Math.min(some, 300));
    await page.locator(".overlay .member").first().waitFor(); // and they are marked on the map
    await shoot(page, "found");
    const csv = (await one.download(() => one.button("Save as CSV").click())).toString().trim().split("\n");
    assert.equal(csv.length, 1 + some);
    await one.button("To group A").click();
    await panel.getByRole("radio", { name: "Group A" }).click();
    assert.equal(await count(), some);
    const [attribute] = example.split(" ");
    for (const [wrong, words] of [
      [`${attribute}x = 'a' or ${attribute} is null`, new RegExp(`${attribute}x`)],
      [`${attribute} >`, /wanted a value/],
    ]) {
      await bar().fill(wrong);
      await page.keyboard.press("Enter");
      await page.locator(".fault").getByText(words).waitFor();
    }
    await page.keyboard.press("Escape");
  }

  async function lonely() {
    await one.go("view=list");
    await panel.getByRole("radio", { name: "Loneliest" }).click();
    await rows().first().waitFor();
    assert.equal(await rows().count(), 100);
    const times = (await column("Apart")).map((text) => Number(text.replace("×", "")));
    assert.ok(
      times.every((value, i) => value > 1 && (!i || value <= times[i - 1])),
      `${times}`,
    );
    await shoot(page, "lonely");
  }

  /** A space that has grown on disk is said once, and loaded anew at a click. */
  async function grown() {
    const other = await page.context().newPage();
    const line = "The space has 60 more items now";
    let [asked, newer] = [0, line];
    await other.route("**/api/progress*", async (route) => {
      const answer = await route.fetch();
      await route.fulfill({ response: answer, json: { ...(await answer.json()), newer } });
    });
    await other.route("**/api/reload*", async (route) => {
      [asked, newer] = [asked + 1, null];
      await route.fulfill({ json: {} });
    });
    await other.goto(new URL("#view=item&subject=@3", page.url()).href);
    const said = other.locator(".notice.newer");
    await said.getByText(`${line}.`).waitFor();
    if (SHOTS) await other.screenshot({ path: `${SHOTS}/newer.png` });
    await said.getByRole("button", { name: "Close" }).click();
    await said.waitFor({ state: "detached" });
    await other.waitForResponse("**/api/progress*");
    assert.equal(await said.count(), 0, "it is said again");
    newer = "the space was changed on disk";
    await said.getByRole("button", { name: "Load it anew" }).click();
    await other.waitForEvent("load");
    await other.getByRole("heading", { level: 1, name: /^@3/ }).waitFor();
    assert.equal(asked, 1);
    await other.close();
  }

  return [
    ["a space that grows meanwhile", grown],
    ["what the map shows as a list: sorted, opened", listing],
    ["a condition in the bar finds items", found],
    ["the loneliest items", lonely],
  ];
}
