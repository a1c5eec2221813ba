// Live lists: the rows of a stream that begins with a list and goes on with its changes.
import { type Args, CallError, sleep } from "./client";
import type { Item, ServerEvent, Stream, StreamOptions } from "./streams";

/** A row of a live list. */
export type LiveRow<O> = Item<O> extends infer D ? (D extends readonly (infer T)[] ? T : never) : never;
export interface LiveRows<T> {
  /** The rows in the order of the list; new ones are at the end. */
  rows: readonly T[];
  /** `closed` after a response that is final, such as a 403. */
  state: "loading" | "open" | "lost" | "closed";
  /** Why the connection was lost or is closed. */
  error: CallError | undefined;
}
/** A store as Svelte has them: `$orders.rows`. It is connected while it has subscribers. */
export interface LiveList<T> {
  subscribe(run: (value: LiveRows<T>) => void): () => void;
  get(): LiveRows<T>;
}
export interface LiveOptions {
  /** The name of the primary key in the rows; by default `id`. */
  key?: string;
  /** How many milliseconds to wait before a connection that was given up is opened again. */
  pause?: number;
}

const isFinal = (error: unknown): boolean => {
  const status = error instanceof CallError ? error.result.status : 0;
  return status >= 400 && status < 500 && status !== 408 && status !== 429;
};

/** Make a store of the rows of a live list: `liveList(orders.live, { query: { status: "open" } })`. */
export function liveList<O>(stream: Stream<O>, ...[options]: Args<O, StreamOptions & LiveOptions>): LiveList<LiveRow<O>> {
  type T = LiveRow<O>;
  const { key = "id", pause = 10_000, ...asked } = (options ?? {}) as LiveOptions & { signal?: AbortSignal };
  const runs = new Set<(value: LiveRows<T>) => void>();
  const rows = new Map<string, T>();
  let value: LiveRows<T> = { rows: [], state: "loading", error: undefined };
  let stop: AbortController | undefined;

  const tell = (state: LiveRows<T>["state"], error?: unknown) => {
    value = { rows: [...rows.values()], state, error: error as CallError | undefined };
    for (const run of [...runs]) run(value);
  };

  function apply({ event, data }: ServerEvent<unknown>) {
    const change = data as { key: unknown; item: T };
    if (event === "list") {
      rows.clear();
      for (const row of data as T[]) rows.set(String((row as Record<string, unknown>)[key]), row);
    } else if (event === "upsert") rows.set(String(change.key), change.item);
    else if (event === "remove") rows.delete(String(change.key));
    else return;
    tell("open");
  }

  async function follow(signal: AbortSignal) {
    while (!signal.aborted) {
      let error: unknown;
      try {
        const open = { ...asked, signal, reconnect: true } as unknown as Args<O, StreamOptions>[0];
        for await (const each of stream.events(...([open] as Args<O, StreamOptions>))) {
          if (signal.aborted) return;
          apply(each);
        }
      } catch (failure) {
        error = failure;
      }
      if (signal.aborted) return;
      if (isFinal(error)) return tell("closed", error);
      tell("lost", error);
      await sleep(pause, signal);
    }
  }

  return {
    get: () => value,
    subscribe(run) {
      // One function may subscribe twice.
      const own = (current: LiveRows<T>) => run(current);
      runs.add(own);
      if (stop === undefined) {
        stop = new AbortController();
        const { signal } = asked;
        void follow(signal ? AbortSignal.any([signal, stop.signal]) : stop.signal);
      }
      own(value);
      return () => {
        runs.delete(own);
        if (runs.size) return;
        stop?.abort();
        stop = undefined;
      };
    },
  };
}
