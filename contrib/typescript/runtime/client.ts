// The client that api.ts calls: what is sent, what comes back, and the types of both. It has no dependency.

/** An error as RFC 9457 describes it. The type of a documented error has more members. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail?: string;
  code?: string;
  request_id?: string;
}

/** The error of a call without a usable response. Its status is 0. */
export interface Unanswered extends Problem {
  status: 0;
  message: string;
  /** `unexpected`: the response is not what the API documents, such as an HTML page of a proxy. */
  reason: "network" | "timeout" | "aborted" | "unexpected";
  cause?: unknown;
}

export type SuccessStatus = 200 | 201 | 202 | 203 | 204 | 205 | 206 | 207 | 208 | 226;
type ErrorStatus =
  | (400 | 401 | 402 | 403 | 404 | 405 | 406 | 407 | 408 | 409 | 410 | 411 | 412 | 413 | 414 | 415)
  | (416 | 417 | 418 | 421 | 422 | 423 | 424 | 425 | 426 | 428 | 429 | 431 | 451 | 499)
  | (500 | 501 | 502 | 503 | 504 | 505 | 506 | 507 | 508 | 510 | 511)
  | (520 | 521 | 522 | 523 | 524 | 525 | 526 | 530);

export type Responses<O> = O extends { responses: infer R } ? R : Record<never, never>;
export type Documented<O> = keyof Responses<O> & number;
export type Content<R> = R extends { content: infer C } ? C : undefined;
type SuccessBody<C> = C extends undefined
  ? undefined
  : C extends { "application/json": infer J }
    ? J
    : keyof C extends `text/${string}`
      ? string
      : Blob;
type ErrorBody<C> = C extends { "application/problem+json": infer P }
  ? P
  : C extends { "application/json": infer J }
    ? J | Problem
    : Problem;

export type Success<O> = {
  [S in Documented<O> & SuccessStatus]: {
    ok: true;
    status: S;
    data: S extends 204 | 205 ? undefined : SuccessBody<Content<Responses<O>[S]>>;
    response: Response;
  };
}[Documented<O> & SuccessStatus];

export type Failure<O> =
  | {
      [S in Exclude<Documented<O>, SuccessStatus>]: {
        ok: false;
        status: S;
        error: ErrorBody<Content<Responses<O>[S]>>;
        response: Response;
      };
    }[Exclude<Documented<O>, SuccessStatus>]
  | { ok: false; status: Exclude<ErrorStatus, Documented<O>>; error: Problem; response: Response }
  | { ok: false; status: 0; error: Unanswered; response?: Response };

/** What a call returns. `ok` and `status` tell which type `data` or `error` has. */
export type Result<O> = Success<O> | Failure<O>;
export type Data<O> = Success<O>["data"];

type Parameters<O> = O extends { parameters: infer P } ? P : unknown;
type Sent<O> = O extends { requestBody?: infer B } ? Exclude<B, undefined> : never;
type Encoded<C> = C extends { "application/json": infer J }
  ? J | (C extends { "multipart/form-data": infer F } ? F | FormData : never)
  : C extends { "multipart/form-data": infer F }
    ? F | FormData
    : C extends { "application/x-www-form-urlencoded": infer F }
      ? F | URLSearchParams
      : Blob | string;
type BodyOption<O> = [Sent<O>] extends [never]
  ? { body?: undefined }
  : O extends { requestBody: { content: infer C } }
    ? { body: Encoded<C> }
    : Sent<O> extends { content: infer C }
      ? { body?: Encoded<C> }
      : { body?: undefined };
type Named<O> = Parameters<O> extends { header?: infer H }
  ? [H & object] extends [never]
    ? unknown
    : Omit<H & object, "Idempotency-Key">
  : unknown;
type Headed = Record<string, string | number | boolean | undefined>;
type HeaderOption<O> = Record<never, never> extends Named<O>
  ? { headers?: Partial<Named<O>> & Headed }
  : { headers: Named<O> & Headed };

export interface CallOptions {
  /** Another client than the one of `configure()`, such as that of `server()`. */
  client?: Client;
  signal?: AbortSignal | undefined;
  /** Milliseconds for the whole call, with its retries. A stream has no timeout. */
  timeout?: number;
  retries?: number;
  /** Called while the body is sent. The call then uses XMLHttpRequest, where there is one. */
  onUploadProgress?: (sent: number, total: number | undefined) => void;
}

export type Options<O> = Pick<Parameters<O>, keyof Parameters<O> & ("path" | "query")> &
  BodyOption<O> &
  HeaderOption<O> &
  CallOptions;
