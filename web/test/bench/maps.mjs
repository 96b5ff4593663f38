/**
 * What is drawn: a million points in heaps, or a map's items again and again, a little moved, so that there
 * are more of them.
 */
import { heaps, randoms } from "./meter.mjs";

/** The studio's packed format, written. */
export function packed(arrays, fields) {
  const entries = {};
  let at = 0;
  for (const [name, [dtype, data, shape]] of Object.entries(arrays)) {
    entries[name] = { dtype, shape, at };
    at += Math.ceil(data.byteLength / 8) * 8;
  }
  let header = JSON.stringify({ arrays: entries, ...fields });
  header += " ".repeat((8 - ((header.length + 4) % 8)) % 8);
  const out = Buffer.alloc(4 + header.length + at);
  out.writeUInt32LE(header.length);
  out.write(header, 4);
  for (const [name, [, data]] of Object.entries(arrays))
    Buffer.from(data.buffer).copy(out, 4 + header.length + entries[name].at);
  return out;
}

/** The same, read. */
export function unpacked(data) {
  const bytes = new Uint8Array(data).slice();
  const size = new DataView(bytes.buffer).getUint32(0, true);
  const { arrays, ...found } = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + size)));
  const kinds = { f4: Float32Array, i4: Int32Array, u2: Uint16Array, u1: Uint8Array };
  for (const [name, { dtype, shape, at }] of Object.entries(arrays)) {
    found[name] = new kinds[dtype](
      bytes.buffer.slice(4 + size + at),
      0,
      shape.reduce((a, b) => a * b, 1),
    );
  }
  return found;
}

const asked = async (url, path) => {
  const { origin, searchParams } = new URL(url);
  const answer = await fetch(
    `${origin}${path}${path.includes("?") ? "&" : "?"}token=${searchParams.get("token")}`,
  );
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}`);
  return unpacked(await answer.arrayBuffer());
};

export const PAGE = 1024; // thumbnails of a sheet

/**
 * The items of a studio's map, so often that there are n of them; row r shows the picture of row r modulo
 * `of`, whole sheets.
 */
export async function repeated(url, n) {
  const [map, column] = [
    await asked(url, "/api/map?method=umap"),
    await asked(url, "/api/column?name=label"),
  ];
  const of = Math.floor(map.id.length / PAGE) * PAGE;
  const random = randoms();
  const span =
    Math.max(...map.xy.filter((_, i) => i % 2 === 0)) - Math.min(...map.xy.filter((_, i) => i % 2 === 0));
  const [xy, label] = [new Float32Array(2 * n), new Uint8Array(n)];
  for (let i = 0; i < n; i++) {
    label[i] = column.data[i % of];
    for (const axis of [0, 1])
      xy[2 * i + axis] = map.xy[2 * (i % of) + axis] + (i < of ? 0 : 0.01 * span * (random() + random() - 1));
  }
  return { xy, label, pages: of / PAGE, values: column.values };
}

export const points = async (kind, url, n) =>
  kind === "heaps"
    ? { ...heaps(n), values: Array.from({ length: 40 }, (_, i) => `heap ${i}`) }
    : repeated(url, n);
