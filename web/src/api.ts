/**
 * What the page asks of a space, behind one function. `server` asks the studio's server; a page that holds
 * its own decoder answers the same routes in the browser (local.ts), so nothing above this file knows which
 * of the two it talks to.
 */
import { routes, unpack, type Api, type Failure, type Progress } from "./wire.ts";

export type Route = keyof Api;
export type Ask = <R extends Route>(
  route: R,
  query: Api[R]["query"],
  body: Api[R]["body"],
  signal?: AbortSignal,
) => Promise<Api[R]["answer"]>;

/** A refusal in one line; of a formula also the character it is about and names that are near. */
export class Refused extends Error {
  constructor(
    message: string,
    readonly status: number,
    readonly at: number | null = null,
    readonly near: readonly string[] = [],
  ) {
    super(message);
  }
}

export const dropped = (error: unknown): boolean =>
  error instanceof DOMException && error.name === "AbortError";

/** Told whenever an answer has to wait until the model is loaded. */
export interface Waiting {
  (waits: boolean): void;
}

const BLOBS: readonly Route[] = ["thumbnails", "picture", "export"];

const SILENT = "The studio's server does not answer: is its command still running?";

/** What can be had while the model is still being loaded. */
const LIGHT: readonly Route[] = ["space", "map", "column", "thumbnails", "progress"];

/**
 * How a request gets to the routes and an answer back: over HTTP, or through who holds this page (parent.ts).
 */
export type Reach = (address: string, init: RequestInit) => Promise<Response>;

export function server(
  waiting: Waiting,
  reach: Reach = (address, init) => fetch(address, init),
  silent = SILENT,
): Ask {
  const door = new Door(waiting, reach, silent);
  return async (route, query, body, signal) => {
    if (!LIGHT.includes(route)) await door.open(signal);
    const { method, path, packed } = routes[route];
    const search = new URLSearchParams(Object.entries(query).map(([key, value]) => [key, String(value)]));
    const raw = body instanceof Float32Array || body instanceof Blob;
    const init: RequestInit = { method, signal: signal ?? null, credentials: "same-origin" };
    if (body !== null) {
      init.body = raw ? (body as BodyInit) : JSON.stringify(body);
      init.headers = { "Content-Type": raw ? "application/octet-stream" : "application/json" };
    }
    const response = await patient(`${path}${search.size ? `?${search}` : ""}`, init, door);
    const whole = <T>(read: Promise<T>): Promise<T> =>
      read.catch((error) => Promise.reject(dropped(error) ? error : new Refused(silent, 0)));
    if (packed) return unpack(await whole(response.arrayBuffer()));
    if (BLOBS.includes(route)) return (await whole(response.blob())) as never;
    return (await whole(route === "report" ? response.text() : response.json())) as never;
  };
}

const SOON = 200; // milliseconds after which it may be worth asking again

/**
 * Lets requests that need the model through once it is there; until then one of them all asks how far it is.
 */
class Door {
  private opened = false;
  private asked: Promise<void> | null = null;

  constructor(
    private readonly waiting: Waiting,
    readonly reach: Reach,
    readonly silent: string,
  ) {}

  async open(signal?: AbortSignal | null): Promise<void> {
    if (this.opened) return;
    this.asked ??= this.wait().finally(() => (this.asked = null));
    await this.asked;
    signal?.throwIfAborted();
  }

  private async wait(): Promise<void> {
    for (;;) {
      const response = await this.reach("/api/progress", { method: "GET", credentials: "same-origin" }).catch(
        () => null,
      );
      const said = response?.ok ? ((await response.json().catch(() => null)) as Progress | null) : null;
      this.opened = said?.ready === true;
      this.waiting(said !== null && !this.opened && !said.broken);
      if (this.opened) return;
      if (said?.broken) throw new Refused(said.broken, 503);
      if (!said) throw new Refused(this.silent, 0);
      await pause(SOON);
    }
  }
}

/**
 * Asks until the server has an answer: where it needs more time (503) it asks again, soon at first, at last
 * after what the server says.
 */
async function patient(address: string, init: RequestInit, door: Door): Promise<Response> {
  for (let soon = SOON; ; soon *= 2) {
    let response: Response;
    try {
      response = await door.reach(address, init);
    } catch (error) {
      if (dropped(error)) throw error;
      throw new Refused(door.silent, 0);
    }
    if (response.ok) return response;
    const said = (await response.json().catch(() => null)) as Partial<Failure> | null;
    const after = response.headers.get("Retry-After");
    if (response.status !== 503 || after === null) {
      throw new Refused(
        said?.error ?? `The server answered ${response.status}.`,
        response.status,
        said?.at ?? null,
        said?.near ?? [],
      );
    }
    await pause(Math.min(Number(after) * 1000 || 500, soon), init.signal);
    await door.open(init.signal);
  }
}

function pause(milliseconds: number, signal?: AbortSignal | null): Promise<void> {
  return new Promise((done, fail) => {
    const timer = setTimeout(done, milliseconds);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      fail(new DOMException("dropped", "AbortError"));
    });
  });
}
