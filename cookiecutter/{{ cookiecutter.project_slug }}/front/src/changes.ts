// Tells that items have changed, by whomever: a stream of the API that is open while the page is shown.
import { eventsWatchItems } from "./api/api";
import { CallError, sleep } from "./api/client";

const MERGE = 100;
const PAUSE = 10_000;

/** Call `run` soon after items have changed, or may have; return what ends it. Read the items again in it. */
export function onItemChange(run: () => void): () => void {
  let open: AbortController | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function tell() {
    // Many changes at once are one.
    timer ??= setTimeout(() => {
      timer = undefined;
      run();
    }, MERGE);
  }

  async function follow(signal: AbortSignal) {
    while (!signal.aborted) {
      try {
        for await (const _change of eventsWatchItems({ signal, reconnect: true })) tell();
      } catch (error) {
        // Refused for good. What was read stays.
        if (error instanceof CallError && [401, 403, 404].includes(error.result.status)) return;
      }
      await sleep(PAUSE, signal);
    }
  }

  function stop() {
    open?.abort();
    open = undefined;
  }

  function look() {
    // A browser opens few connections to a site, for all of its tabs together: a hidden page needs none.
    if (document.hidden) return stop();
    if (open) return;
    open = new AbortController();
    void follow(open.signal);
  }

  function show() {
    look();
    if (!document.hidden) tell();
  }

  document.addEventListener("visibilitychange", show);
  look();
  return () => {
    document.removeEventListener("visibilitychange", show);
    clearTimeout(timer);
    stop();
  };
}
