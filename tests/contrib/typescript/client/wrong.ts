// Wrong uses of the shop's client. Each must be an error, on the line below its comment.
import { auth, categories, mistake, orders, products, reports, reviews } from "./api";
import { apiKey, bearer, CallError, configure, server, session, unwrap } from "./client";

const product = { category_id: 1, sku: "a", name: "n", price: "1.00" };

export async function bodies() {
  // @ts-expect-error a body is needed
  await products.create();
  // @ts-expect-error a body is needed here too
  await products.create({});
  // @ts-expect-error a required field is missing
  await products.create({ body: { category_id: 1, sku: "a", name: "n" } });
  // @ts-expect-error no such field
  await products.create({ body: { ...product, colour: "red" } });
  // @ts-expect-error a text is no number
  await products.create({ body: { ...product, category_id: "1" } });
  // @ts-expect-error this column takes no null
  await products.change({ path: { product_id: 1 }, body: { name: null } });
  // @ts-expect-error not a field of a category
  await categories.create({ body: { name: "a", slug: "b", price: 1 } });
  // @ts-expect-error a list is wanted
  await products.countStock({ body: { sku: "a", stock: 1 } });
  // @ts-expect-error an item lacks its stock
  await products.countStock({ body: [{ sku: "a" }] });
  // @ts-expect-error a nested field is misspelled
  await orders.create({ body: { lines: [{ product_id: 1, quantiti: 2 }] } });
  // @ts-expect-error a file is no text
  await products.uploadImage({ path: { product_id: 1 }, body: { image: "picture.png" } });
  // @ts-expect-error the file is missing
  await products.uploadImage({ path: { product_id: 1 }, body: {} });
  // @ts-expect-error this operation has no body
  await categories.delete({ path: { category_id: 1 }, body: {} });
  // @ts-expect-error a JSON body is no form
  await categories.create({ body: new FormData() });
}

export async function parameters() {
  // @ts-expect-error a path parameter is needed
  await products.get();
  // @ts-expect-error in an object of its own
  await products.get({ product_id: 1 });
  // @ts-expect-error another path's parameter
  await products.get({ path: { category_id: 1 } });
  // @ts-expect-error a number is wanted
  await products.get({ path: { product_id: "1" } });
  // @ts-expect-error no such query parameter
  await products.list({ query: { serch: "lamp" } });
  // @ts-expect-error a boolean is wanted
  await products.list({ query: { in_stock: "yes" } });
  // @ts-expect-error this operation has no query
  await categories.list({ query: { search: "a" } });
  // @ts-expect-error this operation has no path parameters
  await categories.list({ path: { category_id: 1 } });
  // @ts-expect-error a misspelled option
  await categories.list({ timeOut: 100 });
  // @ts-expect-error milliseconds are a number
  await categories.list({ timeout: "1s" });
  // @ts-expect-error a header is no object
  await categories.list({ headers: { "X-Request-ID": {} } });
  // @ts-expect-error only a stream connects again
  await categories.list({ reconnect: true });
  // @ts-expect-error no such verb
  await products.purge();
  // @ts-expect-error an operation without pages
  categories.pages();
  // @ts-expect-error the path of the list is needed for its pages too
  reviews.pages();
}

export async function results() {
  const r = await products.get({ path: { product_id: 1 } });
  // @ts-expect-error not before `ok` was checked
  r.data;
  // @ts-expect-error nor the error
  r.error;
  if (r.ok) {
    // @ts-expect-error no such field
    r.data.colour;
    // @ts-expect-error a price is text
    r.data.price.toFixed(2);
    // @ts-expect-error may be null
    r.data.weight.toFixed(2);
    // @ts-expect-error a success has no error
    r.error;
    // @ts-expect-error this status is not documented
    if (r.status === 201) return;
  } else {
    // @ts-expect-error a failure has no data
    r.data;
    // @ts-expect-error only that of a call without a response
    r.error.message;
    // @ts-expect-error a success
    if (r.status === 200) return;
    if (r.status === 404) {
      // @ts-expect-error only those of a 422
      r.error.errors;
    }
    if (r.status === 422) {
      // @ts-expect-error may be left out
      r.error.errors[0];
      // @ts-expect-error a pointer is text
      r.error.errors?.[0]?.pointer.line;
    }
    if (r.status === 0) {
      // @ts-expect-error no such reason
      if (r.error.reason === "slow") return;
    }
    // @ts-expect-error no status of HTTP
    if (r.status === 600) return;
  }
  const order = await unwrap(orders.get({ path: { order_id: 1 } }));
  // @ts-expect-error not one of the choices
  if (order.status === "lost") return;
  // @ts-expect-error a list
  order.lines.product;
  const deleted = await categories.delete({ path: { category_id: 1 } });
  // @ts-expect-error a 204 has no body
  if (deleted.ok) deleted.data.id;
}

export async function streams() {
  // @ts-expect-error a number is wanted
  reports.watchRatings({ query: { times: "3" } });
  // @ts-expect-error a stream is no promise
  (await reports.watchRatings()).ok;
  // @ts-expect-error no such field of an item
  for await (const row of reports.watchRatings()) row.stars;
  // @ts-expect-error no such field of a row
  for await (const row of products.export()) row.colour;
  // @ts-expect-error JSON lines are not JSON
  (await products.export()).data;
}

export async function clients() {
  // @ts-expect-error no such option
  configure({ base: "/" });
  // @ts-expect-error a function that returns the token
  configure({ auth: bearer("token") });
  // @ts-expect-error not an Auth
  configure({ auth: "token" });
  // @ts-expect-error a key is text
  apiKey(1);
  // @ts-expect-error no such option of a session
  session({ cookies: "a" });
  // @ts-expect-error cookies as the text of a header
  server({ cookies: { sessionid: "a" } });
  // @ts-expect-error the headers of the visitor's request, not the request
  server({ visitor: new Request("/") });
  // @ts-expect-error headers that are chosen, not all of the visitor's
  server({ headers: new Headers() });
  // @ts-expect-error the credentials are not those of this API
  await auth.login({ body: { email: "a", password: "b" } });
  // @ts-expect-error a number is no status text
  const status: string = (await mistake.oops()).status;
  return status;
}

export function errors(error: CallError) {
  // @ts-expect-error no status of HTTP
  return error.result.status === 99;
}