type Needed<T> = Record<never, never> extends T ? [options?: T] : [options: T];
export type Args<O, M = unknown> = Needed<Options<O> & M>;

export interface Call<O> {
  (...args: Args<O>): Promise<Result<O>>;
  /** Only a type: the operation that is called. */
  readonly operation?: O;
}
export type Row<O, K extends string> = Data<O> extends infer D
  ? D extends { [N in K]: readonly (infer I)[] }
    ? I
    : never
  : never;
export type Pages<O, K extends string> = (...args: Args<O>) => AsyncGenerator<Row<O, K>, void, undefined>;
/** How a client authenticates. Write your own, or use `session()`, `bearer()` or `apiKey()`. */
export interface Auth {
  /** Add credentials to the headers of a request. */
  sign(headers: Headers, method: string): void | Promise<void>;
  /** Called after an error, such as a 401. If it returns true, the request is signed and sent once more. */
  renew?(response: Response, sent: Headers): Promise<boolean>;
}

export interface Client {
  /** Where the API is: scheme and host, and the path before its own, if it has one. The page's own host by default. */
  baseUrl?: string;
  auth?: Auth;
  headers?: Record<string, string | null | undefined>;
  fetch?: typeof fetch;
  credentials?: RequestCredentials;
  cache?: RequestCache;
  /** How often a safe request, or one with an Idempotency-Key, is sent again: 2 by default. */
  retries?: number;
  /** Milliseconds for each call: 30,000 by default; 0 for no timeout. */
  timeout?: number;
}

/** The error that `pages()`, streams and `unwrap()` throw. `result` is what the call returned. */
export class CallError<F extends { status: number; error: unknown } = Failure<unknown>> extends Error {
  readonly result: F;
  constructor(result: F) {
    const { title, detail } = result.error as Problem;
    super(`${result.status} ${title}${detail ? `: ${detail}` : ""}`);
    this.name = "CallError";
    this.result = result;
  }
}

/** A query as it is sent; a paginator changes one of these. */
export interface Query {
  offset?: unknown;
  page?: unknown;
  cursor?: unknown;
  [name: string]: unknown;
}
export interface Loose extends CallOptions {
  path?: Record<string, unknown>;
  query?: Query;
  headers?: Record<string, unknown>;
  body?: unknown;
}
export type Answer = { ok: boolean; status: number; data?: unknown; error?: unknown; response?: Response };
type Kind = "json" | "text" | "blob" | "none";
export interface Details {
  /** How the body is sent: as JSON if it is absent. */
  body?: "form" | "multipart" | "raw";
  /** What each documented success has as its body: `{ 200: "json" }` if it is absent. */
  answers?: Record<number, Kind>;
  accept?: string;
  /** The operation takes an Idempotency-Key. */
  keyed?: boolean;
}
export interface Route extends Details {
  method: string;
  path: string;
}

const KEY = "Idempotency-Key";
export const GATEWAY = [502, 503, 504];
const JSON_TYPE = /[/+]json\b/i;
const isSafe = (method: string) => /^(GET|HEAD|OPTIONS)$/.test(method);
export const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;

/** Credentials of a session: Django's cookie, and its CSRF token as a header of requests that write.
 *
 *  If there is no token yet, `renewUrl` is fetched before the first request that writes, if it is given. After a 403 because of
 *  the token it is fetched too, and the cookie is read again. If its value has changed, the request is sent once more. `token`
 *  reads the token elsewhere, such as in a `<meta>`. */
export function session(
  options: {
    cookie?: string;
    header?: string;
    token?: () => string | null | undefined;
    renewUrl?: string;
  } = {},
): Auth {
  const header = options.header ?? "X-CSRFToken";
  const read = options.token ?? (() => readCookie(globalThis.document?.cookie ?? "", options.cookie));
  const renew = async () => {
    if (options.renewUrl)
      await fetch(options.renewUrl, { credentials: "include", cache: "no-store" }).catch(() => undefined);
  };
  return {
    async sign(headers, method) {
      if (isSafe(method)) return;
      if (!read()) await renew();
      const token = read();
      if (token) headers.set(header, token);
    },
    async renew(response, sent) {
      if (response.status !== 403 || !/csrf/i.test(await response.clone().text())) return false;
      const unchanged = () => (read() || null) === sent.get(header);
      if (unchanged()) await renew();
      return !unchanged();
    },
  };
}

