// What a page does in the browser: it writes to the API with the visitor's session, and signs in and out.
import {
  authenticationAccountAllauthAuthLoginPost,
  authenticationCurrentSessionAllauthAuthSessionDelete,
} from "./api/api";
import { CallError, configure, session } from "./api/client";
import { type Errors, errorsOf } from "./errors";
import { signInLink } from "./links";
import { loginPage } from "./ways";

/** Call it once in each page that writes. Pages of Node set no CSRF cookie: the client fetches it from Django when it is missing. */
export const connect = () =>
  configure({ auth: session({ renewUrl: "/_allauth/browser/v1/config" }) });

/** Sign in with a password. Return the errors, or null while the browser opens the page that comes next. */
export async function signIn(
  login: string,
  password: string,
  next: string,
): Promise<Errors | null> {
  const result = await authenticationAccountAllauthAuthLoginPost({
    path: { client: "browser" },
    body: login.includes("@") ? { email: login, password } : { username: login, password },
  });
  if (!result.ok && result.status !== 401) return errorsOf(result.error, ["password"]);
  // After a 401, Django's pages ask for a second factor, or for the code of an address that is not confirmed.
  location.assign(result.ok ? next : `/accounts/login/?next=${encodeURIComponent(next)}`);
  return null;
}

/** Sign in with a passkey. Return the errors, or null if the visitor cancels or the browser opens the page that comes next. */
export async function signInByPasskey(next: string): Promise<Errors | null> {
  // Loaded when somebody asks for it: a project without passkeys has no such operations.
  const { signInWithPasskey } = await import("./passkeys");
  try {
    const outcome = await signInWithPasskey();
    if (outcome !== "cancelled") location.assign(outcome === "more" ? loginPage : next);
    return null;
  } catch (error) {
    if (!(error instanceof CallError)) throw error;
    return errorsOf(error.result.error, []);
  }
}

export async function signOut(): Promise<void> {
  const result = await authenticationCurrentSessionAllauthAuthSessionDelete({
    path: { client: "browser" },
  });
  // allauth answers with 401: the session has ended.
  if (!result.ok && result.status !== 401) throw new CallError(result);
  location.assign("/");
}

/** Open the page for sign-in if the session has ended, and return whether it has. */
export function hasEnded(result: { ok: boolean; status: number }): boolean {
  if (result.status !== 401) return false;
  location.assign(signInLink(location.pathname + location.search));
  return true;
}
