/** Surfaces as files: binary glTF 2.0, y up, with smooth normals. */
import type { Lit } from "./solid.ts";

const [FLOATS, INTEGERS, VERTICES, INDICES] = [5126, 5125, 34962, 34963];
const CLAY = [0.82, 0.6, 0.41, 1];

/** A chunk of a file: its length, its type, and its bytes filled up to a multiple of four. */
function chunk(type: number, bytes: Uint8Array, fill: number): Uint8Array {
  const size = Math.ceil(bytes.length / 4) * 4;
  const out = new Uint8Array(8 + size).fill(fill);
  const head = new DataView(out.buffer);
  head.setUint32(0, size, true);
  head.setUint32(4, type, true);
  out.set(bytes, 8);
  return out;
}

/** A surface as the bytes of a .glb file; a note tells the library that it stands where the grid has it. */
export function glb({
  corners,
  normals,
  quads,
}: Pick<Lit, "corners" | "normals" | "quads">): Uint8Array<ArrayBuffer> {
  const faces = new Uint32Array((quads.length / 4) * 6);
  for (let i = 0; i < quads.length / 4; i++)
    [0, 1, 2, 0, 2, 3].forEach((k, j) => (faces[6 * i + j] = quads[4 * i + k] as number));
  const buffers = [corners, normals, faces].map((from) => new Uint8Array(from.buffer));
  const held = new Uint8Array(buffers.reduce((sum, { length }) => sum + length, 0));
  const [low, high] = [
    [Infinity, Infinity, Infinity],
    [-Infinity, -Infinity, -Infinity],
  ];
  corners.forEach((value, i) => {
    low[i % 3] = Math.min(low[i % 3] as number, value);
    high[i % 3] = Math.max(high[i % 3] as number, value);
  });
  let from = 0;
  const bufferViews = buffers.map((bytes, i) => {
    held.set(bytes, from);
    const view = {
      buffer: 0,
      byteOffset: from,
      byteLength: bytes.length,
      target: i < 2 ? VERTICES : INDICES,
    };
    from += bytes.length;
    return view;
  });
  const count = corners.length / 3;
  const told = {
    asset: { version: "2.0", generator: "Liminal" },
    scene: 0,
    scenes: [{ nodes: [0] }],
    nodes: [{ mesh: 0 }],
    meshes: [
      {
        primitives: [{ attributes: { POSITION: 0, NORMAL: 1 }, indices: 2, material: 0 }],
        extras: { liminal: "grid" },
      },
    ],
    materials: [{ pbrMetallicRoughness: { baseColorFactor: CLAY, metallicFactor: 0, roughnessFactor: 0.8 } }],
    accessors: [
      { bufferView: 0, componentType: FLOATS, count, type: "VEC3", min: low, max: high },
      { bufferView: 1, componentType: FLOATS, count, type: "VEC3" },
      { bufferView: 2, componentType: INTEGERS, count: faces.length, type: "SCALAR" },
    ],
    bufferViews,
    buffers: [{ byteLength: held.length }],
  };
  const parts = [
    chunk(0x4e4f534a, new TextEncoder().encode(JSON.stringify(told)), 0x20),
    chunk(0x004e4942, held, 0),
  ];
  const out = new Uint8Array(12 + parts.reduce((sum, { length }) => sum + length, 0));
  const head = new DataView(out.buffer);
  head.setUint32(0, 0x46546c67, true);
  head.setUint32(4, 2, true);
  head.setUint32(8, out.length, true);
  let at = 12;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