const readCookie = (cookies: string, name = "csrftoken") => new RegExp(`(?:^|; *)${name}=([^;]*)`).exec(cookies)?.[1];

/** A token as `Authorization: Bearer …`. After a 401, `refresh` is called once for all requests that wait for it.
 *  If it returns something true, they are sent once more, with what `get` returns then. */
export function bearer(
  get: () => string | null | undefined | Promise<string | null | undefined>,
  refresh?: () => Promise<unknown>,
): Auth {
  let running: Promise<unknown> | undefined;
  const value = async () => {
    const token = await get();
    return token ? `Bearer ${token}` : null;
  };
  return {
    async sign(headers) {
      const token = await value();
      if (token) headers.set("Authorization", token);
    },
    async renew(response, sent) {
      if (response.status !== 401 || !refresh) return false;
      const token = await value();
      // Another request has refreshed it in the meantime.
      if (token && token !== sent.get("Authorization")) return true;
      running ??= refresh().finally(() => {
        running = undefined;
      });
      return running.then(Boolean, () => false);
    },
  };
}

/** A key in a header of its own. */
export const apiKey = (key: string, header = "X-API-Key"): Auth => ({
  sign: (headers) => headers.set(header, key),
});

let shared: Client = { auth: session() };

/** Set the client of all calls that name no other. Call it in browsers only: on a server, all requests would share it. */
export function configure(client: Client): void {
  shared = { auth: session(), ...client };
}

/** What Django may read of the visitor's request: who it is, its language and id, and the address that the browser shows. */
const FORWARDED =
  "Cookie Accept-Language User-Agent Origin Referer X-Request-ID X-Forwarded-For X-Forwarded-Proto X-Forwarded-Host";

/** A client for one request that your front end's server handles. It forwards the visitor's cookies and caches nothing.
 *
 *  `visitor` is the headers of that request: its language, id, origin and host are forwarded too. Without it, `cookies` are alone. */
export function server(
  options: Client & { cookies?: string | null; visitor?: { get(name: string): string | null } },
): Client {
  const { cookies, visitor, ...client } = options;
  const headers: NonNullable<Client["headers"]> = {};
  for (const name of visitor ? FORWARDED.split(" ") : []) headers[name] = visitor?.get(name);
  headers["X-Forwarded-Host"] ??= visitor?.get("Host");
  const cookie = cookies ?? visitor?.get("Cookie");
  const auth = session({ token: () => readCookie(cookie ?? "") });
  return { cache: "no-store", auth, ...client, headers: { ...headers, ...client.headers, Cookie: cookie } };
}

/** A value as a parameter or a field has it; an object as JSON, a date as its ISO text. */
const text = (value: unknown) =>
  isObject(value) ? JSON.stringify(value).replace(/^"(.*)"$/, "$1") : String(value);
const each = (values: object = {}): [string, unknown][] =>
  Object.entries(values).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).filter((one) => one != null).map((one): [string, unknown] => [name, one]),
  );

function addressOf(route: Route, options: Loose, client: Client): string {
  const path = route.path.replace(/\{([^}]+)\}/g, (_, name: string) => {
    const value = text(options.path?.[name] ?? "");
    // A URL has no such segment: it would be another route.
    if (/^\.{0,2}$/.test(value)) throw new TypeError(`${route.path}: ${name} is "${value}"`);
    return encodeURIComponent(value);
  });
  const query = new URLSearchParams();
  for (const [name, value] of each(options.query)) query.append(name, text(value));
  const base = client.baseUrl ?? "";
  // Without a scheme, a browser would look for the host in a folder of the page.
  if (!/^($|\/|https?:)/.test(base)) throw new TypeError(`baseUrl "${base}" has no https://`);
  return base.replace(/\/+$/, "") + path + `?${query}`.replace(/^\?$/, "");
}

function bodyOf(route: Route, body: unknown, headers: Headers): BodyInit | null {
  if (body === undefined) return null;
  if (route.body === "raw" || body instanceof FormData || body instanceof URLSearchParams) return body as BodyInit;
  if (!route.body && !(isObject(body) && Object.values(body).flat().some((one) => one instanceof Blob))) {
    headers.set("Content-Type", "application/json");
    return JSON.stringify(body);
  }
  const form = route.body === "form" ? new URLSearchParams() : new FormData();
  // A route that takes JSON too reads an empty text of a form as null, or as an empty list.
  const blank = (value: unknown) => (!route.body && (value === null || (Array.isArray(value) && !value.length)) ? "" : value);
  for (const [name, value] of each(Object.fromEntries(Object.entries(body as object).map(([k, v]) => [k, blank(v)]))))
    (form as FormData).append(name, value instanceof Blob ? value : text(value));
  return form;
}

