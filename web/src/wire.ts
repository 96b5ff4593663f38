// Written by scripts/wire.py from src/liminal/studio/wire.py; change that and run the script.

/** An array of a packed answer, row after row. */
export interface Grid<A> {
  data: A;
  shape: number[];
}

/** What holds the numbers of items: each kind of data has a type of its own. */
export type Values =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array;

const kinds = {
  u1: (buffer: ArrayBuffer, at: number, count: number) => new Uint8Array(buffer, at, count),
  i1: (buffer: ArrayBuffer, at: number, count: number) => new Int8Array(buffer, at, count),
  u2: (buffer: ArrayBuffer, at: number, count: number) => new Uint16Array(buffer, at, count),
  i2: (buffer: ArrayBuffer, at: number, count: number) => new Int16Array(buffer, at, count),
  u4: (buffer: ArrayBuffer, at: number, count: number) => new Uint32Array(buffer, at, count),
  i4: (buffer: ArrayBuffer, at: number, count: number) => new Int32Array(buffer, at, count),
  f4: (buffer: ArrayBuffer, at: number, count: number) => new Float32Array(buffer, at, count),
  f8: (buffer: ArrayBuffer, at: number, count: number) => new Float64Array(buffer, at, count),
};

interface Entry {
  dtype: keyof typeof kinds;
  shape: number[];
  at: number;
}

/** The arrays and the other fields of a packed answer, by name. */
export function unpack<T>(buffer: ArrayBuffer): T {
  const size = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, size)));
  const { arrays, ...found } = header;
  for (const [name, entry] of Object.entries<Entry>(arrays)) {
    const count = entry.shape.reduce((a, b) => a * b, 1);
    found[name] = { data: kinds[entry.dtype](buffer, 4 + size + entry.at, count), shape: entry.shape };
  }
  return found as T;
}

export const ROWS = 4096;
export const UPLOAD = 33554432;
export const FILM = 48;
export const PAGE = 1024;
export const ACROSS = 32;
export const UNKNOWN = 65535;
export const NEITHER = 255;
export const PACKED = "application/x-liminal";

export type Method = "umap" | "pca" | "tsne";
export type Along = "slerp" | "linear" | "mix" | "smooth" | "geodesic" | "conditional";
export type Kind = "category" | "bool" | "number";
export type Found = "attributes" | "readings" | "pca" | "jacobian" | "factorised";
export type Able =
  | "items"
  | "encode"
  | "detail"
  | "lock"
  | "bend"
  | "like"
  | "begin"
  | "transfer"
  | "complete"
  | "compose"
  | "report"
  | "support"
  | "lonely"
  | "unusual"
  | "reload";
export type Place = string | number[];

/**
 * The kind of data: what `modalities.Modality` says of it in words, and the arguments of this one. `parts` of
 * an item that may be known alone, in words; `measure`: what lengths are counted in and how long one item is,
 * null where items are only counted. Endings have no dot; `films`: what a path can be saved as; `drawn`:
 * those of them that have a size in pixels; `config` is for the page's own view of the kind,
 * `modalities/NAME.ts`.
 */
export interface Modality {
  name: string;
  noun: string;
  plural: string;
  reads: string[];
  writes: string[];
  films: string[];
  drawn: string[];
  parts: Record<string, string>;
  measure: [string, number] | null;
  config: Record<string, unknown>;
}

/** `values` of a category, in the order of its codes; `low` and `high` of a number. */
export interface Attribute {
  name: string;
  kind: Kind;
  values: string[] | null;
  low: number | null;
  high: number | null;
}

/**
 * `sources` of samples, the default first; `laid`: those of the `maps` that need not be laid out any more;
 * `tile`: width and height of a thumbnail; `broken`: why there is no model. What cannot be had everywhere:
 * `able` (show single `items`, `encode` files, keep the `detail` of an item, `lock` attributes, `bend` what
 * moves them, draw samples `like` a group, `transfer` a style, `complete` parts, `compose` pieces, make the
 * `report`, tell `support`, list the `lonely` items, tell what is `unusual` in one, `reload` the space from
 * its folder) and directions `found`.
 */
