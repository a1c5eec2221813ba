import { useSyncExternalStore } from "react";

const subscribe = () => () => undefined;

/** False on the server and until React has taken over the page: a button that needs a script is disabled so long, and no click is lost. */
export const useReady = () =>
  useSyncExternalStore(
    subscribe,
    () => true,
    () => false,
  );
