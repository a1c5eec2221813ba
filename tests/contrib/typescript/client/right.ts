// Uses of the shop's client that must compile, with the types that they must have.
import createFetchClient from "openapi-fetch";
import {
  auth,
  categories,
  orders,
  products,
  productsCreate,
  productsPages,
  reports,
  reviews,
} from "./api";
import { apiKey, bearer, CallError, configure, type Data, server, session, unwrap } from "./client";
import type { components, operations, paths } from "./schema";

type S = components["schemas"];
type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
declare function is<T extends true>(): T;

configure({ auth: bearer(() => "token", async () => true), timeout: 5_000 });
configure({ auth: session({ renewUrl: "/api/csrf" }) });
configure({ auth: apiKey("key") });

export async function results() {
  const r = await products.create({ body: { category_id: 1, sku: "a", name: "n", price: "1.00" } });
  if (r.ok) {
    is<Equal<typeof r.status, 201>>();
    is<Equal<typeof r.data, S["ProductDetail"]>>();
    return r.data.id;
  }
  if (r.status === 422) {
    is<Equal<typeof r.error, S["ValidationProblem"]>>();
    return r.error.errors?.[0]?.pointer;
  }
  if (r.status === 0) {
    is<Equal<typeof r.error.reason, "network" | "timeout" | "aborted" | "unexpected">>();
    return r.error.message;
  }
  if (r.status === 409) {
    is<Equal<typeof r.error, S["Problem"]>>();
    return r.error.code;
  }
  // Of every other error, documented or not, this much is known.
  return `${r.status} ${r.error.title} ${r.error.detail ?? ""}`;
}

export async function calls() {
  const login = await auth.login({ body: { username: "ada", password: "demo-demo" } });
  if (!login.ok && login.status === 401) {
    // The view may return its own schema, or raise an exception, which is a problem document.
    is<Equal<typeof login.error, S["Refusal"] | import("./client").Problem>>();
  }
  await categories.list();
  await categories.list({ signal: new AbortController().signal, timeout: 100, retries: 0 });
  const deleted = await categories.delete({ path: { category_id: 1 } });
  if (deleted.ok) is<Equal<typeof deleted.data, undefined>>();
  await products.change({ path: { product_id: 1 }, body: {} });
  await products.list({ query: { search: "lamp", in_stock: true, page: 2 }, headers: { "X-Request-ID": "a" } });
  await products.uploadImage({
    path: { product_id: 1 },
    body: { image: new Blob(["a"]) },
    onUploadProgress: (sent, total) => console.log(sent, total),
  });
  await products.uploadImage({ path: { product_id: 1 }, body: new FormData() });
  const client = server({ baseUrl: "http://django:8000", cookies: null, headers: { "Accept-Language": "de" } });
  const order = await unwrap(orders.get({ client, path: { order_id: 1 } }));
  is<Equal<typeof order.status, S["OrderOut"]["status"]>>();
  is<Equal<Data<operations["login"]>, S["Token"]>>();
  const alone = await productsCreate({ body: { category_id: 1, sku: "a", name: "n", price: 1 } });
  return alone.ok;
}

export async function iterators() {
  for await (const product of products.pages({ query: { search: "lamp" } })) is<Equal<typeof product, S["ProductOut"]>>();
  for await (const product of productsPages()) is<Equal<typeof product.id, number>>();
  for await (const product of products.feedPages({ query: { limit: 10 } })) is<Equal<typeof product, S["ProductOut"]>>();
  for await (const review of reviews.pages({ path: { product_id: 1 } })) is<Equal<typeof review, S["ReviewOut"]>>();
  for await (const row of reports.watchRatings({ query: { times: 3 }, reconnect: true }))
    is<Equal<typeof row, S["RatingRow"]>>();
  for await (const event of reports.watchRatings.events()) is<Equal<typeof event.data, S["RatingRow"]>>();
  for await (const row of products.export()) is<Equal<typeof row, S["StockRow"]>>();
}

export function failures(error: unknown) {
  if (error instanceof CallError && error.result.status === 404) return error.result.error.detail;
  return undefined;
}

export async function openapiFetch() {
  const client = createFetchClient<paths>({ baseUrl: "/" });
  const { data, error } = await client.GET("/api/products/{product_id}", { params: { path: { product_id: 1 } } });
  if (data) is<Equal<typeof data.name, string>>();
  const made = await client.POST("/api/categories", { body: { name: "Garden", slug: "garden" } });
  return error ?? made.data?.id;
}
