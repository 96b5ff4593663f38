/**
 * The studio inside another page, a notebook's: requests go to the frame's parent over a port, which hands
 * them on to Python. What the parent knows of this page is in `src/liminal/widget.js`.
 */
import type { Reach } from "./api.ts";

interface Answer {
  id: number;
  status: number;
  type: string;
  after?: string | null;
  body: ArrayBuffer;
}

export class Parent {
  private readonly waiting = new Map<number, (answer: Answer) => void>();
  private readonly handlers = new Map<string, (message: never) => void>();
  private count = 0;
  private stirred: (() => void) | null = null;

  constructor(private readonly port: MessagePort) {
    port.onmessage = ({ data }: MessageEvent<{ kind: string; id: number }>) => {
      if (data.kind === "answer") this.waiting.get(data.id)?.(data as never);
      else this.handlers.get(data.kind)?.(data as never);
    };
  }

  /** Has messages of a kind handled. */
  on<M>(kind: string, handle: (message: M) => void): void {
    this.handlers.set(kind, handle as (message: never) => void);
  }
  say(message: object): void {
    this.port.postMessage(message);
  }

  /** As `fetch`, so far as `server` needs it. */
  readonly reach: Reach = async (address, init) => {
    const { body, signal } = init;
    const bytes = await new Response(body ?? null).arrayBuffer();
    signal?.throwIfAborted();
    const id = ++this.count;
    const { method = "GET", headers } = init;
    const type =
      (headers as Record<string, string> | undefined)?.["Content-Type"] ?? "application/octet-stream";
    if (!address.startsWith("/api/progress")) this.stirred?.();
    return new Promise((done, fail) => {
      const drop = () => {
        this.waiting.delete(id);
        this.say({ kind: "drop", id });
        fail(new DOMException("dropped", "AbortError"));
      };
      signal?.addEventListener("abort", drop, { once: true });
      this.waiting.set(id, (answer) => {
        this.waiting.delete(id);
        signal?.removeEventListener("abort", drop);
        const given: Record<string, string> = { "Content-Type": answer.type };
        if (answer.after) given["Retry-After"] = answer.after;
        done(new Response(answer.body, { status: answer.status, headers: given }));
      });
      this.port.postMessage({ kind: "ask", id, method, address, type, body: bytes }, [bytes]);
    });
  };

  /**
   * A second after the next request: before that nothing can have begun that takes long, and a notebook's
   * kernel is left in peace.
   */
  readonly quiet = (): Promise<void> =>
    new Promise((done) => {
      this.stirred = () => {
        this.stirred = null;
        setTimeout(done, 1000);
      };
    });
}

export interface Begin<S> {
  parent: Parent;
  shown: S;
  dark: boolean;
}

/** Asks who holds this page for a port. */
export function connect<S>(): Promise<Begin<S>> {
  return new Promise((done) => {
    const begun = ({ source, data, ports: [port] }: MessageEvent) => {
      if (source !== window.parent || data?.kind !== "begin" || !port) return;
      window.removeEventListener("message", begun);
      done({ parent: new Parent(port), shown: data.shown, dark: data.dark });
    };
    window.addEventListener("message", begun);
    window.parent.postMessage("liminal: ready", "*");
  });
}
