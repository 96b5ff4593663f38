/** Answers that follow what a person does: one request at a time, and always the newest wish next. */
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { dropped } from "./api.ts";

/** Runs `work` for the newest wish; while one runs, only the last of those that come is kept. */
export function newest<W>(work: (wish: W) => Promise<void>): (wish: W) => void {
  let busy = false;
  let next: { wish: W } | null = null;
  const run = async (wish: W): Promise<void> => {
    busy = true;
    try {
      await work(wish);
    } finally {
      busy = false;
      const waiting = next;
      next = null;
      if (waiting) void run(waiting.wish);
    }
  };
  return (wish) => {
    if (busy) next = { wish };
    else void run(wish);
  };
}

export interface Live<T> {
  value: T | null;
  error: unknown;
  busy: boolean;
}

/** What `load` gives for `key`, kept until the answer for the next key is there; null asks for nothing. */
export function useLive<T>(key: string | null, load: (signal: AbortSignal) => Promise<T>): Live<T> {
  const [live, set] = useState<Live<T> & { key: string | null }>({
    key: null,
    value: null,
    error: null,
    busy: false,
  });
  const wanted = useRef<{ key: string | null; load: (signal: AbortSignal) => Promise<T> }>({ key, load });
  wanted.current = { key, load };
  const ask = useRef<((wish: string) => void) | null>(null);
  const gone = useRef<AbortController | null>(null);
  useEffect(() => () => gone.current?.abort(), []);
  ask.current ??= newest(async (wish) => {
    const { key: now, load: how } = wanted.current;
    if (now !== wish) return;
    gone.current = new AbortController();
    try {
      const value = await how(gone.current.signal);
      set({ key: wish, value, error: null, busy: false });
    } catch (error) {
      if (!dropped(error)) set((before) => ({ key: wish, value: before.value, error, busy: false }));
    }
  });
  // At once, not after the next frame: a pointer that rests waits for nothing.
  useLayoutEffect(() => {
    if (key === null) set({ key: null, value: null, error: null, busy: false });
    else ask.current?.(key);
  }, [key]);
  return {
    value: key === null ? null : live.value,
    error: live.key === key ? live.error : null,
    busy: key !== null && live.key !== key,
  };
}
