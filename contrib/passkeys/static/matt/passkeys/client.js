// Passkeys in the browser, over the endpoints of allauth.headless: an ES module without dependencies.
//
//   import { connect } from "/static/matt/passkeys/client.js";
//   const passkeys = connect();
//   await passkeys.logIn();
//
// Every function returns what the server answers, and throws a PasskeyError for an answer that is not a success, or the
// DOMException of the browser: NotAllowedError if the person cancels, InvalidStateError if the device is registered already.

export class PasskeyError extends Error {
  constructor(status, body) {
    super(body.errors?.[0]?.message ?? `The server answered ${status}.`);
    this.name = "PasskeyError";
    this.status = status;
    this.body = body;
    this.code = body.errors?.[0]?.code ?? null;
  }

  // What the server waits for: "verify_email", "mfa_signup_webauthn", "mfa_authenticate", "mfa_reauthenticate" …
  get pending() {
    return (this.body.data?.flows ?? []).filter((flow) => flow.is_pending).map((flow) => flow.id);
  }

  get needsReauthentication() {
    return this.status === 401 && this.body.meta?.is_authenticated === true;
  }
}

export const isSupported = () => Boolean(globalThis.PublicKeyCredential);

export const canAutofill = async () =>
  isSupported() && Boolean(await PublicKeyCredential.isConditionalMediationAvailable?.());

const toBytes = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (each) => each.charCodeAt(0));

const toText = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

const decodeIds = (list = []) => list.map((each) => ({ ...each, id: toBytes(each.id) }));

// The JSON functions of WebAuthn level 3, also for browsers that have only level 2.
const parseCreation = (json) =>
  PublicKeyCredential.parseCreationOptionsFromJSON?.(json) ?? {
    ...json,
    challenge: toBytes(json.challenge),
    user: { ...json.user, id: toBytes(json.user.id) },
    excludeCredentials: decodeIds(json.excludeCredentials),
  };

const parseRequest = (json) =>
  PublicKeyCredential.parseRequestOptionsFromJSON?.(json) ?? {
    ...json,
    challenge: toBytes(json.challenge),
    allowCredentials: decodeIds(json.allowCredentials),
  };

const RESPONSE = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];

