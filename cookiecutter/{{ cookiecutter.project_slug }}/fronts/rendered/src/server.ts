// What the server of the pages asks Django for, as the visitor who opens one. Not for browsers.
import { itemsList, itemsRead, meRead } from "./api/api";
import { type Client, server, unwrap } from "./api/client";

/** A client for one request. Django sees the visitor's session, language and host; nothing is kept for the next one. */
export function clientOf(headers: Headers): Client {
  const baseUrl = process.env.MATT_SPA_BACKEND ?? "http://127.0.0.1:8000";
  return server({ baseUrl, visitor: headers, timeout: 10_000, retries: 1 });
}

/** Pages depend on who asks: no cache may keep them. */
export const CACHE_CONTROL = "private, no-store";

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

/** A page of items, and how many pages there are. Throws a `CallError`. */
export async function readItems(client: Client, { search, page }: ReturnType<typeof askedFor>) {
  const query = { search, limit: SIZE, offset: (page - 1) * SIZE };
  const { items, count } = await unwrap(itemsList({ client, query }));
  return { items, count, pages: Math.max(1, Math.ceil(count / SIZE)) };
}

/** One item; null if there is none. Throws a `CallError`. */
export async function readItem(client: Client, id: string) {
  const item_id = Number(id);
  if (!Number.isSafeInteger(item_id) || item_id < 1) return null;
  const result = await itemsRead({ client, path: { item_id } });
  return !result.ok && result.status === 404 ? null : unwrap(result);
}
