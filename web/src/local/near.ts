/**
 * The nearest rows of a table, by looking at all of them: some ten thousand rows are a fraction of a
 * millisecond.
 */
export interface Near {
  /** Rising. */
  far: Float64Array;
  rows: Int32Array;
}

/**
 * The k rows nearest to `from[at..at + width]` among the first `count` rows of `table`; of equally near ones
 * the first.
 */
export function nearest(
  table: Float32Array | Float64Array,
  width: number,
  count: number,
  from: ArrayLike<number>,
  at: number,
  k: number,
): Near {
  const most = Math.min(k, count);
  const far = new Float64Array(most).fill(Infinity);
  const rows = new Int32Array(most).fill(-1);
  if (!most) return { far, rows };
  for (let row = 0, start = 0; row < count; row++, start += width) {
    const worst = far[most - 1] as number;
    let sum = 0;
    for (let i = 0; i < width && sum < worst; i++) {
      const gap = (table[start + i] as number) - (from[at + i] as number);
      sum += gap * gap;
    }
    if (sum >= worst) continue;
    let place = most - 1;
    while (place > 0 && (far[place - 1] as number) > sum) {
      far[place] = far[place - 1] as number;
      rows[place] = rows[place - 1] as number;
      place--;
    }
    far[place] = sum;
    rows[place] = row;
  }
  for (let i = 0; i < most; i++) far[i] = Math.sqrt(far[i] as number);
  return { far, rows };
}

/** How many of rising values lie below one. */
export function below(rising: ArrayLike<number>, value: number): number {
  let [low, high] = [0, rising.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((rising[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * The share of rising values, and of the new one, that are at least as large as the new one (a conformal
 * p-value).
 */
export const beyond = (rising: ArrayLike<number>, value: number): number =>
  (1 + rising.length - below(rising, value)) / (1 + rising.length);
