// A hook for React: the rows of a live list.
import { useMemo, useSyncExternalStore } from "react";
import type { Args } from "./client";
import { type LiveList, type LiveOptions, type LiveRow, type LiveRows, liveList } from "./live";
import type { Stream, StreamOptions } from "./streams";

/** Return the rows of a live list, connected while the component is shown. Another path, query or key is another list. */
export function useLiveList<O>(stream: Stream<O>, ...args: Args<O, StreamOptions & LiveOptions>): LiveRows<LiveRow<O>> {
  const { path, query, key } = (args[0] ?? {}) as { path?: unknown; query?: unknown; key?: string };
  const asked = JSON.stringify([path, query, key]);
  const list: LiveList<LiveRow<O>> = useMemo(() => liveList(stream, ...args), [stream, asked]);
  return useSyncExternalStore(list.subscribe, list.get, list.get);
}
