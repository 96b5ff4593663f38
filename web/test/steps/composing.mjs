/** Pieces: picked, heard in their time, seen whole, and taken away; and what files of a page sound like. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { difference } from "../hand.mjs";
import { shoot } from "../stand.mjs";

/** The steps for one shell; what an item lasts, and how it is saved, as sound.mjs has them. */
export function composing(who, one, { lasts, wav, over, files: [ending, magic] }) {
  const { page, panel } = one;
  const cells = () => panel.locator(".score canvas");
  const whole = (count) =>
    page.waitForFunction(
      (n) =>
        document.querySelectorAll(".score canvas").length === n && !document.querySelector(".score.busy"),
      count,
    );

  const told = (pattern) =>
    one.until(async () => pattern.test(await one.copied("Copy as command")), `the piece is not ${pattern}`);

  async function pieces() {
    await one.go("view=compose&points=1");
    await panel.getByText(/are played as they are/).waitFor();
    await one.button("Pick two for me").click();
    await whole(8);
    await page.waitForFunction(() => document.querySelectorAll(".handle").length === 2);
    assert.equal(await panel.getByRole("button", { name: "Pause", exact: true }).count(), 0); // it is silent
    await one.button("AABA").click();
    await page.waitForFunction(() => document.querySelectorAll(".score b").length === 4);
    await whole(8);
    assert.deepEqual(await panel.locator(".score b").allInnerTexts(), ["A", "A", "B", "A"]);
    const seen = [];
    for (const at of [0, 2, 4]) seen.push(await one.seen(cells().nth(at), 48)); // notes are thin
    assert.equal(difference(seen[0], seen[1]), 0, "equal letters are not equal");
    assert.ok(difference(seen[0], seen[2]) > 0.5, "B is like A");
    await panel.getByLabel("Tempo").selectOption("1");
    await panel.getByRole("button", { name: / 7 of 8, A$/ }).click();
    await page.evaluate(() => (window.begun.length = 0));
    await page.locator(".surface").focus();
    await page.keyboard.press("Space");
    await page.waitForFunction(() => window.level() > 0.03);
    await panel.locator(".score .playhead").waitFor();
    await page.waitForFunction(() => document.querySelectorAll(".score .cell")[7].ariaCurrent === "true");
    await page.keyboard.press("Space");
    await page.waitForFunction(() => window.level() < 1e-4);
    const begun = await page.evaluate(() => window.begun.map(({ when }) => when));
    assert.equal(begun.length, 2);
    assert.ok(Math.abs(begun[1] - begun[0] - lasts) < 1e-6, "the items do not follow each other at once");
    await shoot(page, `${who}-compose`);
  }

  async function taken() {
    const own = await one.download(() => one.button(`Save as ${ending.toUpperCase()}`).click());
    assert.equal(own.subarray(0, 4).toString("latin1"), magic);
    const sound = ending === "wav" ? own : await one.download(() => one.button("WAV").click());
    assert.equal(sound.length, wav(8));
    const film = await one.download(() => one.button("MP4").click());
    assert.ok((await alike(film, sound)) > 0.9, "the film sounds otherwise");
    assert.match(await one.copied("Copy as command"), /^liminal compose .* --form AABA -o piece\./);
  }

  async function shaped() {
    await panel.getByLabel("Length").selectOption("1");
    await whole(4);
    const field = panel.getByLabel("Form", { exact: true });
    await field.fill("A-B");
    await field.press("Enter");
    await panel.getByText(/wanted letters/).waitFor();
    await field.fill("aa'");
    await field.press("Enter");
    await page.waitForFunction(() => document.querySelectorAll(".score b").length === 2);
    await whole(4);
    await one.button("Other variations").click();
    await told(/--form 'AA'"'"'' --seed 1/i);
    await panel.getByRole("button", { name: "Remove key frame 2", exact: true }).click();
    await whole(4); // a theme and variations on it
    assert.equal(await panel.getByLabel("Over").count(), over ? 1 : 0);
    if (over) {
      await panel.getByLabel("Over").fill(over);
      await panel.getByLabel("Over").press("Enter");
      await told(/--over 'Am F'/);
    }
    await whole(4);
    assert.deepEqual(await one.faults(), []);
    await page.locator(".surface").focus();
    await page.keyboard.press("t");
    await page.waitForTimeout(300);
    await shoot(page, `${who}-compose-dark`);
    await page.keyboard.press("t");
    const desk = page.viewportSize();
    await page.setViewportSize({ width: 360, height: 740 });
    await one.shut();
    await shoot(page, `${who}-compose-narrow`);
    await page.setViewportSize(desk);
  }

  /** A film of the path that is open beside its sound. */
  async function filmed() {
    const sound = await one.download(() =>
      panel.getByRole("button", { name: ending === "wav" ? "Save as WAV" : "WAV", exact: true }).click(),
    );
    const film = await one.download(() => one.button("MP4").click());
    assert.equal(film.subarray(4, 8).toString("latin1"), "ftyp");
    assert.ok((await alike(film, sound)) > 0.9, "the film sounds otherwise");
    await page.getByText(/^Saved .+\.mp4$/).waitFor();
  }

  /** Where a page's browser encodes no sound: the silent film and its sound, and a line that says so. */
  async function apart() {
    await page.evaluate(() => delete window.AudioEncoder);
    const zip = await one.download(() => one.button("MP4").click());
    await page.getByText(/^Saved .+\.zip: this browser puts no sound into films/).waitFor();
    for (const part of ["path.mp4", "path.wav", "ftyp", "RIFF"]) assert.ok(zip.includes(part), part);
    assert.ok(!zip.includes("mp4a") && !zip.includes("Opus"), "the film is not silent");
  }

  /** How alike what two files sound like is, as the correlation of how loud they are, bit by bit. */
  async function alike(film, sound) {
    const other = await page.context().newPage(); // the page itself forbids all media
    const found = await other.evaluate(
      correlated,
      [film, sound].map((data) => data.toString("base64")),
    );
    await other.close();
    assert.ok(Math.abs(found.seconds[0] - found.seconds[1]) < 0.2, `they last ${found.seconds} s`);
    assert.ok(Math.abs(found.film - found.seconds[1]) < 0.3, `the film lasts ${found.film} s`);
    return found.alike;
  }
  return { pieces, "pieces as files": taken, "their form": shaped, "films sound": filmed, apart };
}

