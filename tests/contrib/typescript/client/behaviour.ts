// Scenarios that a test runs in Node, each against a real server: `node behaviour.js <name> <url>`.
import { answers, files, lists, site, streams } from "./api";
import { apiKey, bearer, CallError, type Client, configure, server, session, unwrap } from "./client";

declare const process: { argv: string[]; exitCode: number };
const [, , wanted = "", url = "", ...more] = process.argv;
const baseUrl = url;

function equal(given: unknown, expected: unknown, what = ""): void {
  const [left, right] = [JSON.stringify(given), JSON.stringify(expected)];
  if (left !== right) throw new Error(`${what} is ${left}, not ${right}`);
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

async function failureOf(items: AsyncIterable<unknown>): Promise<CallError["result"]> {
  try {
    await collect(items);
  } catch (error) {
    if (error instanceof CallError) return error.result;
    throw error;
  }
  throw new Error("nothing was thrown");
}

/** A fetch that keeps cookies, as a browser does. */
function browserLike(): { fetch: typeof fetch; cookies: Map<string, string> } {
  const cookies = new Map<string, string>();
  const send: typeof fetch = async (input, init) => {
    const headers = new Headers(init?.headers);
    if (cookies.size) headers.set("Cookie", [...cookies].map((pair) => pair.join("=")).join("; "));
    const response = await fetch(input, { ...init, headers });
    for (const each of response.headers.getSetCookie()) {
      const [name = "", value = ""] = each.split(";")[0]?.split("=") ?? [];
      cookies.set(name, value);
    }
    return response;
  };
  return { fetch: send, cookies };
}

const seen = async (path: string) => (await unwrap(site.seen({ client: { baseUrl } })))[path] ?? 0;
const ada = { username: "ada", password: "correct horse" };

const scenarios: Record<string, () => Promise<void>> = {
  async parameters() {
    const r = await unwrap(
      site.echo({
        path: { word: "a b?#é%&=" },
        query: { tags: ["x", "y&z"], on: true, day: "2026-01-31" },
        headers: { "X-Agent": "test" },
      }),
    );
    equal(r, { word: "a b?#é%&=", tags: ["x", "y&z"], on: true, day: "2026-01-31", agent: "test" });
    const none = await unwrap(site.echo({ path: { word: "w" } }));
    equal([none.tags, none.on], [[], null]);
    for (const word of ["", ".", ".."]) {
      const refused = await site.echo({ path: { word } }).catch((error: unknown) => error);
      equal(refused instanceof TypeError, true, `the path with ${JSON.stringify(word)}`);
    }
  },

  async results() {
    const none = await answers.nothing();
    equal([none.ok, none.status, none.ok && none.data === undefined], [true, 204, true]);
    const promised = await answers.promised();
    equal([promised.ok, promised.status, promised.ok && promised.data === undefined], [true, 204, true]);
    const declared = await answers.refused();
    if (declared.ok || declared.status !== 402) throw new Error(`${declared.status}`);
    equal(declared.error, { name: "pay first" });
    const invalid = await answers.flaky({ query: { test: "a", times: "many" as unknown as number } });
    if (invalid.ok || invalid.status !== 422) throw new Error(`${invalid.status}`);
    equal(invalid.error.errors?.[0]?.pointer, "#/query/times");
    const page = await answers.html();
    equal([page.ok, page.status, !page.ok && page.status === 0 && page.error.reason], [false, 0, "unexpected"]);
    const other = await answers.other();
    equal([other.ok, other.status], [false, 0]);
    for (const status of [200, 404, 500, 418, 302]) {
      const empty = await answers.empty({ query: { status }, retries: 0 });
      equal([empty.ok, empty.status], [false, status < 400 && status !== 302 ? 0 : status], `an empty ${status}`);
      if (!empty.ok && empty.status) equal(empty.error.status, status);
    }
    const thrown = await unwrap(answers.refused()).catch((error: unknown) => error);
    equal(thrown instanceof CallError && [thrown.result.status, thrown.name], [402, "CallError"]);
  },

  async bases() {
    const path = { word: "w" };
    for (const more of ["/", "/prefix", "/prefix/"])
      equal((await unwrap(site.echo({ client: { baseUrl: url + more }, path }))).word, "w", more);
    for (const wrong of ["api.example.com", "localhost:8000", "ftp://a", "prefix"]) {
      const refused = await site.echo({ client: { baseUrl: wrong }, path }).catch((error: unknown) => error);
      equal(refused instanceof TypeError && refused.message.includes(wrong), true, wrong);
    }
  },

  async proxies() {
    const failed = await answers.gateway({ query: { status: 502 } });
    if (failed.ok || failed.status !== 502) throw new Error(`${failed.status}`);
    equal(failed.error, { type: "about:blank", title: "Bad Gateway", status: 502 });
    equal(await seen("GET /api/gateway"), 3, "sent again");
    const stream = streams.ticks({ client: { baseUrl, fetch: () => fetch(`${baseUrl}/api/gateway?status=502`) }, retries: 1 });
    equal((await failureOf(stream)).status, 502, "a stream");
    equal(await seen("GET /api/gateway"), 5, "sent again");
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 100);
    const start = Date.now();
    const aborted = await answers.flaky({ query: { test: "429 wait", times: 9 }, signal: stop.signal });
    equal([!aborted.ok && aborted.status === 0 && aborted.error.reason, Date.now() - start < 5000], ["aborted", true]);
  },

  async network() {
    const closed: Client = { baseUrl: more[0] ?? "" };
    const r = await site.seen({ client: closed, retries: 1 });
    if (r.ok || r.status !== 0) throw new Error(`${r.status}`);
    equal([r.error.reason, r.error.title, typeof r.error.message], ["network", "No Response", "string"]);
    equal((await failureOf(streams.ticks({ client: closed, retries: 0, reconnect: false }))).status, 0);
  },

  async aborts() {
    const late = await answers.slow({ timeout: 200 });
    equal(!late.ok && late.status === 0 && late.error.reason, "timeout");
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 200);
    const aborted = await answers.slow({ signal: controller.signal });
    equal(!aborted.ok && aborted.status === 0 && aborted.error.reason, "aborted");
    const before = await answers.slow({ signal: AbortSignal.abort() });
    equal(!before.ok && before.status === 0 && before.error.reason, "aborted");
    const stop = new AbortController();
    const failure = failureOf(
      (async function* () {
        for await (const tick of streams.ticks({ query: { last: 10_000 }, signal: stop.signal })) {
          if (tick.number === 3) stop.abort();
          yield tick;
        }
      })(),
    );
    const stopped = await failure;
    equal(stopped.status === 0 && stopped.error.reason, "aborted");
  },

  async retries() {
    const read = await unwrap(answers.flaky({ query: { test: "read", times: 2 } }));
    equal(read.number, 3, "the third request");
    const limited = await unwrap(answers.flaky({ query: { test: "429 short", times: 1 } }));
    equal(limited.number, 2);
    const long = await answers.flaky({ query: { test: "429 long", times: 1 } });
    equal(long.status, 429, "a minute is too long to wait");
    const often = await answers.flaky({ query: { test: "often", times: 9 } });
    equal(often.status, 503);
    const write = await answers.flakyWrite({ query: { test: "write", times: 1 } });
    equal(write.status, 503, "a write without a key is sent once");
    equal(await seen("POST /api/flaky"), 1);
    const client: Client = { baseUrl, auth: apiKey("right") };
    const keyed = await answers.order({ client, body: { name: "tea" } });
    equal([keyed.status, await seen("POST /api/orders")], [201, 3], "a write with a key is sent again");
    const own = { client, body: { name: "own" }, headers: { "Idempotency-Key": "0123456789-0123456789-01" } };
    const first = await unwrap(answers.order(own));
    equal((await unwrap(answers.order(own))).id, first.id, "the same key");
  },

  async keys() {
    equal((await site.robot()).status, 401);
    equal((await unwrap(site.robot({ client: { baseUrl, auth: apiKey("right") } }))).name, "robot");
  },

  async sessions() {
    const { fetch, cookies } = browserLike();
    const token = () => cookies.get("csrftoken");
    const plain: Client = { baseUrl, fetch, auth: session({ token }) };
    await unwrap(site.signIn({ client: plain, body: ada }));
    equal((await unwrap(site.me({ client: plain }))).name, "ada");
    equal((await unwrap(site.addNote({ client: plain, body: { name: "a" } }))).name, "a");
    // Another tab has signed in again: the token of this one is old.
    let held = "x".repeat(32);
    const client: Client = { baseUrl, fetch, auth: session({ token: () => held }) };
    const refused = await site.addNote({ client, body: { name: "b" } });
    equal([refused.status, await seen("POST /api/notes")], [403, 2], "no other token");
    const sign = session({ token: () => held });
    const renewing: Client = {
      baseUrl,
      fetch,
      auth: {
        sign: sign.sign,
        renew: (response, sent) => {
          held = token() ?? "";
          return sign.renew?.(response, sent) ?? Promise.resolve(false);
        },
      },
    };
    // A page that Node has rendered has no cookie yet: it is fetched before the first write, which is then sent once.
    let asked = 0;
    const { fetch: own } = globalThis;
    globalThis.fetch = (input, init) => {
      asked += input === "/token" ? 1 : 0;
      held = token() ?? "";
      return input === "/token" ? Promise.resolve(new Response()) : own(input, init);
    };
    held = "";
    const first: Client = { baseUrl, fetch, auth: session({ token: () => held, renewUrl: "/token" }) };
    equal((await site.addNote({ client: first, body: { name: "d" } })).status, 201);
    equal([asked, await seen("POST /api/notes")], [1, 3], "one request for the token, and one that writes");
    globalThis.fetch = own;
    held = "y".repeat(32);
    equal((await site.addNote({ client: renewing, body: { name: "c" } })).status, 201);
    equal(await seen("POST /api/notes"), 5, "once more with the fresh token");
  },

  async servers() {
    const { fetch, cookies } = browserLike();
    const token = () => cookies.get("csrftoken");
    await unwrap(site.signIn({ client: { baseUrl, fetch, auth: session({ token }) }, body: ada }));
    const header = [...cookies].map((pair) => pair.join("=")).join("; ");
    const client = server({ baseUrl, cookies: header, headers: { "X-Agent": "front" } });
    equal((await unwrap(site.me({ client }))).name, "ada");
    equal((await site.addNote({ client, body: { name: "ssr" } })).status, 201);
    equal((await unwrap(site.echo({ client, path: { word: "a" } }))).agent, "front");
    // All that Django may read of the visitor's request; its own headers win.
    const visitor = new Headers({
      Cookie: header,
      Host: "shop.example",
      "Accept-Language": "de",
      "X-Request-ID": "of-the-page",
      Origin: "https://evil.example",
      "Content-Length": "7",
      Authorization: "Bearer of-another",
    });
    const sent = (client: Client) => {
      let found = new Headers();
      const fetch: typeof globalThis.fetch = (input, init) => {
        found = new Headers(init?.headers);
        return globalThis.fetch(input, init);
      };
      return site.addNote({ client: { ...client, fetch }, body: { name: "ssr" } }).then((r) => [r, found] as const);
    };
    const [forged, all] = await sent(server({ baseUrl, visitor, headers: { "Accept-Language": "fr" } }));
    equal(forged.status, 403, "the Origin of the visitor");
    equal(
      ["Accept-Language", "X-Request-ID", "X-Forwarded-Host", "Authorization"].map((name) => all.get(name)),
      ["fr", "of-the-page", "shop.example", null],
    );
    visitor.delete("Origin");
    visitor.set("X-Forwarded-Host", "shop.example:8443");
    const [written, forwarded] = await sent(server({ baseUrl, visitor }));
    equal([written.status, forwarded.get("X-Forwarded-Host")], [201, "shop.example:8443"]);
    equal((await site.me({ client: server({ baseUrl, visitor: new Headers() }) })).status, 401);
    // Two visitors at once: nothing is shared.
    const [one, two] = await Promise.all([
      site.me({ client }),
      site.me({ client: server({ baseUrl, cookies: null }) }),
    ]);
    equal([one.status, two.status], [200, 401]);
  },

  async tokens() {
    const pair = await unwrap(site.getTokens({ body: ada }));
    let access = "expired";
    let refreshed = 0;
    const auth = bearer(
      () => access,
      async () => {
        refreshed++;
        const answer = await fetch(`${baseUrl}/api/tokens/refresh`, {
          method: "POST",
          headers: { "Content-Type": "application/json" },
          body: JSON.stringify({ refresh_token: pair.refresh_token }),
        });
        if (!answer.ok) return false;
        access = ((await answer.json()) as { access_token: string }).access_token;
        return true;
      },
    );
    const client: Client = { baseUrl, auth };
    const all = await Promise.all(Array.from({ length: 8 }, () => site.secret({ client })));
    equal(
      all.map((each) => each.status),
      Array.from({ length: 8 }, () => 200),
    );
    equal([refreshed, await seen("POST /api/tokens/refresh")], [1, 1], "refreshes");
    equal(await seen("GET /api/secret"), 16, "each once more");
    const ended = bearer(
      () => "expired",
      async () => {
        throw new Error("signed out");
      },
    );
    equal((await site.secret({ client: { baseUrl, auth: ended } })).status, 401);
  },

  async uploads() {
    const file = new File(["x".repeat(5000)], "notes.txt", { type: "text/plain" });
    const sent: number[] = [];
    const r = await unwrap(
      files.upload({
        body: { file, title: "Notes", tags: ["a", "b"] },
        // Node has no XMLHttpRequest: the upload works without progress.
        onUploadProgress: (count) => sent.push(count),
      }),
    );
    equal(r, { size: 5000, title: "Notes", tags: ["a", "b"], name: "notes.txt" });
    equal(sent, []);
    const form = new FormData();
    form.set("file", file);
    form.set("title", "By hand");
    equal((await unwrap(files.upload({ body: form }))).title, "By hand");
    const fields = await unwrap(files.sendForm({ body: { title: "a&b", tags: ["c", "d"] } }));
    equal(fields, { title: "a&b", tags: ["c", "d"] });
  },

  async pages() {
    const names = Array.from({ length: 10 }, (_, at) => `page ${at + 1}`);
    const read = async (rows: AsyncIterable<{ name: string }>) => (await collect(rows)).map((row) => row.name);
    equal(await read(lists.listByOffsetPages({ query: { limit: 4 } })), names, "by offset");
    equal(await seen("GET /api/offset"), 3, "requests");
    equal(await read(lists.listByOffsetPages({ query: { limit: 4, offset: 5 } })), names.slice(5), "from an offset");
    equal(await read(lists.listByNumberPages()), names, "by number");
    equal(await seen("GET /api/numbered"), 4, "requests");
    equal(await read(lists.listByNumberPages({ query: { page: 3 } })), names.slice(6), "from a page");
    equal(await read(lists.listByLinksPages({ query: { page_size: 5 } })), names, "by links");
    equal(await seen("GET /api/linked"), 2, "requests");
    equal(await read(lists.listByCursorPages()), names, "by cursor");
    equal(await seen("GET /api/cursor"), 4, "requests");
    equal((await failureOf(lists.listByOffsetPages({ query: { limit: 0 } }))).status, 422);
    // A loop that ends early sends no further request.
    for await (const row of lists.listByNumberPages()) if (row.name === "page 2") break;
    equal(await seen("GET /api/numbered"), 7, "requests");
  },

  async streams() {
    equal((await collect(streams.plainTicks())).map((tick) => tick.number), [1, 2, 3]);
    const events = await collect(streams.ticks.events({ query: { last: 2 } }));
    equal(events, [
      { data: { number: 1 }, event: "tick", id: "1" },
      { data: { number: 2 }, event: "tick", id: "2" },
    ]);
    equal((await collect(streams.lines({ query: { count: 3 } }))).length, 3);
    for (const failing of [streams.failingTicks(), streams.lines({ query: { count: 2, fails: true } })]) {
      const failure = await failureOf(failing);
      equal([failure.ok, failure.status >= 500], [false, true], "the end of a stream that fails");
    }
    equal((await failureOf(streams.closedTicks())).status, 401);
    const open = streams.closedTicks({ client: { baseUrl, auth: apiKey("right") } });
    equal((await collect(open)).length, 1);
    equal((await failureOf(streams.lines({ query: { count: "x" as unknown as number } }))).status, 422);
    let again = 0;
    for await (const tick of streams.ticks({ query: { last: 2 }, reconnect: true })) {
      // The server has ended the stream, and has nothing after the last id.
      if (tick.number === 2) break;
      again++;
    }
    equal(again, 1);
  },

  /** The test kills the server after the third event, and starts it again. */
  async reconnects() {
    const numbers: number[] = [];
    for await (const tick of streams.ticks({ query: { last: 40 } })) {
      numbers.push(tick.number);
      console.log(tick.number);
    }
    equal(
      numbers,
      Array.from({ length: 40 }, (_, at) => at + 1),
      "each event once",
    );
  },
};

configure({ baseUrl });
await unwrap(site.reset());
const scenario = scenarios[wanted];
if (!scenario) throw new Error(`no scenario ${wanted}`);
scenario().then(
  () => console.log("passed"),
  (error: unknown) => {
    console.log(error instanceof CallError ? [error.message, error.result] : error);
    process.exitCode = 1;
  },
);