export interface Space {
  name: string;
  title: string;
  dim: number;
  items: number;
  able: Able[];
  found: Found[];
  modality: Modality;
  attributes: Attribute[];
  sources: string[];
  maps: Method[];
  laid: Method[];
  alongs: Along[];
  tile: [number, number];
  pages: number;
  ready: boolean;
  broken: string | null;
  notes: string[];
  licence: string;
  data: string;
  version: string;
}

/** Long work: `done` from 0 to 1, null where that is not known. */
export interface Task {
  what: string;
  done: number | null;
  text: string;
}

/** `newer`: what has become of the space on disk since it was opened, in a line. */
export interface Progress {
  ready: boolean;
  broken: string | null;
  newer: string | null;
  tasks: Task[];
}

/**
 * What is wrong in one line; of a formula also the character `at` which, and names that are `near` to one
 * that is unknown.
 */
export interface Failure {
  error: string;
  at: number | null;
  near: string[];
}

/** Places of all items; `words` say how far the map can be trusted. */
export interface Layout {
  xy: Grid<Float32Array>; // (n, 2)
  id: Grid<Int32Array>; // (n)
  method: Method;
  words: string;
  trustworthiness: number | null;
  fitted_on: number;
}

/**
 * One attribute of all items: codes of a category into `values` (`UNKNOWN`), 0 or 1 of a yes/no (`NEITHER`),
 * numbers (NaN).
 */
export interface Column {
  data: Grid<Uint16Array | Uint8Array | Float32Array>; // (n)
  name: string;
  kind: Kind;
  values: string[] | null;
  low: number | null;
  high: number | null;
}

export interface Decoded {
  items: Grid<Values>; // (n, ...)
}

/**
 * What lies at places of the map: `error` is the distance to expect from an item there (NaN outside);
 * `support` as in `Look`.
 */
export interface At {
  items: Grid<Values>; // (n, ...)
  z: Grid<Float32Array>; // (n, d)
  inside: Grid<Uint8Array>; // (n)
  error: Grid<Float32Array>; // (n)
  support: Grid<Float32Array>; // (n)
  nearest: Grid<Int32Array>; // (n)
  distance: Grid<Float32Array>; // (n)
}

/**
 * Latents decoded, their support (NaN while unknown), rows and distances of the three nearest items, and
 * their place on the map.
 */
export interface Look {
  items: Grid<Values>; // (n, ...)
  z: Grid<Float32Array>; // (n, d)
  support: Grid<Float32Array>; // (n)
  nearest: Grid<Int32Array>; // (n, 3)
  distance: Grid<Float32Array>; // (n, 3)
  xy: Grid<Float32Array>; // (n, 2)
}

/** The same in Python and on the command line, where that can be written. */
export interface Copy {
  python: string | null;
  command: string | null;
}

export interface Neighbor {
  id: number;
  row: number;
  distance: number;
}

/**
 * `caption`: the item in a few words, empty where it is seen at once; `error`: mean squared difference of the
 * reconstruction in the modality's chart; `worse`: share of held-out ones with more.
 */
export interface Item {
  id: number;
  row: number;
  caption: string;
  source: string;
  split: string;
  attributes: Record<string, string | number | boolean | null>;
  neighbors: Neighbor[];
  z: number[];
  error: number;
  worse: number | null;
  support: number | null;
}

/**
 * An attribute that an item states, and what is usual among those alike in its others, in words; `p` as in
 * `ops.unusual.Cell`.
 */
export interface Cell {
  name: string;
  value: string;
  usual: string;
  p: number;
}

/** What an item states, the most unusual first. */
export interface Unusual {
  cells: Cell[];
}

/** Rows of the items that a condition holds for, rising. */
export interface Group {
  rows: Grid<Int32Array>; // (n)
}

/**
 * Rows of the items that stand most alone, loneliest first; `times`: how many times as far from its 10th
 * nearest as the median item.
 */
export interface Lonely {
  rows: Grid<Int32Array>; // (n)
  times: Grid<Float32Array>; // (n)
}

export interface SourcesRequest {
  rows: number[];
}

/** Where items come from: the names of their files; and what they are in a few words, which may be none. */
export interface Sources {
  sources: string[];
  captions: string[];
}

/**
 * A dropped file: `worse` as for `Item`; `belongs`: is it of the kind that the space is made of; `remarks` on
 * its reading; `unusual`: as `Unusual`, empty where items state nothing.
 */
