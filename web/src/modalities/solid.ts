/**
 * Shapes as pictures, as modalities/render.py draws them: the surface of a field by naive surface nets, lit
 * at its corners, so that turning it means painting alone.
 */

import type { Turn } from "./view.ts";

type Numbers = Float32Array<ArrayBuffer>;
type Vector = readonly [number, number, number];

/** A surface with its light: three numbers a corner, four corners a quad. */
export interface Lit {
  /** In [0, 1], y up. */
  corners: Numbers;
  normals: Numbers;
  /** Bytes. */
  colours: Numbers;
  quads: Uint32Array;
  /** How dark the ground is, 0 to 1, by x and z. */
  ground: Numbers;
}

// all as in modalities/render.py
export const FRONT: Turn = { across: 32, up: 22 };
const MARGIN = 0.02;
const [DISTANCE, ZOOM] = [3.4, 1.2];
const MIDDLE: Vector = [0.5, 0.43, 0.5];
const COLOUR: Vector = [0.82, 0.6, 0.41];
const [SKY, BOUNCE]: [Vector, Vector] = [
  [0.4, 0.44, 0.5],
  [0.24, 0.2, 0.17],
];
const unit = ([x, y, z]: Vector): Vector => {
  const long = Math.hypot(x, y, z);
  return [x / long, y / long, z / long];
};
const [KEY, KEY_LIGHT]: [Vector, Vector] = [unit([-0.42, 0.82, 0.4]), [0.78, 0.73, 0.64]];
const [FILL, FILL_LIGHT]: [Vector, Vector] = [unit([0.85, 0.2, 0.3]), [0.1, 0.12, 0.16]];
const [FLOOR, SHADE] = [1 / 32, 0.34];
const [FROM, TO] = [-0.25, 1.25]; // of the ground
const [STEPS, STRIDE] = [16, 1.6];
const [SURE, TIE] = [2e-3, 1e-3];

const clip = (value: number, low: number, high: number): number => Math.min(Math.max(value, low), high);

/** A field of n^3 numbers. */
interface Field {
  data: Numbers;
  n: number;
}

/** Bytes (s, s, s) as shares, with an empty cell around. */
export function padded(item: ArrayLike<number>, side: number): Field {
  const n = side + 2;
  const data = new Float32Array(n ** 3);
  for (let x = 0, at = 0; x < side; x++)
    for (let y = 0; y < side; y++) {
      const row = ((x + 1) * n + y + 1) * n + 1;
      for (let z = 0; z < side; z++) data[row + z] = (item[at++] as number) / 255;
    }
  return { data, n };
}

/** Twice as many samples along an axis, between those that there are. */
function doubled(from: Numbers, before: number, n: number, after: number): Numbers {
  const out = new Float32Array(before * (2 * n - 2) * after);
  for (let b = 0; b < before; b++)
    for (let i = 1; i < 2 * n - 1; i++) {
      const at = (i + 0.5) / 2 - 0.5;
      const low = Math.floor(at);
      const part = at - low;
      const [u, v] = [(b * n + low) * after, (b * n + low + 1) * after];
      const to = (b * (2 * n - 2) + i - 1) * after;
      for (let a = 0; a < after; a++)
        out[to + a] = (1 - part) * (from[u + a] as number) + part * (from[v + a] as number);
    }
  return out;
}

/** Logits of shares on a grid twice as fine. */
export function finer({ data, n }: Field): Field {
  const known = Float32Array.from({ length: 256 }, (_, byte) => {
    const p = clip(byte / 255, SURE, 1 - SURE);
    return Math.log(p / (1 - p));
  });
  const logits = data.map((share) => known[Math.round(share * 255)] as number);
  const m = 2 * n - 2;
  const once = doubled(logits, n * n, n, 1);
  const twice = doubled(once, n, n, m);
  const all = doubled(twice, 1, n, m * m);
  return { data: all.map((value) => (Math.abs(value) < TIE ? TIE : value)), n: m };
}

/** Half of each sample and a quarter of its neighbours', along all three axes. */
function smoothed({ data, n }: Field): Field {
  let now = data;
  for (const step of [n * n, n, 1]) {
    const out = new Float32Array(now.length);
    // the border is empty, and stays so
    for (let x = 1; x < n - 1; x++)
      for (let y = 1; y < n - 1; y++)
        for (let at = (x * n + y) * n + 1, end = at + n - 2; at < end; at++)
          out[at] = (now[at] as number) / 2 + ((now[at - step] as number) + (now[at + step] as number)) / 4;
    now = out;
  }
  return { data: now, n };
}