const toJSON = (credential) =>
  credential.toJSON?.() ?? {
    id: credential.id,
    rawId: toText(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment,
    clientExtensionResults: credential.getClientExtensionResults(),
    response: Object.fromEntries(
      RESPONSE.filter((name) => credential.response[name]).map((name) => [name, toText(credential.response[name])]),
    ),
  };

const create = async (options) =>
  toJSON(await navigator.credentials.create({ publicKey: parseCreation(options.publicKey) }));

const get = async (options, more = {}) =>
  toJSON(await navigator.credentials.get({ publicKey: parseRequest(options.publicKey), ...more }));

const readCookie = (name) =>
  document.cookie.split("; ").find((each) => each.startsWith(`${name}=`))?.slice(name.length + 1) ?? "";

// base: where allauth.headless is mounted; signals: the route of this app, or null; csrfCookie: Django's CSRF_COOKIE_NAME,
// or null if scripts cannot read it; headers: a function that returns more headers, such as X-CSRFToken in that case.
export const connect = ({
  base = "/_allauth/browser/v1",
  signals = "/api/passkeys/signals",
  csrfCookie = "csrftoken",
  headers = () => ({}),
} = {}) => {
  let waiting = null; // The autofill that is in progress. A browser allows one request at a time.

  const ask = async (url, method = "GET", data = undefined) => {
    // Django sets the cookie in the response to a GET: a page that has sent none yet has no token.
    if (method !== "GET" && csrfCookie && !readCookie(csrfCookie)) await fetch(`${base}/config`, { headers: headers() });
    const response = await fetch(url, {
      method,
      credentials: "same-origin",
      headers: {
        Accept: "application/json",
        ...(data !== undefined && { "Content-Type": "application/json" }),
        ...(method !== "GET" && csrfCookie && { "X-CSRFToken": readCookie(csrfCookie) }),
        ...headers(),
      },
      body: data === undefined ? undefined : JSON.stringify(data),
    });
    const body = await response.json().catch(() => ({}));
    if (!response.ok) throw new PasskeyError(response.status, body);
    return body;
  };

  const send = (method, path, data) => ask(`${base}/${path}`, method, data);

  // One after the other: of two at the same time, the server may remember the challenge that is not used.
  let begun = Promise.resolve();
  const begin = (path) => {
    const asked = begun.then(async () => {
      const { data } = await send("GET", path);
      return data.creation_options ?? data.request_options;
    });
    begun = asked.catch(() => {});
    return asked;
  };

  // Send an assertion. If the server does not know the passkey, the browser stops offering it.
  const assert = async (path, options, credential) => {
    try {
      return await send("POST", path, { credential });
    } catch (error) {
      if (error.code === "unknown_passkey") {
        await PublicKeyCredential.signalUnknownCredential?.({
          rpId: options.publicKey.rpId,
          credentialId: credential.id,
        });
      }
      throw error;
    }
  };

  const use = async (path) => {
    waiting?.abort();
    const options = await begin(path);
    return assert(path, options, await get(options));
  };

  const reauthenticate = () => use("auth/webauthn/reauthenticate");

  // The server wants a fresh proof before it changes how a person signs in.
  const prove = async (change) => {
    try {
      return await change();
    } catch (error) {
      if (!error.needsReauthentication) throw error;
      await reauthenticate();
      return change();
    }
  };

  // Tell the browser which passkeys the server accepts, so that it deletes the others and shows the current names.
  const synchronize = async () => {
    if (!signals || !globalThis.PublicKeyCredential?.signalAllAcceptedCredentials) return;
    const found = await ask(signals);
    for (const each of found.allAcceptedCredentials) await PublicKeyCredential.signalAllAcceptedCredentials(each);
    for (const each of found.currentUserDetails) await PublicKeyCredential.signalCurrentUserDetails?.(each);
  };

  const changed = async (answer) => {
    await synchronize().catch(() => {}); // The change itself has been made.
    return answer;
  };

  return {
    // Sign up: send the address, then the code from the mail, then create the passkey. The first two answers are 401,
    // because the sign-up is not complete: they are returned, and not thrown.
    signUp: (data) => send("POST", "auth/webauthn/signup", data).catch(continued),
    verifyEmail: (key) => send("POST", "auth/email/verify", { key }).catch(continued),
    createAtSignUp: async (name) => {
      const credential = await create(await begin("auth/webauthn/signup"));
      return send("PUT", "auth/webauthn/signup", { name, credential });
    },

    logIn: () => use("auth/webauthn/login"),
    useAsSecondFactor: () => use("auth/webauthn/authenticate"),
    reauthenticate,

    // Offer passkeys in the <input autocomplete="username webauthn">; the promise ends when the person has chosen one.
    autofill: async () => {
      waiting?.abort();
      const controller = (waiting = new AbortController());
      for (;;) {
        const options = await begin("auth/webauthn/login");
        // A page may be open for hours: ask for a new challenge before this one expires.
        const expiry = AbortSignal.timeout(options.publicKey.timeout * 0.9);
        const signal = AbortSignal.any([controller.signal, expiry]);
        try {
          const credential = await get(options, { mediation: "conditional", signal });
          return await assert("auth/webauthn/login", options, credential);
        } catch (error) {
          if (!expiry.aborted || controller.signal.aborted) throw error;
        }
      }
    },

    list: async () => {
      const { data } = await send("GET", "account/authenticators");
      return data.filter((each) => each.type === "webauthn");
    },
    add: (name) =>
      prove(async () => {
        const credential = await create(await begin("account/authenticators/webauthn?passwordless"));
        return send("POST", "account/authenticators/webauthn", { name, credential, passwordless: true });
      }).then(changed),
    rename: (id, name) => prove(() => send("PUT", "account/authenticators/webauthn", { id, name })),
    remove: (...ids) =>
      prove(() => send("DELETE", "account/authenticators/webauthn", { authenticators: ids })).then(changed),

    // Make new recovery codes, which are shown once; the former ones are no longer valid.
    makeRecoveryCodes: () =>
      prove(async () => {
        const { data } = await send("POST", "account/authenticators/recovery-codes", {});
        return data.unused_codes;
      }),
    synchronize,
  };
};

// Return the answer of a step after which others follow; throw every other error.
const continued = (error) => {
  if (error.status === 401 && error.pending?.length) return error.body;
  throw error;
};
