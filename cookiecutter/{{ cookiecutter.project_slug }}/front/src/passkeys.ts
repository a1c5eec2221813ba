// Sign in with a passkey, over the endpoints of allauth that the page at /accounts/login/ uses too.
import { call, unwrap } from "./api/client";

// Typed here: a project without passkeys has no such operations, and leaves this module out of its build.
interface Ask {
  responses: {
    200: {
      content: {
        "application/json": {
          data: { request_options: { publicKey: PublicKeyCredentialRequestOptionsJSON } };
        };
      };
    };
  };
}
interface Send {
  requestBody: { content: { "application/json": { credential: object } } };
  responses: { 200: { content: { "application/json": object } } };
}
const PATH = "/_allauth/browser/v1/auth/webauthn/login";
const ask = call<Ask>("GET", PATH);
const send = call<Send>("POST", PATH);

/** `more`: Django's page for sign-in goes on, as for an address that is not confirmed, or with an older browser. */
export type Outcome = "signed in" | "cancelled" | "more";

/** Let the browser ask for a passkey, and sign in with it. Throws a `CallError` if the site refuses the passkey. */
export async function signInWithPasskey(): Promise<Outcome> {
  if (!globalThis.PublicKeyCredential?.parseRequestOptionsFromJSON) return "more";
  const { data } = await unwrap(ask());
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(data.request_options.publicKey);
  let found: Credential | null;
  try {
    found = await navigator.credentials.get({ publicKey });
  } catch (error) {
    // Also after the time that the options allow. Browsers do not tell why.
    if ((error as DOMException).name === "NotAllowedError") return "cancelled";
    throw error;
  }
  const credential = (found as PublicKeyCredential).toJSON();
  const result = await send({ body: { credential } });
  if (result.status === 401) return "more";
  await unwrap(result);
  return "signed in";
}