const CORNERS = [0, 1, 2, 3, 4, 5, 6, 7].map((i): Vector => [i >> 2, (i >> 1) & 1, i & 1]);
const EDGES = CORNERS.flatMap((a, i) =>
  CORNERS.flatMap((b, j) => {
    const axis = a.findIndex((_, k) => a[k] !== b[k]);
    const far = a.reduce((sum, _, k) => sum + Math.abs((a[k] as number) - (b[k] as number)), 0);
    return i < j && far === 1 ? [[i, j, axis] as const] : [];
  }),
);

/** Corners in units of a field's samples, and quads that turn to the left seen from outside. */
export function nets({ data, n }: Field): { corners: Numbers; quads: Uint32Array } {
  const number = new Int32Array(n ** 3).fill(-1);
  const offsets = CORNERS.map(([x, y, z]) => (x * n + y) * n + z);
  const [corners, quads]: [number[], number[]] = [[], []];
  const full = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i++) full[i] = Number((data[i] as number) > 0);
  const sum = [0, 0, 0];
  for (let x = 0; x < n - 1; x++)
    for (let y = 0; y < n - 1; y++)
      for (let z = 0, at = (x * n + y) * n; z < n - 1; z++, at++) {
        let count = 0;
        for (let c = 0; c < 8; c++) count += full[at + (offsets[c] as number)] as number;
        if (count === 0 || count === 8) continue;
        sum.fill(0);
        let cut = 0;
        for (let e = 0; e < EDGES.length; e++) {
          const [i, j, axis] = EDGES[e] as (typeof EDGES)[number];
          const p = at + (offsets[i] as number);
          const q = at + (offsets[j] as number);
          if (full[p] === full[q]) continue;
          const u = data[p] as number;
          sum[0] = (sum[0] as number) + (i >> 2);
          sum[1] = (sum[1] as number) + ((i >> 1) & 1);
          sum[2] = (sum[2] as number) + (i & 1);
          sum[axis] = (sum[axis] as number) + u / (u - (data[q] as number));
          cut++;
        }
        number[at] = corners.length / 3;
        corners.push(
          x + (sum[0] as number) / cut,
          y + (sum[1] as number) / cut,
          z + (sum[2] as number) / cut,
        );
      }
  const steps = [n * n, n, 1];
  for (let axis = 0; axis < 3; axis++) {
    const step = steps[axis] as number;
    const u = steps[(axis + 1) % 3] as number;
    const v = steps[(axis + 2) % 3] as number;
    for (let at = 0; at < full.length - step; at++) {
      // the border is empty, so that no edge is cut from one row to the next
      if (full[at] === full[at + step]) continue;
      const ring = [at - u - v, at - v, at, at - u].map((cell) => number[cell] as number);
      quads.push(...(full[at + step] ? ring.reverse() : ring));
    }
  }
  return { corners: Float32Array.from(corners), quads: Uint32Array.from(quads) };
}

function nearest({ data, n }: Field, x: number, y: number, z: number): number {
  const i = Math.trunc(clip(x + 0.5, 0, n - 1));
  const j = Math.trunc(clip(y + 0.5, 0, n - 1));
  const k = Math.trunc(clip(z + 0.5, 0, n - 1));
  return data[(i * n + j) * n + k] as number;
}

/** How a field grows from each sample to the next two along each axis; the border is left out. */
function slope({ data, n }: Field, x: number, y: number, z: number, into: [number, number, number]): void {
  const [i, j, k] = [Math.floor(x), Math.floor(y), Math.floor(z)];
  into.fill(0);
  for (let c = 0; c < 8; c++) {
    const p = i + (c >> 2);
    const q = j + ((c >> 1) & 1);
    const r = k + (c & 1);
    const weight = (1 - Math.abs(x - p)) * (1 - Math.abs(y - q)) * (1 - Math.abs(z - r));
    if (weight === 0) continue;
    const at = (p * n + q) * n + r;
    for (let axis = 0; axis < 3; axis++) {
      const step = axis === 0 ? n * n : axis === 1 ? n : 1;
      const here = axis === 0 ? p : axis === 1 ? q : r;
      const before = here > 0 ? at - step : at;
      const after = here < n - 1 ? at + step : at;
      const far = after - before > step ? 2 : 1;
      into[axis] =
        (into[axis] as number) + (weight * ((data[after] as number) - (data[before] as number))) / far;
    }
  }
}

/** How much of the key's light is stopped on its way. */
function blocked(field: Field, x: number, y: number, z: number, first: number): number {
  let met = 0;
  for (let i = 0; i < STEPS; i++) {
    const reach = first + i * STRIDE;
    met = Math.max(met, nearest(field, x + reach * KEY[0], y + reach * KEY[1], z + reach * KEY[2]));
  }
  return clip(2.2 * met - 0.35, 0, 1);
}

