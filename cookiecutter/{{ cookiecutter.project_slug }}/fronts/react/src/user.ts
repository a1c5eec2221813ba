// The user who has signed in, with the session of Django.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { authenticationCurrentSessionAllauthAuthSessionDelete, meRead } from "./api/api";
import { CallError } from "./api/client";

// Django tells whether the page has a session, so a visitor's page asks for no user.
let mayBeSignedIn = document.getElementById("root")?.dataset.signedIn !== undefined;
const KEY = ["user"];

async function readUser() {
  if (!mayBeSignedIn) return null;
  const result = await meRead();
  if (result.ok) return result.data;
  if (result.status === 401) return null;
  throw new CallError(result);
}

export function useUser() {
  const { data: user, isPending } = useQuery({
    queryKey: KEY,
    queryFn: readUser,
    staleTime: 60_000,
  });
  return { user, isPending };
}

/** Return what to call after a sign-in: everything that the visitor has read is read again. */
export function useSignedIn() {
  const queries = useQueryClient();
  return () => {
    mayBeSignedIn = true;
    return queries.resetQueries();
  };
}

export function useSignOut() {
  const queries = useQueryClient();
  return async () => {
    const result = await authenticationCurrentSessionAllauthAuthSessionDelete({
      path: { client: "browser" },
    });
    // allauth answers with 401: the session has ended.
    if (!result.ok && result.status !== 401) throw new CallError(result);
    mayBeSignedIn = false;
    await queries.resetQueries();
  };
}