export interface Encoded extends Look {
  original: Grid<Values>; // (...)
  error: number;
  worse: number | null;
  belongs: boolean | null;
  remarks: string[];
  unusual: Cell[];
}

/** `start`: a latent that a formula without items moves. */
export interface FormulaRequest {
  text: string;
  start?: number[] | null;
  method?: Method;
}

/** `text` as the studio read it; `names` of attributes and directions in it; `ids` of items. */
export interface Formula extends Look {
  text: string;
  names: string[];
  ids: number[];
  copy_as: Copy;
}

/** `text` is what to write. */
export interface Completion {
  text: string;
  kind: "attribute" | "direction" | "mean" | "function" | "item";
  about: string;
}

export interface Names {
  completions: Completion[];
}

/** By how many standard deviations something changes. */
export interface Moved {
  name: string;
  sd: number;
}

/**
 * `text` names it in formulas; `low` to `high` are the strengths in which it holds; `baseline` is the score
 * of chance.
 */
export interface Direction {
  name: string;
  text: string;
  kind: string;
  score: number;
  score_name: string;
  baseline: number;
  works: boolean;
  effect: number | null;
  low: number | null;
  high: number | null;
  leakage: Moved[];
  moves: Moved[];
  words: string;
}

export interface Directions {
  vectors: Grid<Float32Array>; // (k, d)
  directions: Direction[];
}

/** Rows of two selections; the direction leads from a to b, and is remembered under `name` ("A to B"). */
export interface BetweenRequest {
  a: number[];
  b: number[];
  name?: string | null;
}

/**
 * Directions by name and strength, from an item (`id`) or a latent; `lock`: attributes that stay as their
 * readers see them; `bend`: those of attributes along `conditional`, see `Space.edit`.
 */
export interface SlideRequest {
  z?: number[] | null;
  id?: number | null;
  change: Record<string, number>;
  lock?: string[];
  bend?: boolean;
  keep_detail?: boolean;
  method?: Method;
}

/** What a reader sees of an attribute; `change` in standard deviations. */
export interface Reading {
  name: string;
  before: number;
  after: number;
  change: number | null;
  asked: boolean;
}

/**
 * `leakage`: mean change of what was not asked for; `kept`: share of the change's length that the locks
 * leave.
 */
export interface Slid extends Look {
  attributes: Reading[];
  leakage: number | null;
  length: number;
  change: number;
  kept: number;
  copy_as: Copy;
}

/** An item moved along a direction or a dimension by the strengths `at`. */
export interface Strip {
  items: Grid<Values>; // (n, ...)
  at: Grid<Float32Array>; // (n)
  name: string;
  kind: "direction" | "dimension";
}

/**
 * `use`: what items tell in it, in the `unit` nats, or the variance of latents; `spread`: standard deviation
 * of latents; `title`: what it moves, unlike any other's, empty where that is nothing; `effect` on the
 * strongest reading and mean `leakage` on others, in theirs; `words`: what changes; `numbers`: by how much.
 */
export interface Dimension {
  index: number;
  name: string;
  spread: number;
  use: number;
  unit: string;
  active: boolean;
  title: string;
  strongest: string | null;
  effect: number | null;
  leakage: number | null;
  words: string;
  numbers: string;
}

export interface Dimensions {
  dimensions: Dimension[];
}

/** `only`: attributes; all that is not along their directions stays as in the first key. */
export interface PathRequest {
  keys: (string | number[])[];
  along?: Along;
  frames?: number;
  loop?: boolean;
  only?: string[];
  method?: Method;
}

/**
 * A piece from a walk through `items`: its `length` in the kind's measure, its `form`, such as `AA'BA`, and
 * what all of it is `over`; `seed` of the variations.
 */
export interface ComposeRequest {
  items: (string | number[])[];
  length?: number | null;
  form?: string | null;
  over?: string | null;
  seed?: number;
  method?: Method;
}

/** How straight an attribute goes from key to key: 1 where it never turns back. */
export interface Straightness {
  name: string;
  at_keys: number[];
  monotone: number;
}

/**
 * `at`: the frame of each key; `steps`: root mean square difference of each frame from the next;
 * `unevenness`: 1 is even.
 */
