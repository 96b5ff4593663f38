/** Undo and redo over whole states; changes of the same kind that follow each other fast count as one. */

export interface History<T> {
  readonly past: readonly T[];
  readonly future: readonly T[];
  readonly kind: string | null;
  readonly at: number;
}

const LONGEST = 200;
const TOGETHER = 900; // milliseconds: one drag of a slider is one step

export const none = <T>(): History<T> => ({ past: [], future: [], kind: null, at: 0 });

/** Notes `before`, the state that a change is about to replace. */
export function note<T>(history: History<T>, before: T, kind: string | null, now: number): History<T> {
  if (kind !== null && kind === history.kind && now - history.at < TOGETHER)
    return { ...history, future: [], at: now };
  return { past: [...history.past.slice(1 - LONGEST), before], future: [], kind, at: now };
}

export function back<T>(history: History<T>, now: T): { history: History<T>; state: T } | null {
  const state = history.past.at(-1);
  if (state === undefined) return null;
  return {
    state,
    history: { past: history.past.slice(0, -1), future: [now, ...history.future], kind: null, at: 0 },
  };
}

export function forth<T>(history: History<T>, now: T): { history: History<T>; state: T } | null {
  const [state, ...future] = history.future;
  if (state === undefined) return null;
  return { state, history: { past: [...history.past, now], future, kind: null, at: 0 } };
}
