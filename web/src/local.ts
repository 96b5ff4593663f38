/**
 * The studio's answers from within a page: the routes of wire.ts over what the page holds (local/payload.ts)
 * and the networks that run beside it (local/nets.ts), by the definitions of the library. What needs the
 * library is refused in a sentence; the page's own answer to `space` says so beforehand, and the views leave
 * it out.
 */
import type { Ask, Route } from "./api.ts";
import { Core, refuse } from "./local/core.ts";
import { items } from "./local/items.ts";
import { moves } from "./local/moves.ts";
import type { Nets } from "./local/nets.ts";
import type { Payload } from "./local/payload.ts";
import { samples } from "./local/samples.ts";
import { formulas, Speech } from "./local/speech.ts";
import { ways } from "./local/ways.ts";

type Answered = Exclude<
  Route,
  "transfer" | "complete" | "compose" | "report" | "lonely" | "unusual" | "reload"
>;
type Answer = (query: unknown, body: unknown, signal?: AbortSignal) => unknown;

/** Answers for one space. */
export function local(of: Payload, nets: Nets): Ask {
  const core = new Core(of, nets);
  const speech = new Speech(core);
  const answers: Record<Answered, unknown> = {
    ...items(core),
    ...formulas(core, speech),
    ...moves(core, speech),
    ...ways(core, speech),
    ...samples(core, speech),
  };
  return async (route, query, body, signal) => {
    signal?.throwIfAborted();
    if (!Object.hasOwn(answers, route))
      return refuse("This needs Liminal itself: a shared page cannot do it.");
    return (await (answers[route as Answered] as Answer)(query, body, signal)) as never;
  };
}
