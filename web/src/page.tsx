/** A shared page: the studio over a space, a decoder and its engine that all lie in the same file. */
import { render } from "preact";
import "./style/base.css";
import "./style/map.css";
import "./style/panel.css";
import { local } from "./local.ts";
import Engine from "./local/engine.ts?worker&inline";
import { Worked, type Order } from "./local/nets.ts";
import { block, opened } from "./local/payload.ts";
import { complain, open, use } from "./state.ts";
import { App } from "./views/App.tsx";

const NETS = ["decoder", "encoder", "reader", "velocity"] as const;

async function begin(): Promise<void> {
  const worker = new Engine();
  const order = (one: Order, ...given: Transferable[]): void => worker.postMessage(one, given);
  const held = opened();
  const wasm = await block("engine");
  order({ kind: "start", wasm }, wasm);
  const payload = await held;
  for (const net of NETS) {
    const model = payload[net];
    if (model) order({ kind: "load", net, model: model.data.slice() });
  }
  use(local(payload, new Worked(worker, new Set(NETS.filter((net) => payload[net] !== undefined)))));
  await open();
}

render(<App />, document.getElementById("app") as HTMLElement);
begin().catch(complain);
