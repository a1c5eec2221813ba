// What the server of the pages asks Django for, as the visitor who opens one. Not for browsers.
import { itemsList, itemsRead, meRead } from "./api/api";
import { CallError, type Client, server, unwrap } from "./api/client";
import type { ItemOut } from "./api/schema";
import { sentenceOf } from "./errors";

/** A client for one request. Django sees the visitor's session, language and host; nothing is kept for the next one. */
export function clientOf(headers: Headers): Client {
  const baseUrl = process.env.MATT_SPA_BACKEND ?? "http://127.0.0.1:8000";
  return server({ baseUrl, visitor: headers, timeout: 10_000, retries: 1 });
}

/** The headers of every page. It depends on who asks, so no cache may keep it. */
export const HEADERS = {
  "Cache-Control": "private, no-store",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Referrer-Policy": "same-origin",
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
};

/** Whether Django gave no answer that a page can show: it is down, too slow, or has failed. */
export const isUnavailable = (error: unknown): error is CallError =>
  error instanceof CallError && (error.result.status === 0 || error.result.status >= 500);

/** The user who has signed in; null for a visitor, whose page asks Django for none. Throws a `CallError`. */
export async function readUser(client: Client) {
  if (!/(?:^|; *)sessionid=/.test(client.headers?.Cookie ?? "")) return null;
  const result = await meRead({ client });
  return !result.ok && result.status === 401 ? null : unwrap(result);
}

export const SIZE = 10;

/** What a list shows: the search and the page are in the URL, so links and the back button show the same. */
export function askedFor(query: URLSearchParams) {
  const page = Math.floor(Number(query.get("page")));
  // The API accepts offsets up to ten million.
  return { search: query.get("search") ?? "", page: page >= 1 && page <= 1_000_000 ? page : 1 };
}

/** A page of items, and how many pages there are; or why the API refuses the search. Throws a `CallError` without an answer. */
export async function readItems(client: Client, { search, page }: ReturnType<typeof askedFor>) {
  const query = { search, limit: SIZE, offset: (page - 1) * SIZE };
  const result = await itemsList({ client, query });
  if (!result.ok && result.status >= 400 && result.status < 500) {
    const none: ItemOut[] = [];
    return {
      items: none,
      count: 0,
      pages: 1,
      refusal: sentenceOf(result.error),
      status: result.status,
    };
  }
  const { items, count } = await unwrap(result);
  return { items, count, pages: Math.max(1, Math.ceil(count / SIZE)), refusal: "", status: 200 };
}

/** One item; null if there is none. Throws a `CallError`. */
export async function readItem(client: Client, id: string) {
  const item_id = Number(id);
  if (!Number.isSafeInteger(item_id) || item_id < 1) return null;
  const result = await itemsRead({ client, path: { item_id } });
  return !result.ok && result.status === 404 ? null : unwrap(result);
}
