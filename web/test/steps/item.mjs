/** One item: what is known of it, what it can be used for, and files of one's own. */
import assert from "node:assert/strict";
import { shoot } from "../stand.mjs";

export function steps(one) {
  const { page, panel } = one;
  const named = () => panel.getByRole("heading", { level: 1, name: /^@\d+/ });

  async function select() {
    await one.go();
    const [{ x, y }] = await one.rows(1);
    await page.mouse.click(x, y);
    await named().waitFor();
    await page.waitForFunction(() => document.querySelectorAll(".panel figure img").length === 2);
    await panel.getByText("Reconstruction", { exact: true }).waitFor();
    await panel.getByText("Most alike").waitFor();
    assert.ok((await panel.locator(".facts dt").allInnerTexts()).length);
    await panel.locator("h1", { hasText: /The model (learned from this one|never saw this one)/ }).waitFor();
    assert.deepEqual((await panel.locator("h2").allInnerTexts()).slice(0, 2), [
      "Most alike",
      "What is known",
    ]); // neighbours first
    assert.match(await panel.locator(".say").innerText(), /: (\d+) % of .* come out (better|worse)\.$/);
    await page.waitForFunction(() => /subject=%40\d+/.test(location.hash));
    assert.equal(await panel.locator(".hear").count(), 0, "pictures make no sound");
    await shoot(page, "item");
    const name = await panel.locator("h1").innerText();
    await panel.locator(".thumbs .thumb").first().click();
    await page.waitForFunction((old) => document.querySelector(".panel h1").innerText !== old, name);
    await page.locator(".surface").focus();
    await page.keyboard.press("Control+z");
    await page.waitForFunction((old) => document.querySelector(".panel h1").innerText === old, name);
    await page.keyboard.press("Control+Shift+z");
    await page.waitForFunction((old) => document.querySelector(".panel h1").innerText !== old, name);
  }

  /** Each use leads where it says. */
  async function uses() {
    const address = "view=item&subject=@3";
    await one.go(address);
    await one.button("To group A").click();
    await one.button("To group B").click();
    await page.waitForFunction(() => /(^|[#&])a=3/.test(location.hash) && /&b=3/.test(location.hash));
    await one.button("To the formula").click();
    assert.match(await page.getByLabel("Formula", { exact: true }).inputValue(), /@3/);
    await one.go(address);
    await one.button("Morph it").click();
    await page.waitForFunction(() => document.querySelectorAll(".keyframes .number").length === 2);
    await one.go(`${address}&keys=@10`);
    await one.button("Add to the path").click();
    await page.waitForFunction(() => document.querySelectorAll(".keyframes .number").length === 2);
    await one.go(address);
    await one.button("Change it").click();
    await panel.locator(".result").waitFor();
    if (!(await page.evaluate(() => document.querySelector(".legend select").options.length > 2))) return;
    for (const [use, well] of [
      ["Give it a style", 0],
      ["Take its style", 1],
    ]) {
      await one.go(address);
      await one.button(use).click();
      await one.seen(panel.locator(".well").nth(well).locator("canvas"));
      assert.equal(await panel.locator(".well").nth(well).locator("small").innerText(), "@3");
    }
  }

  /** Another is chosen by a click, by its id and by a formula, and what differs stands beside it. */
  async function compared() {
    await one.go("view=item&subject=@3");
    await one.button("Compare with…").click();
    await panel.getByText("Click another").waitFor();
    const [{ row, x, y }] = await one.rows(1);
    await page.mouse.click(x, y);
    await panel.getByRole("heading", { name: "Side by side" }).waitFor();
    await page.waitForFunction((id) => location.hash.includes(`other=%40${id}`), row);
    assert.match(await page.locator(".panel h1").innerText(), /^@3\b/, "the click selects another");
    const names = () => panel.locator("figcaption").allInnerTexts();
    assert.deepEqual(await names(), ["@3", `@${row}`]);
    await page.waitForFunction(() => document.querySelectorAll(".panel figure img").length === 2);
    await panel.locator(".differ, .section p").first().waitFor();
    await shoot(page, "compare");
    const field = panel.getByLabel("The other one");
    for (const [typed, shown] of [
      ["@10", "@10"],
      ["mix(@1, @2)", "mix(@1, @2)"],
    ]) {
      await one.button("Another").click();
      await field.fill(typed);
      await field.press("Enter");
      await field.waitFor({ state: "detached" });
      assert.deepEqual(await names(), ["@3", shown]);
    }
    await one.button("Another").click();
    await field.fill("nonsence +");
    await field.press("Enter");
    await panel.locator(".state.bad").waitFor();
    await one.button("Compare no more").click();
    await panel.getByText("Reconstruction", { exact: true }).waitFor();
    await page.waitForFunction(() => !location.hash.includes("other="));
  }

  const drawing = () =>
    page.evaluate(() => {
      const canvas = document.createElement("canvas");
      canvas.width = canvas.height = 90;
      const pen = canvas.getContext("2d");
      pen.fillRect(0, 0, 90, 90);
      pen.fillStyle = "#fff";
      pen.fillRect(25, 12, 40, 66);
      return canvas.toDataURL("image/png").split(",")[1];
    });

  async function upload() {
    await one.go();
    const data = await drawing();
    const transfer = await page.evaluateHandle((text) => {
      const given = new DataTransfer();
      given.items.add(
        new File([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))], "mine.png", { type: "image/png" }),
      );
      return given;
    }, data);
    await page.dispatchEvent(".surface", "dragover", { dataTransfer: transfer });
    await page.locator(".drop").waitFor();
    await page.dispatchEvent(".surface", "drop", { dataTransfer: transfer });
    await panel.getByRole("heading", { name: "mine.png" }).waitFor();
    await panel.getByText("Yours", { exact: true }).waitFor();
    await one.seen(panel.locator("figure canvas").first());
    await panel.getByText("Nearest real").waitFor();
    await shoot(page, "upload");
    await one.go();
    const [chooser] = await Promise.all([
      page.waitForEvent("filechooser"),
      panel.locator(".invite").nth(2).click(),
    ]);
    await chooser.setFiles({
      name: "chosen.png",
      mimeType: "image/png",
      buffer: Buffer.from(data, "base64"),
    });
    await panel.getByRole("heading", { name: "chosen.png" }).waitFor();
    await one.go();
    const [again] = await Promise.all([
      page.waitForEvent("filechooser"),
      panel.locator(".invite").nth(2).click(),
    ]);
    await again.setFiles({ name: "words.png", mimeType: "image/png", buffer: Buffer.from("no picture") });
    await page.locator(".notice.bad").waitFor(); // and it says so in words
    await page.locator(".notice.bad").getByRole("button", { name: "Close" }).click();
  }

  return [
    ["selecting: original, reconstruction, neighbours, undo and redo", select],
    ["the item's uses", uses],
    ["two side by side", compared],
    ["a file of one's own, dropped and chosen", upload],
  ];
}