/** The surface of an item, bytes (s, s, s) by x, y and z, with its light. */
export function lit(item: ArrayLike<number>, side: number, fine: boolean): Lit {
  const shares = padded(item, side);
  const field = fine ? finer(shares) : { ...shares, data: shares.data.map((share) => share - (0.5 - 1e-4)) };
  const { corners, quads } = nets(field);
  const smooth = smoothed(shares);
  const wide = smoothed(smoothed(smooth));
  const scale = side * (fine ? 2 : 1);
  const [normals, colours] = [new Float32Array(corners.length), new Float32Array(corners.length)];
  const grown: [number, number, number] = [0, 0, 0];
  for (let i = 0; i < corners.length; i += 3) {
    for (let k = 0; k < 3; k++) corners[i + k] = ((corners[i + k] as number) - 0.5) / scale;
    const x = (corners[i] as number) * side + 0.5;
    const y = (corners[i + 1] as number) * side + 0.5;
    const z = (corners[i + 2] as number) * side + 0.5;
    slope(smooth, x, y, z, grown);
    const long = -Math.max(Math.hypot(grown[0], grown[1], grown[2]), 1e-6);
    const normal: Vector = [grown[0] / long, grown[1] / long, grown[2] / long];
    normals.set(normal, i);
    colours.set(shade(smooth, wide, x, y, z, normal), i);
  }
  return { corners, normals, colours, quads, ground: groundOf(wide, side, fine ? 32 : 16) };
}

const dot = (a: Vector, b: Vector): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

function shade(smooth: Field, wide: Field, x: number, y: number, z: number, normal: Vector): number[] {
  let open = 0;
  for (const reach of [1.5, 3, 5])
    open += (1 - nearest(wide, x + reach * normal[0], y + reach * normal[1], z + reach * normal[2])) / 3;
  open = clip(open, 0, 1) ** 1.6;
  const off = (k: number): number => 1.2 * (normal[k] as number);
  const seen = 1 - blocked(smooth, x + off(0), y + off(1), z + off(2), 1.5);
  const up = 0.5 + 0.5 * normal[1];
  const [key, fill] = [Math.max(dot(normal, KEY), 0) * seen, Math.max(dot(normal, FILL), 0) * open];
  return COLOUR.map((own, c) => {
    const around = ((SKY[c] as number) * up + (BOUNCE[c] as number) * (1 - up)) * open;
    const light = around + (KEY_LIGHT[c] as number) * key + (FILL_LIGHT[c] as number) * fill;
    return 255 * clip(own * light, 0, 1) ** (1 / 2.2);
  });
}

function groundOf(wide: Field, side: number, count: number): Numbers {
  const out = new Float32Array((count + 1) ** 2);
  for (let i = 0; i <= count; i++)
    for (let j = 0; j <= count; j++) {
      const [x, z] = [i, j].map((at) => FROM + ((TO - FROM) * at) / count) as [number, number];
      const [a, b, c] = [x * side + 0.5, FLOOR * side + 0.5, z * side + 0.5];
      const dark = 0.75 * blocked(wide, a, b, c, 1);
      const near = clip(2.2 * nearest(wide, a, b + 1, c), 0, 1);
      const fade = clip((0.68 - Math.hypot(x - 0.5, z - 0.5)) / 0.3, 0, 1);
      out[i * (count + 1) + j] = clip(dark + near, 0, 1) * fade;
    }
  return out;
}

/** Right, up, and towards the camera. */
function basis({ across, up }: Turn): [Vector, Vector, Vector] {
  const [a, e] = [(across * Math.PI) / 180, (up * Math.PI) / 180];
  return [
    [Math.cos(a), 0, -Math.sin(a)],
    [-Math.sin(a) * Math.sin(e), Math.cos(e), -Math.cos(a) * Math.sin(e)],
    [Math.sin(a) * Math.cos(e), Math.sin(e), Math.cos(a) * Math.cos(e)],
  ];
}

/** What is painted on: colours, and how near each pixel is. */
interface Plate {
  size: number;
  colours: Numbers;
  depth: Numbers;
}

/** Points as pixels: x, y, and nearness. */
function projected(points: ArrayLike<number>, turn: Turn, size: number, zoom = ZOOM): Numbers {
  const [right, up, back] = basis(turn);
  const out = new Float32Array(points.length);
  for (let i = 0; i < points.length; i += 3) {
    const from: Vector = [
      (points[i] as number) - MIDDLE[0],
      (points[i + 1] as number) - MIDDLE[1],
      (points[i + 2] as number) - MIDDLE[2],
    ];
    const near = dot(from, back);
    const scale = ((size / zoom) * DISTANCE) / (DISTANCE - near);
    out[i] = size / 2 + scale * dot(from, right);
    out[i + 1] = size / 2 - scale * dot(from, up);
    out[i + 2] = near;
  }
  return out;
}