async function correlated(files) {
  const [room, part] = [new OfflineAudioContext(1, 1, 16_000), 800];
  const data = files.map((base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)));
  const video = document.createElement("video");
  video.src = URL.createObjectURL(new Blob([data[0]], { type: "video/mp4" }));
  await new Promise((done, fail) => ([video.onloadedmetadata, video.onerror] = [done, fail]));
  const sounds = await Promise.all(data.map((each) => room.decodeAudioData(each.buffer)));
  const loud = sounds.map((sound) => {
    const samples = sound.getChannelData(0);
    return Array.from({ length: Math.floor(samples.length / part) }, (_, i) =>
      Math.sqrt(samples.subarray(i * part, (i + 1) * part).reduce((sum, v) => sum + v * v, 0) / part),
    );
  });
  const count = Math.min(...loud.map((each) => each.length));
  const [a, b] = loud.map((each) => {
    const mean = each.slice(0, count).reduce((sum, v) => sum + v, 0) / count;
    return each.slice(0, count).map((v) => v - mean);
  });
  const dot = (p, q) => p.reduce((sum, v, i) => sum + v * q[i], 0);
  return {
    alike: dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b)),
    seconds: sounds.map((sound) => sound.duration),
    film: video.duration,
  };
}

/**
 * Files of sound that are dropped on the page, in the forms that browsers read: each finds the place of the
 * item that it is.
 */
export function dropping(who, one, files) {
  const { page, panel } = one;
  return async () => {
    for (const [i, [name, own]] of Object.entries(files).entries()) {
      await one.go("view=start");
      const given = await page.evaluateHandle(
        ([base64, called]) => {
          const data = new DataTransfer();
          const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
          data.items.add(new File([bytes], called));
          return data;
        },
        [readFileSync(name).toString("base64"), `${i}-${name.split(/[\\/]/).at(-1)}`],
      );
      await page.dispatchEvent(".surface", "drop", { dataTransfer: given });
      await panel.getByRole("heading", { name: new RegExp(`^${i}-`) }).waitFor();
      await panel.locator(".hear").nth(1).waitFor();
      const off = await page.evaluate(
        async ([base64, source]) => {
          const { ask, renderer } = window.liminal;
          const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
          const rows = Array.from({ length: renderer.points.count }, (_, row) => row);
          const { sources } = await ask("sources", {}, { rows });
          const row = sources.findIndex((each) => each.endsWith(source));
          const { id } = await ask("map", {}, null);
          const { items } = await ask("stored", { id: id.data[row] }, null);
          const { original, remarks } = await ask("encode", {}, new Blob([bytes]));
          const real = items.data.subarray(0, original.data.length);
          const off = real.reduce((sum, v, k) => sum + Math.abs(v - original.data[k]), 0) / real.length;
          return { off, remarks, row };
        },
        [readFileSync(name).toString("base64"), own],
      );
      assert.ok(off.row >= 0, `no item from ${own}`);
      const most = name.endsWith("wav") || name.endsWith("flac") ? 1 : 12; // others are as good as they say
      assert.ok(off.off < most, `${name}: levels are ${off.off} of 255 off`);
      console.log(`      ${name.split(/[\\/]/).at(-1)}: ${off.off.toFixed(2)} of 255 off ${off.remarks}`);
    }
    await shoot(page, `${who}-dropped`);
  };
}
