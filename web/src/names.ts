/** Names of the data as people read them, and where on the map a name belongs. */
import type { Column } from "./colours.ts";
import { bounds } from "./scales.ts";

/** `hair_colour=blond` is hair colour: blond. */
export const human = (name: string): string => name.replace("=", ": ").replace(/_/g, " ");
/** A value of a category by itself. */
export const plain = (name: string): string => name.replace(/^[^=]+=/, "").replace(/_/g, " ");
/** Either, as it stands in a sentence: `hair_colour=blond` is blond hair colour, `label=Bag` is Bag. */
export const spoken = (name: string): string =>
  /^(label|class|category)=/.test(name) || !name.includes("=")
    ? plain(name)
    : `${plain(name)} ${human(topic(name))}`;
/** A sentence of the library's about such names. */
export const sentence = (words: string): string =>
  (words.charAt(0).toUpperCase() + words.slice(1)).replace(/(\w)=(?=\w)/g, "$1: ").replace(/_/g, " ");
/** The attribute that a direction is about. */
export const topic = (name: string): string => name.split("=")[0] as string;
/** The last part of a path, with a capital. */
export function title(name: string): string {
  const last = name.split(/[\\/]/).filter(Boolean).at(-1) ?? name;
  return last.charAt(0).toUpperCase() + last.slice(1).replace(/[-_]/g, " ");
}

const LONG: readonly (readonly [RegExp, string])[] = [
  [/^model$/, "The model is loading"],
  [/^support$/, "Measuring how far the data reaches"],
  [/^map by pca/, "Laying out the map"],
  [/^map by/, "Laying out a better map; the first time takes a minute or two"],
  [/^way back/, "Learning what lies between the points"],
  [/^clusters$/, "Looking for clusters"],
  [/^dimensions$/, "Reading what each dimension does"],
  [/^lonely$/, "Looking for items that stand alone"],
  [/^report$/, "Measuring the space; the first time takes minutes"],
];
/** Long work of the server, in words. */
export const task = (what: string): string => LONG.find(([name]) => name.test(what))?.[1] ?? human(what);

export interface Place {
  name: string;
  x: number;
  y: number;
  count: number;
}

const ACROSS = 28; // cells of the map's longer side
const PURE = 0.5; // share of a group among the items around its name

/**
 * Where the names of groups go: each to the part of the map where most of it lies close together, and only
 * where it is the majority there; the largest groups first.
 */
export function placed(column: Column, xy: Float32Array, shown: Uint8Array): Place[] {
  if (column.kind === "number" || column.data.length * 2 !== xy.length) return [];
  const box = bounds(xy);
  const cell = Math.max(box.right - box.left, box.top - box.bottom) / ACROSS || 1;
  const [groups, side] = [column.values.length, ACROSS + 3];
  const counts = new Float32Array((groups + 1) * side * side);
  const of = (row: number) =>
    Math.floor(((xy[2 * row] as number) - box.left) / cell) +
    1 +
    (Math.floor(((xy[2 * row + 1] as number) - box.bottom) / cell) + 1) * side;
  for (let row = 0; row < column.data.length; row++) {
    if (!shown[row]) continue;
    const [at, code] = [of(row), column.data[row] as number];
    counts[groups * side * side + at]!++;
    if (code < groups) counts[code * side * side + at]!++;
  }
  const around = (group: number, at: number): number => {
    let sum = 0;
    for (const dy of [-side, 0, side])
      for (const dx of [-1, 0, 1]) sum += counts[group * side * side + at + dx + dy] ?? 0;
    return sum;
  };
  const best = column.values.map((_, group) => {
    let [most, where] = [0, -1];
    for (let at = side + 1; at < side * side - side - 1; at++) {
      if (!counts[group * side * side + at]) continue;
      const own = around(group, at);
      const pure = own / around(groups, at);
      if (pure >= PURE && own * pure > most) [most, where] = [own * pure, at];
    }
    return where;
  });
  // x, y, near by, in all
  const sums = column.values.map(() => [0, 0, 0, 0] as [number, number, number, number]);
  for (let row = 0; row < column.data.length; row++) {
    const code = column.data[row] as number;
    const sum = sums[code];
    if (!sum || !shown[row]) continue;
    sum[3]++;
    const off = Math.abs(of(row) - (best[code] as number));
    if (!(off <= 1 || Math.abs(off - side) <= 1)) continue;
    sum[0] += xy[2 * row] as number;
    sum[1] += xy[2 * row + 1] as number;
    sum[2]++;
  }
  const named = column.values.map((value, group) => ({
    name: column.kind === "bool" ? `${human(column.name)}: ${value}` : value,
    sum: sums[group] as [number, number, number, number],
    there: (best[group] as number) >= 0,
  }));
  return named
    .filter(({ sum, there }) => there && sum[2])
    .map(({ name, sum }) => ({ name, x: sum[0] / sum[2], y: sum[1] / sum[2], count: sum[3] }))
    .sort((a, b) => b.count - a.count);
}
