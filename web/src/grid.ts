/** A grid over the points of the map: what lies under the pointer, how dense it is, what a lasso holds. */
import { bounds, type Box, type Point } from "./scales.ts";

export class Grid {
  readonly box: Box;
  readonly side: number;
  private readonly columns: number;
  private readonly lines: number;
  private readonly cell: number;
  /** Rows of points sorted by cell, and where each cell starts. */
  private readonly rows: Int32Array;
  private readonly starts: Int32Array;

  constructor(readonly xy: Float32Array) {
    const n = xy.length / 2;
    this.box = bounds(xy);
    this.side = Math.max(this.box.right - this.box.left, this.box.top - this.box.bottom, 1e-6);
    this.cell = this.side / Math.max(1, Math.min(1024, Math.ceil(Math.sqrt(n / 2))));
    this.columns = Math.floor((this.box.right - this.box.left) / this.cell) + 1;
    this.lines = Math.floor((this.box.top - this.box.bottom) / this.cell) + 1;
    this.starts = new Int32Array(this.columns * this.lines + 1);
    this.rows = new Int32Array(n);
    const of = new Int32Array(n);
    for (let row = 0; row < n; row++) {
      const cell = this.column(xy[2 * row] as number) + this.line(xy[2 * row + 1] as number) * this.columns;
      of[row] = cell;
      this.starts[cell + 1]!++;
    }
    for (let cell = 1; cell < this.starts.length; cell++)
      this.starts[cell]! += this.starts[cell - 1] as number;
    const next = this.starts.slice();
    for (let row = 0; row < n; row++) this.rows[next[of[row] as number]!++] = row;
  }

  private column(x: number): number {
    return Math.min(Math.max(Math.floor((x - this.box.left) / this.cell), 0), this.columns - 1);
  }

  private line(y: number): number {
    return Math.min(Math.max(Math.floor((y - this.box.bottom) / this.cell), 0), this.lines - 1);
  }

  /** Calls back with every row whose cell touches the box; some lie a little outside it. */
  within(box: Box, visit: (row: number) => void): void {
    if (
      box.right < this.box.left ||
      box.left > this.box.right ||
      box.top < this.box.bottom ||
      box.bottom > this.box.top
    )
      return;
    const [left, right] = [this.column(box.left), this.column(box.right)];
    for (let line = this.line(box.bottom); line <= this.line(box.top); line++) {
      const end = this.starts[line * this.columns + right + 1] as number;
      for (let at = this.starts[line * this.columns + left] as number; at < end; at++)
        visit(this.rows[at] as number);
    }
  }

  /**
   * The row nearest to a point within a radius (map units) among those that are shown; -1 where there is
   * none.
   */
  nearest(x: number, y: number, radius: number, shown?: Uint8Array): number {
    let best = -1;
    let least = radius * radius;
    this.within({ left: x - radius, right: x + radius, bottom: y - radius, top: y + radius }, (row) => {
      if (shown && !shown[row]) return;
      const far = ((this.xy[2 * row] as number) - x) ** 2 + ((this.xy[2 * row + 1] as number) - y) ** 2;
      if (far <= least) [best, least] = [row, far];
    });
    return best;
  }

  /** Rows inside a closed polygon (map units), in rising order, of those that are shown. */
  lasso(polygon: readonly Point[], shown?: Uint8Array): number[] {
    if (polygon.length < 3) return [];
    const found: number[] = [];
    const box = bounds(Float32Array.from(polygon.flat()));
    this.within(box, (row) => {
      if (
        (!shown || shown[row]) &&
        contains(polygon, this.xy[2 * row] as number, this.xy[2 * row + 1] as number)
      )
        found.push(row);
    });
    return found.sort((a, b) => a - b);
  }

  /**
   * Points to a square unit of the map in a cell that is fuller than this share of the cells that hold any.
   */
  density(share = 0.95): number {
    const counts = new Int32Array(this.starts.length - 1);
    let full = 0;
    for (let cell = 0; cell < counts.length; cell++) {
      const count = (this.starts[cell + 1] as number) - (this.starts[cell] as number);
      if (count) counts[full++] = count;
    }
    const sorted = counts.subarray(0, full).sort();
    return (sorted[Math.floor(share * (full - 1))] ?? 0) / (this.cell * this.cell);
  }
}

/** Whether a point lies inside a polygon (even-odd rule). */
export function contains(polygon: readonly Point[], x: number, y: number): boolean {
  let inside = false;
  for (let i = 0, j = polygon.length - 1; i < polygon.length; j = i++) {
    const [xi, yi] = polygon[i] as Point;
    const [xj, yj] = polygon[j] as Point;
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside;
  }
  return inside;
}

/** A fixed shuffle of 0..n-1: any first k of it are a uniform sample. */
export function shuffled(n: number, seed = 1): Uint32Array {
  const order = new Uint32Array(n);
  for (let i = 0; i < n; i++) order[i] = i;
  let state = seed | 0 || 1;
  for (let i = n - 1; i > 0; i--) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    const j = (state >>> 0) % (i + 1);
    const kept = order[i] as number;
    order[i] = order[j] as number;
    order[j] = kept;
  }
  return order;
}