/** 256 random bits. A page that is not served over TLS has no crypto.randomUUID(). */
const newKey = () => crypto.getRandomValues(new Uint32Array(8)).join("-");

/** Milliseconds until the request may be sent again, or undefined if it must not be. */
function pauseBefore(response: Response | undefined, attempt: number): number | undefined {
  const after = response?.headers.get("Retry-After");
  // An Idempotency-Key whose first request is still being carried out is a 409 with Retry-After.
  if (response && ![429, ...GATEWAY].includes(response.status) && !(response.status === 409 && after)) return;
  const asked = after ? (/^\d+$/.test(after) ? Number(after) * 1000 : Date.parse(after) - Date.now()) : 0;
  return asked > 30_000 ? undefined : Math.max(asked || 0, 300 * 2 ** attempt * (0.5 + Math.random() / 2));
}

export const sleep = (duration: number, signal?: AbortSignal) =>
  new Promise((resolve) => {
    setTimeout(resolve, duration);
    signal?.addEventListener("abort", resolve);
  });

function upload(url: string, init: RequestInit, progress: CallOptions["onUploadProgress"]): Promise<Response> {
  return new Promise((resolve, reject) => {
    init.signal?.throwIfAborted();
    const request = new XMLHttpRequest();
    request.open(String(init.method), url);
    request.responseType = "blob";
    request.withCredentials = init.credentials === "include";
    new Headers(init.headers).forEach((value, name) => {
      request.setRequestHeader(name, value);
    });
    request.upload.onprogress = (event) => progress?.(event.loaded, event.lengthComputable ? event.total : undefined);
    const fail = () => reject(init.signal?.reason ?? new TypeError("Upload failed"));
    request.onerror = fail;
    request.onabort = fail;
    request.onload = () => {
      const headers = new Headers();
      for (const [, name = "", value = ""] of request.getAllResponseHeaders().matchAll(/^(.+?): *(.*?)\r?$/gm))
        headers.append(name, value);
      const { status, statusText, response } = request;
      resolve(new Response([204, 205, 304].includes(status) ? null : response, { status, statusText, headers }));
    };
    init.signal?.addEventListener("abort", () => request.abort());
    request.send(init.body as XMLHttpRequestBodyInit | null);
  });
}

/** Build the request, and return the function that sends it, again if need be. A mistake in the options throws here. */
export function prepare(route: Route, options: Loose, accept: string): (signal?: AbortSignal) => Promise<Response> {
  const client = options.client ?? shared;
  const headers = new Headers({ Accept: `${accept}, application/problem+json` });
  for (const [name, value] of each({ ...client.headers, ...options.headers })) headers.set(name, text(value));
  const body = bodyOf(route, options.body, headers);
  const url = addressOf(route, options, client);
  if (route.keyed && !headers.has(KEY)) headers.set(KEY, newKey());
  return (signal) => send({ ...client, ...options, client }, route.method, url, headers, body, signal);
}

async function send(
  { client = {}, retries = 2, onUploadProgress }: Loose,
  method: string,
  url: string,
  headers: Headers,
  body: BodyInit | null,
  signal?: AbortSignal,
): Promise<Response> {
  const { auth, cache, credentials = "same-origin" } = client;
  const repeatable = isSafe(method) || headers.has(KEY);
  let renewed = false;
  for (let attempt = 0; ; ) {
    const sent = new Headers(headers);
    await auth?.sign(sent, method);
    const init: RequestInit = { method, headers: sent, body, credentials, signal: signal ?? null };
    if (cache) init.cache = cache;
    let response: Response | undefined;
    let failure: unknown;
    try {
      const asked = onUploadProgress && typeof XMLHttpRequest !== "undefined";
      response = await (asked ? upload(url, init, onUploadProgress) : (client.fetch ?? fetch)(url, init));
    } catch (error) {
      failure = error;
    }
    const again = response && !response.ok && !renewed && (await auth?.renew?.(response, sent));
    const pause = repeatable && attempt < retries && !signal?.aborted ? pauseBefore(response, attempt) : undefined;
    if (!again && pause === undefined) {
      if (response) return response;
      throw failure;
    }
    response?.body?.cancel().catch(() => undefined);
    if (again) renewed = true;
    else {
      attempt++;
      await sleep(pause ?? 0, signal);
    }
  }
}

