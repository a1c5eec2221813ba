// Tries each way in. Everything here is what a front end of yours would do.
import { connect } from "../matt/passkeys/client.js";

const passkeys = connect();
const find = (id) => document.getElementById(id);
const cookie = (name) => document.cookie.split("; ").find((each) => each.startsWith(`${name}=`))?.slice(name.length + 1);

const show = (value) => {
  const output = find("output");
  output.hidden = false;
  output.textContent = typeof value === "string" ? value : JSON.stringify(value, null, 2);
};

const send = async (method, path, body, headers = { "X-CSRFToken": cookie("csrftoken") }) => {
  const response = await fetch(path, {
    method,
    headers: { Accept: "application/json", ...(body && { "Content-Type": "application/json" }), ...headers },
    body: body && JSON.stringify(body),
  });
  const answer = response.status === 204 ? null : await response.json();
  if (!response.ok) throw new Error(`${response.status}: ${JSON.stringify(answer.detail ?? answer)}`);
  return answer;
};

const on = (id, event, action) =>
  find(id)?.addEventListener(event, async (given) => {
    given.preventDefault();
    try {
      await action(given);
    } catch (error) {
      // The browser's own words for it are for developers.
      show(error.name === "NotAllowedError" ? "Your device did not confirm it. Try again, or use another way." : error.message);
    }
  });

const list = async () => {
  const notes = await send("GET", "/api/notes");
  find("notes").replaceChildren(
    ...notes.map((note) => Object.assign(document.createElement("li"), { textContent: note.text })),
  );
};

on("write", "submit", async ({ target }) => {
  const text = new FormData(target).get("text");
  // The same key for every attempt: a repeated request writes no second note.
  await send("POST", "/api/notes", { text }, { "X-CSRFToken": cookie("csrftoken"), "Idempotency-Key": crypto.randomUUID() });
  target.reset();
  await list();
});

on("use-passkey", "click", async () => {
  await passkeys.logIn();
  location.reload();
});

on("exchange", "click", async () => {
  const tokens = await send("POST", "/api/tokens/exchange", {});
  const notes = await send("GET", "/api/notes", undefined, { Authorization: `Bearer ${tokens.access_token}` });
  show({ tokens, notes });
});

on("make-key", "click", async () => {
  const { key } = await send("POST", "/api/api-keys", { name: "from the example" });
  const notes = await send("GET", "/api/notes", undefined, { "X-API-Key": key });
  show({ key, notes });
});

if (find("notes")) await list();
