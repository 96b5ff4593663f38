/**
 * The networks of a page, from outside: rows in, rows out. Many rows go piece by piece, and who asks for few
 * goes first, so that what lies under the pointer never waits for a whole map.
 */
export interface Feed {
  data: Float32Array;
  dims: number[];
}
export type Order =
  | { kind: "start"; wasm: ArrayBuffer; models: Record<string, Uint8Array> }
  | { kind: "run"; id: number; net: string; feeds: Record<string, Feed> };
export type Answer = { id: number; data: Float32Array; error?: undefined } | { id: number; error: string };

export type Net = "decoder" | "encoder" | "reader" | "velocity";
/** Runs a network on n rows of each input; its output's rows, one after the other. */
export interface Nets {
  run(net: Net, feeds: Record<string, Feed>, signal?: AbortSignal): Promise<Float32Array>;
  has(net: Net): boolean;
}

const PIECE: Record<Net, number> = { decoder: 16, reader: 64, encoder: 16, velocity: 512 };

interface Job {
  net: Net;
  feeds: Record<string, Feed>;
  rows: number;
  done: number;
  parts: Float32Array[];
  signal: AbortSignal | undefined;
  give(found: Float32Array): void;
  fail(error: unknown): void;
}

export class Worked implements Nets {
  private readonly waiting: Job[] = [];
  private busy: Job | null = null;
  private broken: string | null = null;

  constructor(
    private readonly worker: Pick<Worker, "postMessage" | "onmessage" | "onerror">,
    private readonly names: ReadonlySet<string>,
  ) {
    worker.onmessage = ({ data }: MessageEvent<Answer>) => this.heard(data);
    worker.onerror = (event) =>
      this.heard({ id: 0, error: (event as ErrorEvent).message || "the engine does not start" });
  }

  has(net: Net): boolean {
    return this.names.has(net);
  }

  run(net: Net, feeds: Record<string, Feed>, signal?: AbortSignal): Promise<Float32Array> {
    const rows = Object.values(feeds)[0]?.dims[0] ?? 0;
    if (!rows) return Promise.resolve(new Float32Array());
    return new Promise((give, fail) => {
      this.waiting.push({ net, feeds, rows, done: 0, parts: [], signal, give, fail });
      this.next();
    });
  }

  private next(): void {
    if (this.busy) return;
    for (const job of this.waiting.filter(({ signal }) => signal?.aborted))
      this.end(job, new DOMException("dropped", "AbortError"));
    const left = (job: Job): number => job.rows - job.done;
    const job = this.waiting.reduce<Job | null>(
      (best, one) => (!best || left(one) < left(best) ? one : best),
      null,
    );
    if (!job) return;
    if (this.broken !== null) return this.end(job, new Error(this.broken));
    this.busy = job;
    const count = Math.min(PIECE[job.net], left(job));
    const feeds: Record<string, Feed> = {};
    for (const [name, { data, dims }] of Object.entries(job.feeds)) {
      const width = data.length / job.rows;
      feeds[name] = {
        data: data.slice(job.done * width, (job.done + count) * width),
        dims: [count, ...dims.slice(1)],
      };
    }
    job.done += count;
    this.worker.postMessage({ kind: "run", id: 1, net: job.net, feeds } satisfies Order);
  }

  private heard(answer: Answer): void {
    const job = this.busy;
    this.busy = null;
    if (answer.error !== undefined) {
      if (answer.id === 0) this.broken = answer.error;
      if (job) this.end(job, new Error(answer.error));
    } else if (job) {
      job.parts.push(answer.data);
      if (job.done >= job.rows) this.end(job, joined(job.parts));
    }
    this.next();
  }

  private end(job: Job, result: Float32Array | Error): void {
    const at = this.waiting.indexOf(job);
    if (at >= 0) this.waiting.splice(at, 1);
    if (result instanceof Float32Array) job.give(result);
    else job.fail(result);
  }
}

/** Rows one after the other. */
export function joined(parts: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