export function unanswered(cause: unknown, reason: Unanswered["reason"], response?: Response): Answer {
  const message = cause instanceof Error ? cause.message : String(cause);
  const error: Unanswered = { type: "about:blank", title: "No Response", status: 0, detail: message, message, reason, cause };
  return { ok: false, status: 0, error, ...(response && { response }) };
}

export function broken(cause: unknown, signal: AbortSignal | undefined): Answer {
  const late = (signal?.reason as Error | undefined)?.name === "TimeoutError";
  return unanswered(cause, signal?.aborted ? (late ? "timeout" : "aborted") : "network");
}

export async function answerOf(route: Route, response: Response): Promise<Answer> {
  const { ok, status, statusText } = response;
  const kind = (route.answers ?? { 200: "json" })[status];
  const success = (data?: unknown): Answer => ({ ok, status, data, response });
  if (ok && kind === "blob") return success(await response.blob());
  const body = await response.text();
  if (ok && kind === "none") return success();
  if (ok && kind === "text") return success(body);
  let value: unknown;
  try {
    if (JSON_TYPE.test(response.headers.get("Content-Type") ?? "")) value = JSON.parse(body);
  } catch {
    // As a body that is not JSON.
  }
  if (!ok) {
    const error = isObject(value) ? value : { type: "about:blank", title: statusText || `HTTP ${status}`, status };
    return { ok, status, error, response };
  }
  if (kind && value !== undefined) return success(value);
  const what = kind ? "without JSON" : "is not documented";
  return unanswered(`${route.path}: ${status} ${what}`, "unexpected", response);
}

const limitOf = ({ signal, timeout, client = shared }: Loose) => {
  const most = timeout ?? client.timeout ?? 30_000;
  const signals = [signal, most ? AbortSignal.timeout(most) : undefined];
  return AbortSignal.any(signals.filter((one) => one !== undefined));
};

/** Make the function that calls an operation. */
export function call<O>(method: string, path: string, details: Details = {}): Call<O> {
  const route: Route = { method, path, ...details };
  const run = async (options: Loose = {}): Promise<Answer> => {
    const request = prepare(route, options, details.accept ?? "application/json");
    const signal = limitOf(options);
    try {
      return await answerOf(route, await request(signal));
    } catch (error) {
      return broken(error, signal);
    }
  };
  return run as unknown as Call<O>;
}

export const refuse = (answer: Answer) => new CallError(answer as Failure<unknown>);

/** Return the data of a call, or throw its failure as a `CallError`. */
export async function unwrap<R extends { ok: boolean; status: number }>(
  result: R | Promise<R>,
): Promise<Extract<R, { ok: true; data: unknown }>["data"]> {
  const answer = (await result) as unknown as Answer;
  if (!answer.ok) throw refuse(answer);
  return answer.data as Extract<R, { ok: true; data: unknown }>["data"];
}

export type Paging = "offset" | "page" | "cursor";

/** Return the query of the page after this one, which has `size` rows; undefined after the last. `seen` counts all rows. */
export function nextQuery(
  paging: Paging,
  size: number,
  query: Query,
  page: { next?: unknown; count?: unknown },
  seen: number,
): Query | undefined {
  const { next, count } = page;
  if (!size || next === null || (next === undefined && seen >= Number(count))) return;
  if (paging === "offset") return { ...query, offset: Number(query.offset ?? 0) + size };
  if (paging === "page") return { ...query, page: Number(query.page ?? 1) + 1 };
  return { ...query, cursor: new URL(String(next), "http://any").searchParams.get("cursor") };
}

/** Make the function that iterates over the rows of all pages. */
export function pages<O, K extends string>(list: Call<O>, paging: Paging, rows: K): Pages<O, K> {
  async function* iterate(options: Loose = {}): AsyncGenerator<unknown> {
    let query: Query | undefined = { ...options.query };
    // What is before the first page that is asked for counts as seen.
    for (let seen = Number(query.offset ?? 0), first = true; query; first = false) {
      const answer = (await (list as (options: Loose) => Promise<unknown>)({ ...options, query })) as Answer;
      // Rows were deleted meanwhile, and with them the last page.
      if (!first && answer.status === 404) return;
      const page = (await unwrap(answer)) as { [name: string]: unknown[] };
      const found = page[rows] ?? [];
      if (first && paging === "page") seen = (Number(query.page ?? 1) - 1) * found.length;
      seen += found.length;
      yield* found;
      query = nextQuery(paging, found.length, query, page, seen);
    }
  }
  return iterate as unknown as Pages<O, K>;
}
