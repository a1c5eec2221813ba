// Operations that stream: server-sent events and JSON Lines as async iterables.
import {
  type Args,
  answerOf,
  broken,
  CallError,
  type Content,
  type Details,
  type Documented,
  GATEWAY,
  isObject,
  type Loose,
  type Problem,
  prepare,
  type Responses,
  type Route,
  refuse,
  type SuccessStatus,
  sleep,
  unanswered,
} from "./client";

export interface StreamOptions {
  /** `false` never connects again; `true` also does so after the server has ended the stream. By default, a broken
   *  connection is replaced if it sent an event with an id, or no event at all. */
  reconnect?: boolean;
}

type Streamed<C> = C extends { "text/event-stream": { data: infer T } } ? T : C[keyof C];
/** An item of a stream. */
export type Item<O> = Documented<O> & SuccessStatus extends infer S
  ? S extends keyof Responses<O>
    ? Streamed<Content<Responses<O>[S]>>
    : never
  : never;
export interface ServerEvent<T> {
  data: T;
  event: string;
  id: string | undefined;
}
export interface Stream<O> {
  (...args: Args<O, StreamOptions>): AsyncGenerator<Item<O>, void, undefined>;
  /** The same with the name and the id of each server-sent event. */
  events(...args: Args<O, StreamOptions>): AsyncGenerator<ServerEvent<Item<O>>, void, undefined>;
}

async function* linesOf(response: Response): AsyncGenerator<string> {
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  try {
    while (reader) {
      const { done, value } = await reader.read();
      rest += decoder.decode(value, { stream: !done });
      // A CR at the end may be the first half of a CRLF.
      const lines = rest.split(done ? /\r\n|\n|\r/ : /\r\n|\n|\r(?!$)/);
      rest = done ? "" : (lines.pop() ?? "");
      yield* lines;
      if (done) return;
    }
  } finally {
    reader?.cancel().catch(() => undefined);
  }
}

const isProblem = (value: unknown): value is Problem =>
  isObject(value) && "title" in value && "request_id" in value && Number((value as { status?: unknown }).status) >= 400;

async function* eventsOf(response: Response, reconnection: { pause: number }): AsyncGenerator<ServerEvent<string>> {
  let data: string[] = [];
  let event = "message";
  let id: string | undefined;
  for await (const line of linesOf(response)) {
    const [, field, value = ""] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
    if (field === "data") data.push(value);
    else if (field === "event") event = value;
    else if (field === "id") id = value;
    else if (field === "retry") reconnection.pause = Number(value) || reconnection.pause;
    else if (line === "") {
      if (data.length) yield { data: data.join("\n"), event, id };
      data = [];
      event = "message";
    }
  }
}

async function* itemsOf(response: Response): AsyncGenerator<ServerEvent<string>> {
  for await (const data of linesOf(response)) if (data) yield { data, event: "message", id: undefined };
}

/** Make the function that iterates over a stream: server-sent events, or JSON Lines. */
export function stream<O>(method: string, path: string, type: string, details: Details = {}): Stream<O> {
  const route: Route = { method, path, ...details };
  const isEvents = type === "text/event-stream";
  const parse = (line: string, response: Response): unknown => {
    try {
      return JSON.parse(line);
    } catch (error) {
      throw refuse(unanswered(error, "unexpected", response));
    }
  };

  async function* events(options: Loose & StreamOptions = {}): AsyncGenerator<ServerEvent<unknown>> {
    const { signal, reconnect } = options;
    const reconnection = { pause: 1000 };
    let last: string | undefined;
    let connected = false;
    let received = false;
    for (let failures = 0; ; failures++) {
      let failure: unknown;
      const headers = { ...options.headers, ...(last !== undefined && { "Last-Event-ID": last }) };
      const request = prepare(route, { ...options, headers }, type);
      try {
        const response = await request(signal);
        if (response.status === 204) return;
        if (!response.ok || !response.headers.get("Content-Type")?.startsWith(type)) {
          const refusal = refuse(await answerOf({ ...route, answers: {} }, response));
          // The proxy in front of a server that restarts.
          if (!connected || !GATEWAY.includes(response.status)) throw refusal;
          failure = refusal;
        } else {
          connected = true;
          for await (const event of isEvents ? eventsOf(response, reconnection) : itemsOf(response)) {
            const data = parse(event.data, response);
            if ((!isEvents || event.event === "error") && isProblem(data))
              throw refuse({ ok: false, status: data.status, error: data, response });
            failures = 0;
            received = true;
            last = event.id ?? last;
            yield { ...event, data };
          }
          if (!isEvents || !reconnect) return;
        }
      } catch (error) {
        if (error instanceof CallError) throw error;
        failure = error;
      }
      const again = isEvents && (reconnect ?? (connected && (last !== undefined || !received)));
      if (failure && (!again || signal?.aborted || failures >= 9))
        throw failure instanceof CallError ? failure : refuse(broken(failure, signal));
      await sleep(Math.min(reconnection.pause * 2 ** failures, 30_000), signal);
    }
  }
  async function* items(options?: Loose & StreamOptions): AsyncGenerator<unknown> {
    for await (const event of events(options)) yield event.data;
  }
  return Object.assign(items, { events }) as unknown as Stream<O>;
}