export interface Path {
  z: Grid<Float32Array>; // (n, d)
  items: Grid<Values>; // (n, ...)
  support: Grid<Float32Array>; // (n)
  xy: Grid<Float32Array>; // (n, 2)
  steps: Grid<Float32Array>; // (k)
  at: number[];
  length: number;
  largest_step: number;
  unevenness: number;
  least_support: number | null;
  how: string;
  attributes: Straightness[];
  copy_as: Copy;
}

/**
 * A walk or a piece; `times`: how large the items are drawn, 1 being as large as they are when nothing is
 * said.
 */
export interface ExportRequest {
  path: PathRequest | ComposeRequest;
  format?: string;
  fps?: number;
  times?: number;
}

/**
 * At most one of `rows` (like these items), `cluster` and `begin` (what items begin with, typed); `support`:
 * only draws with at least this much, not with `begin`.
 */
export interface SampleRequest {
  n?: number;
  source?: string;
  rows?: number[] | null;
  cluster?: number | null;
  begin?: string | null;
  seed?: number;
  support?: number | null;
  method?: Method;
}

export interface Samples extends Look {
  source: string;
  copy_as: Copy;
}

export interface TransferRequest {
  content: string | number[];
  style: string | number[];
  blend?: number;
  by?: string | null;
  method?: Method;
}

/**
 * `by`: the category that names the content; classes and how sure they are; what a reader sees as the content
 * after.
 */
export interface Transfer extends Look {
  by: string;
  content_class: string;
  style_class: string;
  content_chance: number;
  style_chance: number;
  seen: string | null;
  seen_chance: number | null;
  length: number;
  copy_as: Copy;
}

/**
 * `known`: parts that stay, each of which may begin with `not `; `near`: what answers shall be like; `seed`
 * of which real items are looked through.
 */
export interface CompleteRequest {
  item: string | number[];
  known: string[];
  n?: number;
  near?: string | number[] | null;
  seed?: number;
  method?: Method;
}

/**
 * Answers, the known part put back, the best first; how far each `agrees` by itself; `beside`: the item
 * given, and the real one that agrees best with the part put into it, which `agreed` so far.
 */
export interface Completed extends Look {
  agrees: Grid<Float32Array>; // (n)
  beside: Grid<Values>; // (k, ...)
  agreed: number;
  copy_as: Copy;
}

