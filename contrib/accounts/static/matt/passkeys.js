// Creates and uses passkeys for the forms with [data-passkey]: "create", "get" (a second factor) or "login".
// Their buttons are hidden without a script; the answer of the browser goes into the hidden field `credential`.
(() => {
  const message = document.querySelector("[data-passkey-message]");
  const supported = Boolean(
    globalThis.PublicKeyCredential?.parseCreationOptionsFromJSON && PublicKeyCredential.parseRequestOptionsFromJSON
  );
  let waiting = null; // The controller of the request that autofill waits for.
  let offering = Promise.resolve(); // Ends when autofill has ended; a browser allows one request at a time.
  let asking = Promise.resolve(); // The newest request for options.
  let busy = false; // A ceremony that a click began is going on.
  let sent = false; // A credential was sent, so the page is about to be left: what fails now is no error.

  const show = (text) => {
    if (!message) return;
    message.textContent = text;
    message.hidden = !text;
  };

  const explain = (error) => {
    if (sent) return;
    if (error.name === "NotAllowedError" || error.name === "AbortError") return show(message.dataset.cancelled);
    if (error.name === "InvalidStateError") return show(message.dataset.known);
    show(message.dataset.failed);
  };

  const givenOptions = () => JSON.parse(document.getElementById("passkey_options").textContent);

  // One after the other: of two at the same time, the server may remember the challenge that is not used.
  const fetchOptions = (form) => {
    const ask = async () => {
      const response = await fetch(form.action, { headers: { Accept: "application/json" } });
      if (!response.ok) throw new Error(`The server answered ${response.status}.`);
      return (await response.json()).request_options;
    };
    const asked = asking.then(ask);
    asking = asked.catch(() => {});
    return asked;
  };

  const create = (form) => {
    const options = givenOptions().creation_options.publicKey;
    const choice = form.elements.namedItem("passwordless");
    if (choice) {
      options.authenticatorSelection = {
        ...options.authenticatorSelection,
        residentKey: choice.checked ? "required" : "discouraged",
        requireResidentKey: choice.checked,
        ...(choice.checked && { userVerification: "required" }),
      };
    }
    return navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) });
  };

  const get = (options, more = {}) =>
    navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options.publicKey), ...more });

  const ceremonies = {
    create,
    get: () => get(givenOptions().request_options),
    login: async (form) => get(await fetchOptions(form)),
  };

  const send = (form, credential) => {
    if (sent) return;
    sent = true;
    form.elements.namedItem("credential").value = JSON.stringify(credential.toJSON());
    form.submit();
  };

  // Autofill: the browser offers passkeys in the field whose autocomplete has "webauthn". Nobody has asked for it, so what
  // fails is not shown. A page may be open for hours: the challenge is renewed before it expires.
  const offer = async (form) => {
    if (!document.querySelector('input[autocomplete~="webauthn"]')) return;
    const { signal } = (waiting = new AbortController());
    try {
      if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
      while (!signal.aborted) {
        const options = await fetchOptions(form);
        if (signal.aborted) return;
        const { timeout } = options.publicKey;
        const expiry = timeout ? AbortSignal.timeout(timeout * 0.9) : signal;
        try {
          send(form, await get(options, { mediation: "conditional", signal: AbortSignal.any([signal, expiry]) }));
          return;
        } catch (error) {
          if (!expiry.aborted) throw error;
        }
      }
    } catch {
      // The button is still there.
    }
  };

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    const kind = form.dataset.passkey;
    for (const button of form.querySelectorAll("button[hidden]")) button.hidden = !supported;
    if (!supported) {
      if (kind !== "login") show(message.dataset.unsupported);
      continue;
    }
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (busy || sent) return;
      busy = true;
      show("");
      waiting?.abort();
      await offering;
      try {
        // Unless autofill has just sent a credential.
        if (!sent) send(form, await ceremonies[kind](form));
      } catch (error) {
        explain(error);
        if (kind === "login") offering = offer(form);
      }
      busy = false;
    });
    if (kind === "login") offering = offer(form);
  }
  // "Back" may show the page as it was left.
  addEventListener("pageshow", ({ persisted }) => {
    if (persisted) location.reload();
  });
})();
