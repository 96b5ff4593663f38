/// <reference types="node" />
/**
 * A page's answers are the library's: over a space and answers that tests/test_share.py has written into
 * LIMINAL_FIXTURE, with the real networks; without it, the parts that need no space.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { Ask } from "../src/api.ts";
import { local } from "../src/local.ts";
import { chart } from "../src/local/chart.ts";
import { viewOf } from "../src/modalities/index.ts";
import { between } from "../src/local/between.ts";
import { numbers } from "../src/local/draws.ts";
import { beyond, nearest } from "../src/local/near.ts";
import { Worked, type Answer, type Feed, type Net, type Nets, type Order } from "../src/local/nets.ts";
import { bytes, type Payload } from "../src/local/payload.ts";
import { show } from "../src/local/formula.ts";
import { arc, even, line, share } from "../src/local/paths.ts";
import { parse } from "../src/local/parsing.ts";
import { unpack } from "../src/wire.ts";

const FIXTURE = process.env["LIMINAL_FIXTURE"];

const sum = (of: ArrayLike<number>): number => Array.from(of).reduce((a, b) => a + b, 0);

/** A step in the last decimal of a cell that is written with two, and what float32 makes of it. */
const ROUNDED = 0.0101;

describe.skipIf(!FIXTURE)("the same as in Python", () => {
  let ask: Ask;
  let told: Record<string, never>;
  /**
   * Latents travel in 65,536 levels: a score that lies as near to a calibrating one may rank before or behind
   * it.
   */
  let rank = 0;
  const near = (got: ArrayLike<number>, wanted: readonly (number | null)[], within: number) => {
    expect(got.length).toBe(wanted.length);
    wanted.forEach((value, i) =>
      value === null
        ? expect(got[i]).toBeNaN()
        : expect(
            Math.abs((got[i] as number) - value),
            `number ${i}: ${got[i]}, wanted ${value}`,
          ).toBeLessThanOrEqual(within),
    );
  };

  let of: Payload;
  /**
   * Items by number: bytes of pictures to a level or two, all but a few of other numbers to what can be seen
   * of them.
   */
  const alike = (got: ArrayLike<number>, wanted: readonly (number | null)[]) => {
    if (of.space.modality.name === "image") return near(got, wanted, 2);
    expect(got.length).toBe(wanted.length);
    const same = wanted.filter((value, i) =>
      value === null
        ? Number.isNaN(got[i])
        : Math.abs((got[i] as number) - value) <= 0.02 * Math.max(Math.abs(value), 1),
    );
    expect(same.length / wanted.length).toBeGreaterThan(0.93);
  };

  beforeAll(async () => {
    const folder = FIXTURE as string;
    const data = readFileSync(join(folder, "payload.bin"));
    const payload = (of = unpack<Payload>(
      data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength) as ArrayBuffer,
    ));
    told = JSON.parse(readFileSync(join(folder, "told.json"), "utf8"));
    rank = 1.01 / ((payload.calibration?.data.length ?? 0) + 1);
    ask = local(payload, await here(payload));
  });

  it("items have the same forms, and lie as far apart", () => {
    const { forms } = told as unknown as {
      forms: {
        items: (number | null)[];
        x: number[];
        soft: number[];
        captions: string[];
        y: number[];
        apart: number[];
        size: number;
      };
    };
    const modality = of.space.modality;
    const [view, held] = [viewOf(modality), { ...of, modality }];
    const items = view.items(Float32Array.from(forms.soft), held);
    near(items.data, forms.items, 1e-3);
    expect(items.shape).toEqual([8, ...of.item_shape]);
    near(view.tensor(items, held), forms.x, 1e-4);
    if (view.exact)
      expect(forms.captions.map((_, i) => view.caption(items, i, modality))).toEqual(forms.captions);
    const rows = chart(Float32Array.from(forms.y), 5, of.likelihood);
    expect(rows.length).toBe(5 * forms.size);
    const apart = (i: number, j: number) =>
      Math.hypot(
        ...Array.from(
          { length: forms.size },
          (_, c) => (rows[i * forms.size + c] as number) - (rows[j * forms.size + c] as number),
        ),
      );
    near(
      forms.apart.map((_, at) => apart(Math.floor(at / 5), at % 5)),
      forms.apart,
      1e-4,
    );
  });

  it("items follow each other in the same files, and sound alike", async () => {
    const { films, items: wanted } = (
      told as unknown as { forms: { films: Record<string, string>; items: number[] } }
    ).forms;
    const modality = of.space.modality;
    const view = viewOf(modality);
    const size = wanted.length / 8;
    const items = { data: Uint8Array.from(wanted.slice(0, 3 * size)), shape: [3, ...of.item_shape] };
    for (const [ending, film] of Object.entries(view.films ?? {})) {
      const [made, text] = [await film(items, modality).arrayBuffer(), films[ending] as string];
      const [one, other] = [
        new DataView(made),
        new DataView(Uint8Array.from(Buffer.from(text, "base64")).buffer),
      ];
      expect(one.byteLength).toBe(other.byteLength);
      if (ending !== "wav") {
        expect(new Uint8Array(one.buffer)).toEqual(new Uint8Array(other.buffer));
        continue;
      }
      let [apart, off, loud] = [0, 0, 0];
      for (let at = 44; at < one.byteLength - 1; at += 2) {
        const [a, b] = [one.getInt16(at, true), other.getInt16(at, true)];
        apart = Math.max(apart, Math.abs(a - b));
        off += (a - b) ** 2;
        loud += b ** 2;
      }
      // a level of 65,536; phases that are found in small steps end a little elsewhere
      if (modality.name === "audio") expect(off).toBeLessThan(1e-2 * loud);
      else expect(apart).toBeLessThanOrEqual(1);
    }
  });

  it("places lead to the same latents, items and doubts", async () => {
    const { at } = told as unknown as { at: Record<string, number[]> };
    const found = await ask("at", {}, Float32Array.from(at["xy"] as number[]));
    near(found.z.data, at["z"] as number[], 2e-3);
    expect(Array.from(found.inside.data)).toEqual(at["inside"]);
    near(found.error.data, at["error"] as number[], 1e-4);
    near(found.support.data, at["support"] as number[], rank);
    alike(found.items.data, at["items"] as number[]);
    expect(Array.from(found.nearest.data)).toEqual(at["nearest"]);
  });

  it("latents have the same support, neighbours and place", async () => {
    const { look } = told as unknown as { look: Record<string, number[]> };
    const found = await ask("look", {}, Float32Array.from(look["z"] as number[]));
    alike(found.items.data, look["items"] as number[]);
    near(found.support.data, look["support"] as number[], rank);
    expect(Array.from(found.nearest.data)).toEqual(look["nearest"]);
    near(found.distance.data, look["distance"] as number[], 1e-3);
    near(found.xy.data, look["xy"] as number[], 1e-2);
  });

  it("items say the same of themselves", async () => {
    const { item } = told as unknown as {
      item: {
        id: number;
        caption: string;
        neighbors: { id: number }[];
        attributes: object;
        error: number;
        worse: number;
        support: number;
      };
    };
    const found = await ask("item", { id: item.id }, null);
    expect(found.attributes).toEqual(item.attributes);
    expect(found.caption).toBe(item.caption);
    expect(found.neighbors.map(({ id }) => id)).toEqual(item.neighbors.map(({ id }) => id));
    expect(found.error).toBeCloseTo(item.error, 6);
    expect(Math.abs((found.worse ?? 0) - item.worse)).toBeLessThan(2 * rank);
    expect(Math.abs((found.support ?? 0) - item.support)).toBeLessThan(rank);
  });

  it("formulas lead to the same place and are written alike", async () => {
    for (const one of (
      told as unknown as { formulas: { text: string; shown: string; z: number[]; python: string }[] }
    ).formulas) {
      const found = await ask("formula", {}, { text: one.text });
      near(found.z.data, one.z, 2e-3);
      expect(found.text).toBe(one.shown);
      if (!one.python.includes("torch")) expect(found.copy_as.python).toBe(one.python);
    }
  });

  it("formulas that mean nothing are refused", async () => {
    for (const text of (told as unknown as { wrong: string[] }).wrong)
      await expect(ask("formula", {}, { text }), text).rejects.toThrow();
  });

  it("sliders move by the same, and readers see the same", async () => {
    const { slid } = told as unknown as {
      slid: {
        id: number;
        change: Record<string, number>;
        z: number[];
        attributes: { name: string; before: number; after: number }[];
        command: string;
        python: string;
      };
    };
    const found = await ask("slide", {}, { id: slid.id, change: slid.change });
    near(found.z.data, slid.z, 1e-3);
    expect(found.attributes.map(({ name }) => name)).toEqual(slid.attributes.map(({ name }) => name));
    near(
      found.attributes.map(({ before }) => before),
      slid.attributes.map(({ before }) => before),
      ROUNDED,
    );
    near(
      found.attributes.map(({ after }) => after),
      slid.attributes.map(({ after }) => after),
      ROUNDED,
    );
    expect(found.copy_as.command).toBe(slid.command);
    expect(found.copy_as.python).toBe(slid.python);
  });

  it("a direction between groups is copied with its numbers and its name", async () => {
    const { slid } = told as unknown as { slid: { change: Record<string, number> } };
    const [name, by] = Object.entries(slid.change)[0]!;
    const rows = (from: number) => Array.from({ length: 20 }, (_, i) => from + i);
    const made = (await ask("between", {}, { a: rows(0), b: rows(20), name: "dim to bright" }))
      .directions[0]!;
    const [one, both] = [
      await ask("slide", {}, { id: 8, change: { [made.text]: 0.5 } }),
      await ask("slide", {}, { id: 8, change: { [name]: by, [made.text]: -0.5 } }),
    ];
    expect(one.copy_as.python).toMatch(
      /\ndirection = torch\.tensor\(\[.*\]\)  # dim to bright\nspace\.edit\("@8", 0\.5 \* direction\)/,
    );
    expect(one.copy_as.python?.endsWith('.save("out.png")')).toBe(true);
    expect(
      both.copy_as.python?.endsWith(`\nspace.edit("@8 + ${by}*${name}", -0.5 * direction).save("out.png")`),
    ).toBe(true);
    expect(one.copy_as.command).toBeNull();
  });

  it("ways go the same way at the same pace", async () => {
    for (const way of (
      told as unknown as {
        ways: {
          along: "linear";
          keys: string[];
          loop: boolean;
          z: number[];
          at: number[];
          steps: number[];
          how: string;
        }[];
      }
    ).ways) {
      const found = await ask("path", {}, { keys: way.keys, along: way.along, frames: 12, loop: way.loop });
      expect(found.at).toEqual(way.at);
      near(found.z.data, way.z, 0.02);
      // words turn into others at once, on this side of a frame or on that one
      if (of.likelihood.name !== "words") near(found.steps.data, way.steps, 2e-3);
      else expect(Math.abs(sum(found.steps.data) / sum(way.steps) - 1)).toBeLessThan(0.1);
      expect(found.how).toBe(way.how);
    }
  });

  it("what the page cannot do is refused in words", async () => {
    await expect(ask("transfer", {}, { content: "@0", style: "@1" })).rejects.toThrow(/Liminal itself/);
    await expect(ask("directions", { source: "jacobian" }, null)).rejects.toThrow(/Liminal itself/);
    // this process has no encoder
    const films = viewOf(of.space.modality).films ?? {};
    const { modality } = await ask("space", {}, null);
    expect(modality.films).toEqual(["gif", "png", ...Object.keys(films)]);
    for (const format of Object.keys(films)) {
      const path = { keys: ["random(1)", "random(2)"], frames: 2 };
      expect((await ask("export", {}, { path, format })).size).toBeGreaterThan(1);
    }
    await expect(
      ask("export", {}, { path: { keys: ["random(1)", "random(2)"], frames: 2 }, format: "mp4" }),
    ).rejects.toThrow(/cannot encode a film/);
  });

  it("the same items pass a condition, and wrong ones are refused in a line", async () => {
    const { where, sources, captions } = told as unknown as {
      where: { text: string; rows: number[] };
      sources: string[];
      captions: string[];
    };
    const { rows } = await ask("where", { text: where.text }, null);
    expect(rows.data.length).toBeGreaterThan(0);
    expect(rows.data.length).toBeLessThan(of.shown);
    expect(Array.from(rows.data)).toEqual(where.rows);
    const spoken = await ask("sources", {}, { rows: [3, 7] });
    expect(spoken.sources).toEqual(sources);
    expect(spoken.captions).toEqual(captions);
    await expect(ask("where", { text: "nothing_such > 1" }, null)).rejects.toThrow(/no attribute/);
    await expect(ask("where", { text: "id >" }, null)).rejects.toThrow(/^filter 'id >': wanted a value/);
    await expect(ask("where", { text: "id < 0" }, null)).rejects.toThrow(/No item/);
    await expect(ask("lonely", {}, null)).rejects.toThrow(/Liminal itself/);
    expect((await ask("space", {}, null)).able).not.toContain("lonely");
  });

  it("samples come from the sources that it names", async () => {
    const { sources } = await ask("space", {}, null);
    for (const source of sources) {
      const { z, items } = await ask("sample", {}, { n: 5, source, seed: 3 });
      expect([z.shape[0], items.shape[0]]).toEqual([5, 5]);
      expect(z.data.every(Number.isFinite)).toBe(true);
    }
  });
});

