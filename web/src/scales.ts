/** Where things are on the screen and which colour they have: pure functions, no page. */

export interface Camera {
  /** The point of the map at the middle of the screen. */
  x: number;
  y: number;
  /** Pixels to one unit of the map. */
  k: number;
}
export interface Box {
  left: number;
  right: number;
  bottom: number;
  top: number;
}
export interface Size {
  width: number;
  height: number;
}
export type Point = readonly [number, number];

/** The screen's y runs down, the map's runs up. */
export function toScreen(camera: Camera, size: Size, x: number, y: number): Point {
  return [(x - camera.x) * camera.k + size.width / 2, (camera.y - y) * camera.k + size.height / 2];
}

export function toMap(camera: Camera, size: Size, px: number, py: number): Point {
  return [camera.x + (px - size.width / 2) / camera.k, camera.y - (py - size.height / 2) / camera.k];
}

export function inView(camera: Camera, size: Size): Box {
  const [halfWidth, halfHeight] = [size.width / 2 / camera.k, size.height / 2 / camera.k];
  return {
    left: camera.x - halfWidth,
    right: camera.x + halfWidth,
    bottom: camera.y - halfHeight,
    top: camera.y + halfHeight,
  };
}

export function bounds(xy: Float32Array): Box {
  const box = { left: Infinity, right: -Infinity, bottom: Infinity, top: -Infinity };
  for (let i = 0; i < xy.length; i += 2) {
    const [x, y] = [xy[i] as number, xy[i + 1] as number];
    if (x < box.left) box.left = x;
    if (x > box.right) box.right = x;
    if (y < box.bottom) box.bottom = y;
    if (y > box.top) box.top = y;
  }
  return xy.length ? box : { left: -1, right: 1, bottom: -1, top: 1 };
}

/**
 * The camera that shows a box with a margin (in pixels) on every side,, between what
 * stands at the upper and at the lower edge.
 */
export function fit(
  box: Box,
  size: Size,
  below: number,
  above = 0,
  margin = Math.min(36, size.height / 14),
): Camera {
  const width = Math.max(box.right - box.left, 1e-6);
  const height = Math.max(box.top - box.bottom, 1e-6);
  const room = (side: number, taken: number) => Math.max(side - taken, side / 2);
  const k = Math.min(
    room(size.width, 2 * margin) / width,
    room(size.height, 2 * margin + below + above) / height,
  );
  return { x: (box.left + box.right) / 2, y: (box.bottom + box.top) / 2 + (above - below) / 2 / k, k };
}

/** Zooms by a factor and keeps the point under (px, py) where it is. */
export function zoomAt(
  camera: Camera,
  size: Size,
  px: number,
  py: number,
  factor: number,
  limits: Point,
): Camera {
  const k = Math.min(Math.max(camera.k * factor, limits[0]), limits[1]);
  const [x, y] = toMap(camera, size, px, py);
  return { x: x - (px - size.width / 2) / k, y: y + (py - size.height / 2) / k, k };
}

/**
 * The lattice's level at which a cell of `side / 2**level` is at least `wanted` pixels wide, and less than
 * twice that.
 */
export function levelFor(k: number, side: number, wanted: number): number {
  return Math.max(0, Math.floor(Math.log2((side * k) / wanted)));
}

export interface Cell {
  level: number;
  i: number;
  j: number;
}

/** The cells of a level that a box touches, from its middle outwards. */
export function cellsIn(box: Box, level: number, side: number, limit: number): Cell[] {
  const cell = side / 2 ** level;
  const [left, right] = [Math.floor(box.left / cell), Math.floor(box.right / cell)];
  const [bottom, top] = [Math.floor(box.bottom / cell), Math.floor(box.top / cell)];
  const [middleI, middleJ] = [(left + right) / 2, (bottom + top) / 2];
  const cells: Cell[] = [];
  for (let j = bottom; j <= top; j++) for (let i = left; i <= right; i++) cells.push({ level, i, j });
  const far = (c: Cell) => (c.i - middleI) ** 2 + (c.j - middleJ) ** 2;
  return cells.sort((a, b) => far(a) - far(b)).slice(0, limit);
}

/**
 * Support, the share of real items that lie further out than a point, in words; of a real item, how usual it
 * is.
 */
export function supportWords(
  support: number,
  real = false,
): { level: "inside" | "edge" | "beyond" | "unknown"; words: string } {
  if (Number.isNaN(support)) return { level: "unknown", words: "How far it can be trusted is not known" };
  if (real)
    return support >= 0.05
      ? { level: "inside", words: support < 0.2 ? "Less usual than most" : "One of many like it" }
      : { level: "edge", words: "An unusual one" };
  if (!(support >= 0.01)) return { level: "beyond", words: "Beyond the data: do not trust it" };
  if (support < 0.05) return { level: "edge", words: "Hardly any are like this: look twice" };
  if (support < 0.2) return { level: "edge", words: "At the edge of the data" };
  return { level: "inside", words: "Well inside the data" };
}

export const short = (value: number, digits = 2): string => {
  if (!Number.isFinite(value)) return "unknown";
  const text = Math.abs(value) >= 1000 ? Math.round(value).toLocaleString("en") : value.toFixed(digits);
  return text.replace(/^-(?=0(\.0*)?$)/, "");
};

/** A value of an attribute: whole numbers as such. */
export const valued = (value: number): string => short(value, Number.isInteger(value) ? 0 : 2);
