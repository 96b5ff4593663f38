/**
 * The likeliest shape where each further piece costs so many nats, as modalities/pieces.py has it: islands
 * of which a decoder is unsure are taken off, or joined by the cells that cost the least.
 */
import { finer, padded } from "./solid.ts";

type Bytes = Uint8Array<ArrayBuffer>;

// all as in modalities/pieces.py
const [FULL, EMPTY, SURE, MANY, TIE] = [255, 64, 1e-4, 12, 1e-6];

const LOGITS = Float64Array.from({ length: 256 }, (_, byte) => {
  const p = Math.min(Math.max(byte / 255, SURE), 1 - SURE);
  return Math.log(p / (1 - p));
});

interface Pieces {
  inside: Set<number>[];
  sizes: number[];
}

/** The pieces on a grid twice as fine, of each cell the numbers of those in it, and how large they are. */
function labelled(item: Bytes, side: number): Pieces {
  const { data, n } = finer(padded(item, side));
  const labels = new Int32Array(data.length);
  const sizes: number[] = [];
  const steps = [1, -1, n, -n, n * n, -n * n];
  const inside = Array.from({ length: side ** 3 }, () => new Set<number>());
  const stack: number[] = [];
  for (let start = 0; start < data.length; start++) {
    if (labels[start] || (data[start] as number) <= 0) continue;
    labels[start] = sizes.length + 1;
    stack.push(start);
    let size = 0;
    while (stack.length) {
      const at = stack.pop() as number;
      size++;
      const [x, y, z] = [Math.floor(at / (n * n)), Math.floor(at / n) % n, at % n];
      inside[(((x - 1) >> 1) * side + ((y - 1) >> 1)) * side + ((z - 1) >> 1)]?.add(sizes.length + 1);
      // the border is empty, so that no step leads from one row to the next
      for (const step of steps) {
        const next = at + step;
        if (labels[next] || !((data[next] as number) > 0)) continue;
        labels[next] = sizes.length + 1;
        stack.push(next);
      }
    }
    sizes.push(size);
  }
  return { inside, sizes };
}

/** The cheapest way over faces of cells (Dijkstra 1959) from some to the nearest of others, and its cost. */
function way(cost: Float64Array, side: number, from: number[], to: Set<number>): [number[], number] {
  const [far, before] = [new Float64Array(cost.length).fill(Infinity), new Int32Array(cost.length).fill(-1)];
  const heap: [number, number][] = [];
  const push = (value: number, at: number): void => {
    let i = heap.push([value, at]) - 1;
    for (let up = (i - 1) >> 1; i > 0 && (heap[up] as [number, number])[0] > value; up = (i - 1) >> 1) {
      [heap[i], heap[up]] = [heap[up] as [number, number], heap[i] as [number, number]];
      i = up;
    }
  };
  const pop = (): [number, number] => {
    const [first, last] = [heap[0] as [number, number], heap.pop() as [number, number]];
    if (!heap.length) return first;
    heap[0] = last;
    for (let i = 0; ; ) {
      let least = i;
      for (const child of [2 * i + 1, 2 * i + 2])
        if (child < heap.length && (heap[child] as number[])[0]! < (heap[least] as number[])[0]!)
          least = child;
      if (least === i) return first;
      [heap[i], heap[least]] = [heap[least] as [number, number], heap[i] as [number, number]];
      i = least;
    }
  };
  for (const at of from) push((far[at] = cost[at] as number), at);
  while (heap.length) {
    const [value, at] = pop();
    if (value > (far[at] as number)) continue;
    if (to.has(at)) {
      const found = [at];
      for (let i = before[at] as number; i >= 0; i = before[i] as number) found.push(i);
      return [found, value];
    }
    const place = [Math.floor(at / side ** 2), Math.floor(at / side) % side, at % side];
    [side * side, side, 1].forEach((step, axis) => {
      for (const way of [-1, 1]) {
        const there = (place[axis] as number) + way;
        const [next, through] = [at + way * step, value + (cost[at + way * step] as number)];
        if (there < 0 || there >= side || !(through < (far[next] as number))) continue;
        far[next] = through;
        before[next] = at;
        push(through, next);
      }
    });
  }
  return [[], Infinity];
}

const bySize = (sizes: number[]): number[] =>
  sizes
    .map((size, i) => [size, i + 1] as const)
    .sort((a, b) => a[0] - b[0] || a[1] - b[1])
    .map(([, own]) => own);

const taking = (item: Bytes, cells: number[]): number =>
  cells.reduce((sum, at) => sum + Math.max(LOGITS[item[at] as number] as number, 0), 0);

function without(item: Bytes, cells: number[]): Bytes {
  const made = item.slice();
  for (const at of cells) made[at] = Math.min(made[at] as number, EMPTY);
  return made;
}

/** The shape without all pieces but the largest that cost no more than `most`. */
function cleared(item: Bytes, { inside, sizes }: Pieces, most: number): Bytes {
  const alone = sizes.map((): number[] => []);
  inside.forEach((found, at) => {
    if (found.size === 1) for (const own of found) alone[own - 1]?.push(at);
  });
  const small = bySize(sizes)
    .slice(0, -1)
    .map((own) => alone[own - 1] as number[]);
  return without(item, small.filter((cells) => taking(item, cells) <= most).flat());
}

/**
 * The shape without a piece, or with it joined to another, the smallest piece and the cheaper change first;
 * those that cost more than `most` are left out.
 */
function* changes(item: Bytes, side: number, { inside, sizes }: Pieces, most: number): Generator<Bytes> {
  for (const own of bySize(sizes).slice(0, -1)) {
    const [mine, alone, others]: [number[], number[], Set<number>] = [[], [], new Set()];
    inside.forEach((found, at) => {
      const has = found.has(own);
      if (has) mine.push(at);
      if (has && found.size === 1) alone.push(at);
      if (!has && found.size) others.add(at);
    });
    const off = taking(item, alone);
    const tie = (at: number): number => TIE * (1 + at / item.length);
    const cost = Float64Array.from(item, (byte, at) => Math.max(-(LOGITS[byte] as number), 0) + tie(at));
    const [cells, joined] = way(cost, side, mine, others);
    for (const each of [off, joined].sort((a, b) => a - b)) {
      if (each > most) break;
      const made = each === off ? without(item, alone) : item.slice();
      if (each !== off) for (const at of cells) made[at] = FULL;
      yield made;
    }
  }
}

/** The likeliest shape in the place of shares (s, s, s), where a further piece costs so many nats. */
export function likeliest(item: Bytes, side: number, cost: number): Bytes {
  let [now, pieces] = [item, labelled(item, side)];
  if (pieces.sizes.length > MANY) {
    const made = cleared(item, pieces, cost);
    const found = labelled(made, side);
    if (found.sizes.length < pieces.sizes.length) [now, pieces] = [made, found];
  }
  for (let changed = pieces.sizes.length <= MANY; changed && pieces.sizes.length > 1; ) {
    changed = false;
    for (const made of changes(now, side, pieces, cost)) {
      const found = labelled(made, side);
      if (found.sizes.length >= pieces.sizes.length) continue;
      [now, pieces, changed] = [made, found, true];
      break;
    }
  }
  return now;
}
