/** The worker that runs the networks: ONNX Runtime's WebAssembly, one thread, handed over as bytes. */
import * as ort from "onnxruntime-web/wasm";
import type { Answer, Order } from "./nets.ts";

const sessions = new Map<string, Promise<ort.InferenceSession>>();
let begin = (): void => {};
/** What is asked for before the engine is here waits for it. */
const begun = new Promise<void>((done) => (begin = done));

async function run(order: Order & { kind: "run" }): Promise<void> {
  try {
    await begun;
    const session = await sessions.get(order.net);
    if (!session) throw new Error(`This page holds no ${order.net}.`);
    const feeds = Object.fromEntries(
      Object.entries(order.feeds).map(([name, { data, dims }]) => [
        name,
        new ort.Tensor("float32", data, dims),
      ]),
    );
    const found = await session.run(feeds);
    const output = found[session.outputNames[0] as string] as ort.Tensor;
    const data = Float32Array.from(output.data as Float32Array);
    const answer: Answer = { id: order.id, data };
    (postMessage as (message: Answer, transfer: Transferable[]) => void)(answer, [data.buffer]);
  } catch (error) {
    postMessage({
      id: order.id,
      error: error instanceof Error ? error.message : String(error),
    } satisfies Answer);
  }
}

onmessage = ({ data: order }: MessageEvent<Order>): void => {
  if (order.kind === "run") return void run(order);
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.proxy = false;
  ort.env.wasm.wasmBinary = order.wasm;
  ort.env.logLevel = "error";
  for (const [net, model] of Object.entries(order.models)) {
    const made = ort.InferenceSession.create(model, {
      executionProviders: ["wasm"],
      graphOptimizationLevel: "all",
      logSeverityLevel: 3,
    });
    made.catch(() => {});
    sessions.set(net, made);
  }
  begin();
};
