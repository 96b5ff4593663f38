import { afterEach, expect, it, vi } from "vitest";
import { Refused, server } from "../src/api.ts";
import { newest } from "../src/live.ts";
import { unpack, type At } from "../src/wire.ts";

/** The packed format, written as the contract says. */
function pack(arrays: Record<string, [string, ArrayBufferView, number[]]>, fields: object = {}): ArrayBuffer {
  const entries: Record<string, object> = {};
  let size = 0;
  for (const [name, [dtype, data, shape]] of Object.entries(arrays)) {
    entries[name] = { dtype, shape, at: size };
    size += Math.ceil(data.byteLength / 8) * 8;
  }
  let header = JSON.stringify({ arrays: entries, ...fields });
  header += " ".repeat((8 - ((new TextEncoder().encode(header).length + 4) % 8)) % 8);
  const bytes = new TextEncoder().encode(header);
  const buffer = new ArrayBuffer(4 + bytes.length + size);
  new DataView(buffer).setUint32(0, bytes.length, true);
  new Uint8Array(buffer).set(bytes, 4);
  let at = 4 + bytes.length;
  for (const [, data] of Object.values(arrays)) {
    new Uint8Array(buffer).set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += Math.ceil(data.byteLength / 8) * 8;
  }
  return buffer;
}

const found = pack(
  {
    items: ["u1", Uint8Array.of(1, 2, 3), [1, 1, 3, 1]],
    z: ["f4", Float32Array.of(0.5, -2), [1, 2]],
    nearest: ["i4", Int32Array.of(7), [1]],
  },
  { words: "für" },
);

afterEach(() => vi.unstubAllGlobals());

it("reads arrays and fields", () => {
  const answer = unpack<At & { words: string }>(found);
  expect([...answer.items.data]).toEqual([1, 2, 3]);
  expect(answer.items.shape).toEqual([1, 1, 3, 1]);
  expect([...answer.z.data]).toEqual([0.5, -2]);
  expect([...answer.nearest.data]).toEqual([7]);
  expect(answer.words).toBe("für");
});

const READY = '{"ready": true, "broken": null, "tasks": []}';
const LOADING = '{"ready": false, "broken": null, "tasks": []}';
/** A server that answers progress in turn, and everything else with what is given, also in turn. */
function stub(progress: string[], answers: Response[]): { address: string; init: RequestInit }[] {
  const calls: { address: string; init: RequestInit }[] = [];
  vi.stubGlobal("fetch", async (address: string, init: RequestInit) => {
    calls.push({ address, init });
    return address === "/api/progress" ? new Response(progress.shift() ?? READY) : answers.shift();
  });
  return calls;
}

it("sends places as raw numbers once the model is there, and again where the server needs time", async () => {
  const calls = stub(
    [LOADING, READY],
    [
      new Response('{"error": "soon"}', { status: 503, headers: { "Retry-After": "0.01" } }),
      new Response(found),
    ],
  );
  const waits: boolean[] = [];
  const ask = server((now) => waits.push(now));
  const answer = await ask("at", { method: "pca" }, Float32Array.of(1, 2));
  expect([...answer.z.data]).toEqual([0.5, -2]);
  expect(waits).toEqual([true, false]);
  expect(calls.map((call) => call.address)).toEqual([
    "/api/progress",
    "/api/progress",
    "/api/at?method=pca",
    "/api/at?method=pca",
  ]);
  expect(calls[2]?.init.body).toBeInstanceOf(Float32Array);
});

it("asks for the map while the model is still loading", async () => {
  const calls = stub([], [new Response('{"name": "x"}')]);
  await server(() => {})("space", {}, null);
  expect(calls.map((call) => call.address)).toEqual(["/api/space"]);
});

it("says what the server refuses, and where", async () => {
  stub([], [new Response('{"error": "unknown name smle", "at": 6, "near": ["smile"]}', { status: 400 })]);
  const refused = await server(() => {})("formula", {}, { text: "@12 + smle" }).catch(
    (error: unknown) => error,
  );
  expect(refused).toBeInstanceOf(Refused);
  expect(refused).toMatchObject({ message: "unknown name smle", status: 400, at: 6, near: ["smile"] });
});

it("says so where no server answers", async () => {
  vi.stubGlobal("fetch", async () => Promise.reject(new TypeError("failed to fetch")));
  await expect(server(() => {})("space", {}, null)).rejects.toThrow("does not answer");
});

it("does one thing at a time and then only the newest wish", async () => {
  const done: number[] = [];
  const gates: (() => void)[] = [];
  const wish = newest<number>(async (n) => {
    await new Promise<void>((open) => gates.push(open));
    done.push(n);
  });
  for (const n of [1, 2, 3, 4]) wish(n);
  gates[0]?.();
  await vi.waitFor(() => expect(gates).toHaveLength(2));
  gates[1]?.();
  await vi.waitFor(() => expect(done).toEqual([1, 4]));
});