/** What each route takes in its query, takes as its body, and gives. */
export interface Api {
  /** GET /api/space: what there is: name, items, attributes, sources; whether the model is loaded */
  space: { query: {}; body: null; answer: Space };
  /** GET /api/map: places of all items; laid out once, then kept */
  map: { query: { method?: Method }; body: null; answer: Layout };
  /** GET /api/column: one attribute of all items, or `cluster` or `split` */
  column: { query: { name: string }; body: null; answer: Column };
  /** GET /api/thumbnails: a sheet of 1,024 items, 32 across */
  thumbnails: { query: { page?: number }; body: null; answer: Blob };
  /** POST /api/decode: latents decoded */
  decode: { query: {}; body: Float32Array; answer: Decoded };
  /** POST /api/at: what lies at places of the map */
  at: { query: { method?: Method }; body: Float32Array; answer: At };
  /** POST /api/look: latents decoded, with support, nearest items and place */
  look: { query: { method?: Method }; body: Float32Array; answer: Look };
  /** GET /api/item: one item: source, attributes, neighbours, error */
  item: { query: { id: number }; body: null; answer: Item };
  /** GET /api/unusual: which attributes that an item states are unusual given its others */
  unusual: { query: { id: number }; body: null; answer: Unusual };
  /**
   * GET /api/picture: an item, or its reconstruction, as a page shows it; of the type that the modality says
   */
  picture: { query: { id: number; of?: "original" | "reconstruction" }; body: null; answer: Blob };
  /** GET /api/stored: an item as it is stored, and its reconstruction */
  stored: { query: { id: number }; body: null; answer: Decoded };
  /** GET /api/where: the items that a condition holds for, such as `label = 'Bag'` */
  where: { query: { text: string }; body: null; answer: Group };
  /** GET /api/lonely: the items that stand most alone, the loneliest first */
  lonely: { query: {}; body: null; answer: Lonely };
  /** POST /api/sources: where items come from */
  sources: { query: {}; body: SourcesRequest; answer: Sources };
  /** POST /api/encode: a file of one's own, encoded */
  encode: { query: { method?: Method; name?: string }; body: Blob; answer: Encoded };
  /** POST /api/formula: what a formula leads to */
  formula: { query: {}; body: FormulaRequest; answer: Formula };
  /** GET /api/names: how what is being written may go on */
  names: { query: { prefix?: string }; body: null; answer: Names };
  /** GET /api/directions: directions of attributes, or such as no attribute names */
  directions: { query: { source?: Found; id?: number }; body: null; answer: Directions };
  /** POST /api/directions: the direction between two selections */
  between: { query: {}; body: BetweenRequest; answer: Directions };
  /** POST /api/slide: an item moved along directions */
  slide: { query: {}; body: SlideRequest; answer: Slid };
  /** GET /api/strip: an item moved along one direction or dimension */
  strip: { query: { kind: "direction" | "dimension"; name: string; id?: number }; body: null; answer: Strip };
  /** GET /api/dimensions: a card for each latent dimension, by use */
  dimensions: { query: {}; body: null; answer: Dimensions };
  /** POST /api/path: a walk through key frames */
  path: { query: {}; body: PathRequest; answer: Path };
  /** POST /api/compose: a piece: items one after the other, by a form */
  compose: { query: {}; body: ComposeRequest; answer: Path };
  /** POST /api/export: a walk or a piece as a file */
  export: { query: {}; body: ExportRequest; answer: Blob };
  /** POST /api/sample: new items */
  sample: { query: {}; body: SampleRequest; answer: Samples };
  /** POST /api/transfer: one item in the style of another */
  transfer: { query: {}; body: TransferRequest; answer: Transfer };
  /** POST /api/complete: what may stand around a known part of an item */
  complete: { query: {}; body: CompleteRequest; answer: Completed };
  /** GET /api/report: the measures as a page; made once */
  report: { query: {}; body: null; answer: string };
  /** GET /api/progress: what long work is at, and whether the space on disk is a newer one */
  progress: { query: {}; body: null; answer: Progress };
  /** POST /api/reload: the space as it is on disk now takes the place */
  reload: { query: {}; body: null; answer: Space };
}

export const routes = {
  space: { method: "GET", path: "/api/space", packed: false },
  map: { method: "GET", path: "/api/map", packed: true },
  column: { method: "GET", path: "/api/column", packed: true },
  thumbnails: { method: "GET", path: "/api/thumbnails", packed: false },
  decode: { method: "POST", path: "/api/decode", packed: true },
  at: { method: "POST", path: "/api/at", packed: true },
  look: { method: "POST", path: "/api/look", packed: true },
  item: { method: "GET", path: "/api/item", packed: false },
  unusual: { method: "GET", path: "/api/unusual", packed: false },
  picture: { method: "GET", path: "/api/picture", packed: false },
  stored: { method: "GET", path: "/api/stored", packed: true },
  where: { method: "GET", path: "/api/where", packed: true },
  lonely: { method: "GET", path: "/api/lonely", packed: true },
  sources: { method: "POST", path: "/api/sources", packed: false },
  encode: { method: "POST", path: "/api/encode", packed: true },
  formula: { method: "POST", path: "/api/formula", packed: true },
  names: { method: "GET", path: "/api/names", packed: false },
  directions: { method: "GET", path: "/api/directions", packed: true },
  between: { method: "POST", path: "/api/directions", packed: true },
  slide: { method: "POST", path: "/api/slide", packed: true },
  strip: { method: "GET", path: "/api/strip", packed: true },
  dimensions: { method: "GET", path: "/api/dimensions", packed: false },
  path: { method: "POST", path: "/api/path", packed: true },
  compose: { method: "POST", path: "/api/compose", packed: true },
  export: { method: "POST", path: "/api/export", packed: false },
  sample: { method: "POST", path: "/api/sample", packed: true },
  transfer: { method: "POST", path: "/api/transfer", packed: true },
  complete: { method: "POST", path: "/api/complete", packed: true },
  report: { method: "GET", path: "/api/report", packed: false },
  progress: { method: "GET", path: "/api/progress", packed: false },
  reload: { method: "POST", path: "/api/reload", packed: false },
} as const;
