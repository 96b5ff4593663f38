/** A shared page: the studio over a space, a decoder and its engine that all lie in the same file. */
import { render } from "preact";
import "./style/index.css";
import { local } from "./local.ts";
import Engine from "./local/engine.ts?worker&inline";
import { Worked, type Order } from "./local/nets.ts";
import { block, opened } from "./local/payload.ts";
import { complain, open, use } from "./state.ts";
import { App } from "./views/App.tsx";

const NETS = ["decoder", "encoder", "reader", "velocity"] as const;

async function begin(): Promise<void> {
  const payload = await opened();
  const worker = new Engine();
  const nets = NETS.filter((net) => payload[net] !== undefined);
  use(local(payload, new Worked(worker, new Set(nets))));
  const start = async (): Promise<void> => {
    const wasm = await block("engine");
    const models = Object.fromEntries(
      nets.map((net) => [net, (payload[net] as { data: Uint8Array }).data.slice()]),
    );
    worker.postMessage({ kind: "start", wasm, models } satisfies Order, [wasm]);
  };
  await Promise.all([open(), start()]);
}

render(<App />, document.getElementById("app") as HTMLElement);
begin().catch(complain);
