import { expect, it, vi } from "vitest";
import { Refused, server } from "../src/api.ts";
import { Parent } from "../src/parent.ts";

interface Said {
  kind: string;
  id: number;
  method: string;
  address: string;
  type: string;
  body: ArrayBuffer;
}
/** A page and what holds it: `said` is what the page says, `answer` what it is told. */
function pair(): { parent: Parent; said: Said[]; tell: (message: object) => void } {
  const { port1, port2 } = new MessageChannel();
  const said: Said[] = [];
  port1.onmessage = ({ data }) => said.push(data);
  return { parent: new Parent(port2), said, tell: (message) => port1.postMessage(message) };
}
const bytes = (text: string): ArrayBuffer => new TextEncoder().encode(text).buffer as ArrayBuffer;

it("hands a request on and gives the answer as fetch would", async () => {
  const { parent, said, tell } = pair();
  const found = parent.reach("/api/at?method=pca", {
    method: "POST",
    body: Float32Array.of(1, -2),
    headers: { "Content-Type": "application/octet-stream" },
  });
  await vi.waitFor(() => expect(said).toHaveLength(1));
  const [first] = said as [Said];
  expect(first).toMatchObject({
    kind: "ask",
    method: "POST",
    address: "/api/at?method=pca",
    type: "application/octet-stream",
  });
  expect([...new Float32Array(first.body)]).toEqual([1, -2]);
  tell({ kind: "answer", id: first.id + 7, status: 200, type: "text/plain", body: bytes("another's") });
  tell({
    kind: "answer",
    id: first.id,
    status: 503,
    type: "application/json",
    after: "0.5",
    body: bytes('{"error": "soon"}'),
  });
  const response = await found;
  expect([response.status, response.ok, response.headers.get("Retry-After")]).toEqual([503, false, "0.5"]);
  expect(await response.json()).toEqual({ error: "soon" });
});

it("does not take away what it sends", async () => {
  const { parent, said } = pair();
  const mine = Float32Array.of(3);
  void parent.reach("/api/look", { method: "POST", body: mine });
  await vi.waitFor(() => expect(said).toHaveLength(1));
  expect([...mine]).toEqual([3]);
});

it("says so when an answer is not wanted any more", async () => {
  const { parent, said, tell } = pair();
  const gone = new AbortController();
  const found = parent.reach("/api/item?id=1", { signal: gone.signal });
  await vi.waitFor(() => expect(said).toHaveLength(1));
  gone.abort();
  await expect(found).rejects.toMatchObject({ name: "AbortError" });
  await vi.waitFor(() => expect(said.map((one) => one.kind)).toEqual(["ask", "drop"]));
  tell({ kind: "answer", id: said[0]?.id, status: 200, type: "text/plain", body: bytes("late") });
  await expect(parent.reach("/api/item", { signal: gone.signal })).rejects.toMatchObject({
    name: "AbortError",
  });
  expect(said).toHaveLength(2);
});

it("is a server to all above it", async () => {
  const { parent, said, tell } = pair();
  const ask = server(() => {}, parent.reach);
  const found = ask("formula", {}, { text: "@12 + smle" }).catch((error: unknown) => error);
  await vi.waitFor(() => expect(said).toHaveLength(1));
  tell({
    kind: "answer",
    id: said[0]?.id,
    status: 200,
    type: "application/json",
    body: bytes('{"ready": true, "broken": null, "tasks": []}'),
  });
  await vi.waitFor(() => expect(said).toHaveLength(2));
  expect(said[1]).toMatchObject({ address: "/api/formula", type: "application/json" });
  tell({
    kind: "answer",
    id: said[1]?.id,
    status: 400,
    type: "application/json",
    body: bytes('{"error": "unknown name smle", "at": 6, "near": ["smile"]}'),
  });
  const refused = await found;
  expect(refused).toBeInstanceOf(Refused);
  expect(refused).toMatchObject({ status: 400, at: 6, near: ["smile"] });
});

it("hears other messages by their kind", async () => {
  const { parent, tell } = pair();
  const heard: object[] = [];
  parent.on("dark", (message: object) => heard.push(message));
  tell({ kind: "light" });
  tell({ kind: "dark", dark: true });
  await vi.waitFor(() => expect(heard).toEqual([{ kind: "dark", dark: true }]));
});

it("is quiet until something else is asked", async () => {
  const { parent, said } = pair();
  let over = false;
  void parent.quiet().then(() => (over = true));
  void parent.reach("/api/progress", { method: "GET" });
  await vi.waitFor(() => expect(said).toHaveLength(1));
  await new Promise((done) => setTimeout(done, 1100));
  expect(over).toBe(false);
  void parent.reach("/api/names", { method: "GET" });
  await vi.waitFor(() => expect(over).toBe(true), 3000);
});