/** Fill a triangle whose corners have colours, where it is nearer than what is there. */
function triangle(
  plate: Plate,
  at: Numbers,
  tones: ArrayLike<number>,
  a: number,
  b: number,
  c: number,
): void {
  const { size, colours, depth } = plate;
  const [ka, kb, kc] = [3 * a, 3 * b, 3 * c];
  const ax = at[ka] as number;
  const ay = at[ka + 1] as number;
  const bx = at[kb] as number;
  const by = at[kb + 1] as number;
  const cx = at[kc] as number;
  const cy = at[kc + 1] as number;
  const area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax);
  if (!(area < 0)) return; // it looks away
  const left = Math.max(Math.ceil(Math.min(ax, bx, cx) - 0.5), 0);
  const right = Math.min(Math.floor(Math.max(ax, bx, cx) - 0.5), size - 1);
  const top = Math.max(Math.ceil(Math.min(ay, by, cy) - 0.5), 0);
  const bottom = Math.min(Math.floor(Math.max(ay, by, cy) - 0.5), size - 1);
  for (let y = top; y <= bottom; y++)
    for (let x = left; x <= right; x++) {
      const px = x + 0.5;
      const py = y + 0.5;
      const u = ((bx - px) * (cy - py) - (by - py) * (cx - px)) / area;
      const v = ((cx - px) * (ay - py) - (cy - py) * (ax - px)) / area;
      const w = 1 - u - v;
      if (u < 0 || v < 0 || w < 0) continue;
      const near = u * (at[ka + 2] as number) + v * (at[kb + 2] as number) + w * (at[kc + 2] as number);
      const pixel = y * size + x;
      if (near < (depth[pixel] as number)) continue;
      depth[pixel] = near;
      for (let k = 0; k < 3; k++)
        colours[3 * pixel + k] =
          u * (tones[ka + k] as number) + v * (tones[kb + k] as number) + w * (tones[kc + k] as number);
    }
}

function paintGround(plate: Plate, ground: Numbers, turn: Turn, paper: Vector, zoom: number): void {
  const side = Math.round(Math.sqrt(ground.length));
  const [points, tones]: [number[], number[]] = [[], []];
  ground.forEach((dark, i) => {
    const [x, z] = [Math.floor(i / side), i % side].map((at) => FROM + ((TO - FROM) * at) / (side - 1));
    points.push(x as number, FLOOR, z as number);
    tones.push(...paper.map((tone) => tone * (1 - SHADE * dark)));
  });
  const at = projected(points, turn, plate.size, zoom);
  for (let i = 0; i < side - 1; i++)
    for (let j = 0; j < side - 1; j++) {
      const first = i * side + j;
      const [a, b, c, d] = [first, first + side, first + side + 1, first + 1];
      if (Math.max(...[a, b, c, d].map((k) => ground[k] as number)) <= 0.01) continue;
      triangle(plate, at, tones, c, b, a);
      triangle(plate, at, tones, d, c, a);
    }
  plate.depth.fill(-Infinity);
}

/** A lit surface from some side as rgba of size x size, on some paper. */
export function painted(shape: Lit, size: number, turn: Turn, paper: Vector): Uint8ClampedArray {
  const over = size <= 320 ? 2 : 1;
  const wide = size * over;
  const plate: Plate = {
    size: wide,
    colours: new Float32Array(3 * wide * wide),
    depth: new Float32Array(wide * wide).fill(-Infinity),
  };
  for (let i = 0; i < plate.colours.length; i++) plate.colours[i] = paper[i % 3] as number;
  let reach = 1; // what is larger than others is shown smaller, whole
  projected(shape.corners, turn, wide).forEach((value, i) => {
    if (i % 3 < 2) reach = Math.max(reach, Math.abs(value - wide / 2) / (wide * (0.5 - MARGIN)));
  });
  if (turn.up > 0) paintGround(plate, shape.ground, turn, paper, ZOOM * reach);
  const at = projected(shape.corners, turn, wide, ZOOM * reach);
  for (let i = 0; i < shape.quads.length; i += 4) {
    const a = shape.quads[i] as number;
    const c = shape.quads[i + 2] as number;
    triangle(plate, at, shape.colours, a, shape.quads[i + 1] as number, c);
    triangle(plate, at, shape.colours, a, c, shape.quads[i + 3] as number);
  }
  const out = new Uint8ClampedArray(4 * size * size).fill(255);
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++)
      for (let k = 0; k < 3; k++) {
        let sum = 0;
        for (let i = 0; i < over; i++)
          for (let j = 0; j < over; j++)
            sum += plate.colours[3 * ((y * over + i) * wide + x * over + j) + k] as number;
        out[4 * (y * size + x) + k] = sum / over ** 2;
      }
  return out;
}
