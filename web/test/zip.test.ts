import { describe, expect, it } from "vitest";
import { crc32, zip } from "../src/zip.ts";

const text = (words: string) => new TextEncoder().encode(words);

describe("a zip", () => {
  it("knows the check value of the CRC", () => {
    expect(crc32(text("123456789"))).toBe(0xcbf43926);
  });
  it("holds its files where its index says", async () => {
    const files = new Map([
      ["a.txt", text("one")],
      ["ü.csv", text("two, three")],
    ]);
    const data = new DataView(await zip(files, new Date(2026, 10, 21, 12, 30, 8)).arrayBuffer());
    const end = data.byteLength - 22;
    expect(data.getUint32(end, true)).toBe(0x06054b50);
    expect(data.getUint16(end + 10, true)).toBe(2);
    let at = data.getUint32(end + 16, true);
    expect(at + data.getUint32(end + 12, true)).toBe(end);
    for (const [name, content] of files) {
      const length = data.getUint16(at + 28, true);
      const here = data.getUint32(at + 42, true);
      const bytes = (from: number, count: number) =>
        new TextDecoder().decode(new Uint8Array(data.buffer, from, count));
      expect(bytes(at + 46, length)).toBe(name);
      expect(data.getUint32(here, true)).toBe(0x04034b50);
      expect(bytes(here + 30 + length, data.getUint32(here + 18, true))).toBe(
        new TextDecoder().decode(content),
      );
      at += 46 + length;
    }
  });
});
