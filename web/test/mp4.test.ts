import { afterEach, describe, expect, it, vi } from "vitest";
import { encoding, mp4 } from "../src/local/mp4.ts";

afterEach(() => vi.unstubAllGlobals());

/** A browser that encodes codecs whose names begin so, and does not even know others. */
function encodes(...names: string[]): void {
  const isConfigSupported = async ({ codec }: VideoEncoderConfig) => {
    if (!names.some((name) => codec.startsWith(name))) throw new TypeError("unknown codec");
    return { supported: true };
  };
  vi.stubGlobal("VideoEncoder", { isConfigSupported });
}

describe("how a film is encoded", () => {
  it("as H.264, else as what the browser can", async () => {
    encodes("av01", "avc1", "vp09");
    expect((await encoding(28, 28))?.codec).toMatch(/^avc1/);
    encodes("av01", "vp09");
    expect((await encoding(28, 28))?.codec).toMatch(/^vp09/);
    encodes("av01");
    expect((await encoding(28, 28))?.codec).toMatch(/^av01/);
  });

  it("enlarged by a whole factor, with even sides", async () => {
    encodes("avc1");
    expect(await encoding(28, 28)).toMatchObject({ width: 308, height: 308 });
    expect(await encoding(29, 27)).toMatchObject({ width: 298, height: 320 });
    expect(await encoding(401, 3)).toMatchObject({ width: 4, height: 402 });
    expect(await encoding(64, 64, 48)).toMatchObject({ framerate: 48 });
  });

  it("not at all where the browser has no encoder, or knows no such codec", async () => {
    expect(await encoding(28, 28)).toBeNull();
    await expect(mp4({ n: 1, width: 2, height: 2, at: () => ({}) as HTMLCanvasElement }, 24)).rejects.toThrow(
      "cannot encode",
    );
    encodes("vp8");
    expect(await encoding(28, 28)).toBeNull();
  });
});