/** The networks run in this process. */
async function here(of: Payload): Promise<Nets> {
  const ort = await import("onnxruntime-web/wasm");
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmBinary = readFileSync(
    createRequire(import.meta.url).resolve("onnxruntime-web/ort-wasm-simd-threaded.wasm"),
  ).buffer as ArrayBuffer;
  const sessions = new Map<Net, import("onnxruntime-web/wasm").InferenceSession>();
  for (const net of ["decoder", "encoder", "reader", "velocity"] as const) {
    const model = of[net];
    if (model) sessions.set(net, await ort.InferenceSession.create(model.data.slice()));
  }
  return {
    has: (net) => sessions.has(net),
    run: async (net, feeds) => {
      const session = sessions.get(net);
      if (!session) throw new Error(net);
      const given = Object.fromEntries(
        Object.entries(feeds).map(([name, { data, dims }]) => [name, new ort.Tensor("float32", data, dims)]),
      );
      return (await session.run(given))[session.outputNames[0] as string]?.data as Float32Array;
    },
  };
}

describe("parts", () => {
  it("finds the nearest rows, equal ones in their order", () => {
    const table = Float32Array.from([0, 0, 3, 4, 1, 0, 0, 1]);
    const { far, rows } = nearest(table, 2, 4, [0, 0], 0, 3);
    expect(Array.from(rows)).toEqual([0, 2, 3]);
    expect(Array.from(far)).toEqual([0, 1, 1]);
  });

  it("counts conformally", () => {
    expect(beyond([1, 2, 3], 0)).toBe(1);
    expect(beyond([1, 2, 3], 2)).toBe(0.75);
    expect(beyond([1, 2, 3], 9)).toBe(0.25);
  });

  it("reads bytes from base 85", () => {
    expect(Array.from(bytes("009C6|Ni~_"))).toEqual([0, 1, 2, 3, 255, 254, 253, 252]);
    expect(bytes("").length).toBe(0);
    expect(Array.from(bytes("00"))).toEqual([0]);
  });

  it("writes a formula as it was meant", () => {
    for (const [text, shown] of [
      ["@1+2 * smile-  hat", "@1 + 2*smile - hat"],
      ["mean(label=Ankle boot and not smile>0.5)", "mean(label = 'Ankle boot' and not smile > 0.5)"],
      ["-(@1 - @2)", "-(@1 - @2)"],
      ["mix(@1,@2)*1", "mix(@1, @2)*1"],
      ["`A - B`*2", "`A - B`*2"],
      ["hair=blond", "hair=blond"],
    ] as const)
      expect(show(parse(text))).toBe(shown);
    for (const wrong of ["@", "1 +", "smile(", "mean()", "mix(@1)", "2smile", "'a.png'", "nope(1)"])
      expect(() => parse(wrong), wrong).toThrow();
  });

  it("filters as SQL does", () => {
    const rows: Record<string, string | number | boolean | null>[] = [
      { label: "Bag", size: 1, on: true },
      { label: "Coat", size: null, on: null },
    ];
    const passes = (text: string) => {
      const tree = parse(`mean(${text})`);
      return tree.kind === "mean" ? rows.map((row) => tree.test((name) => row[name] ?? null)) : [];
    };
    expect(passes("label=Bag")).toEqual([true, false]);
    expect(passes("size > 0.5 or label in (Coat, Hat)")).toEqual([true, true]);
    expect(passes("not size > 0.5")).toEqual([false, null]);
    expect(passes("on and size between 0 and 1")).toEqual([true, null]);
    expect(passes("size is null")).toEqual([false, true]);
    expect(passes("label like 'B%'")).toEqual([true, false]);
  });

  it("goes on lines and arcs, and shares frames out", async () => {
    const [a, b] = [Float32Array.of(1, 0), Float32Array.of(0, 2)];
    expect(Array.from(line(a, b, 0.5))).toEqual([0.5, 1]);
    const middle = arc(a, b, 0.5);
    expect(Math.hypot(...middle)).toBeCloseTo(1.5, 6);
    expect(middle[0]).toBeCloseTo(middle[1] as number, 6);
    expect(share([1, 3], 8)).toEqual([2, 6]);
    const [t] = await even([(at) => Float32Array.from(at, (x) => x * x)], 4, 1, async (z) => z);
    (t as number[]).forEach((x, i) => expect(x).toBeCloseTo(Math.sqrt(i / 4), 1));
  });

  it("tells two groups apart, or says that it cannot", () => {
    const next = numbers(1);
    const z = Float32Array.from({ length: 400 }, (_, i) => next() + (i % 2 === 0 && i < 100 ? 2 : 0));
    const rows = (from: number) => Array.from({ length: 40 }, (_, i) => from + i);
    const found = between(z, 2, 200, rows(0), rows(100));
    expect(found.score).toBeGreaterThan(0.95);
    expect(found.vector[0]).toBeLessThan(-1);
    expect(between(z, 2, 200, rows(60), rows(120)).score).toBeLessThan(0.75);
    expect(() => between(z, 2, 200, [1, 2], rows(100))).toThrow(/5 or more/);
  });

  it("lets who asks for few go first, and drops what nobody wants any more", async () => {
    const sent: (Order & { kind: "run" })[] = [];
    const worker = {
      postMessage: (order: Order) => void sent.push(order as Order & { kind: "run" }),
      onmessage: null,
      onerror: null,
    } as unknown as Worker;
    const nets = new Worked(worker, new Set(["decoder"]));
    const feed = (n: number): Record<string, Feed> => ({ z: { data: new Float32Array(n), dims: [n, 1] } });
    const gone = new AbortController();
    const many = nets.run("decoder", feed(40), gone.signal);
    const few = nets.run("decoder", feed(1));
    const reply = (): void => {
      const rows = sent.at(-1)?.feeds["z"]?.dims[0] ?? 0;
      worker.onmessage?.({
        data: { id: 1, data: new Float32Array(rows).fill(sent.length) } satisfies Answer,
      } as MessageEvent);
    };
    reply();
    expect(sent.at(-1)?.feeds["z"]?.dims).toEqual([1, 1]);
    reply();
    expect(Array.from(await few)).toEqual([2]);
    gone.abort();
    reply();
    await expect(many).rejects.toThrow();
  });
});
