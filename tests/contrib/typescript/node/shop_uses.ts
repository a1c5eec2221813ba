// How a front end uses the shop's types, and what must be an error.
import createClient from "openapi-fetch";
import { OrderStatus } from "./enums";
import type {
  CategoryOut,
  components,
  operations,
  OrderOut,
  OrderOutPage,
  paths,
  ProductDetail,
  ProductIn,
  ProductInPatch,
  RatingRow,
  StockRow,
} from "./schema";

type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
declare function is<T extends true>(): T;

// A response has all of its fields; a request may leave out those with a default.
is<Equal<CategoryOut, { id: number; name: string; slug: string }>>();
is<Equal<components["schemas"]["CategoryOut"], CategoryOut>>();
is<Equal<OrderOut["status"], "placed" | "shipped" | "cancelled">>();
is<Equal<ProductDetail["attributes"], { [key: string]: string }>>();
is<Equal<ProductDetail["rating"], number | null>>();
is<Equal<OrderOutPage["items"], OrderOut[]>>();
export const lamp: ProductIn = { category_id: 1, sku: "lamp", name: "Lamp", price: "9.90" };
export const cheap: ProductIn = { ...lamp, price: 9, weight: null };
export const change: ProductInPatch = { weight: null };
export const status: OrderOut["status"] = OrderStatus.SHIPPED;

// @ts-expect-error: a name is required
export const nameless: ProductIn = { category_id: 1, sku: "lamp", price: "9.90" };
// @ts-expect-error: no such field
export const more: ProductIn = { ...lamp, colour: "red" };
// @ts-expect-error: a number is no text
export const numbered: ProductIn = { ...lamp, name: 1 };
// @ts-expect-error: text is no number
export const counted: ProductIn = { ...lamp, stock: "1" };
// @ts-expect-error: a stock is never null
export const empty: ProductIn = { ...lamp, stock: null };
// @ts-expect-error: undefined is not what is left out
export const absent: ProductIn = { ...lamp, stock: undefined };
// @ts-expect-error: attributes are texts
export const attributes: ProductIn = { ...lamp, attributes: { wood: 1 } };
// @ts-expect-error: null is no name, in a patch neither
export const unnamed: ProductInPatch = { name: null };
// @ts-expect-error: null is no stock
export const unstocked: ProductInPatch = { stock: null };
// @ts-expect-error: no such field to patch
export const unknown: ProductInPatch = { id: 1 };
// @ts-expect-error: no such status
export const lost: OrderOut["status"] = "lost";
// @ts-expect-error: no such constant
export const gone = OrderStatus.LOST;

export function read(order: OrderOut, detail: ProductDetail): string {
  // @ts-expect-error: a decimal is text
  order.total.toFixed(2);
  // @ts-expect-error: a rating may be null
  detail.rating.toFixed(2);
  // @ts-expect-error: no such field
  void order.colour;
  // @ts-expect-error: a status that never comes
  if (order.status === "lost") return "";
  // @ts-expect-error: the first line may be missing
  void order.lines[0].quantity;
  return order.customer.name;
}

// The data of an event and a line of JSON are what they contain.
type Body<O extends keyof operations> = operations[O]["responses"] extends {
  200: { content: infer C };
}
  ? C
  : never;
is<Equal<Body<"report_watch_ratings">["text/event-stream"]["data"], RatingRow>>();
is<Equal<Body<"product_export_products">["application/jsonl"], StockRow>>();

// openapi-fetch takes the paths as they are.
const client = createClient<paths>({ baseUrl: "http://127.0.0.1" });

export async function use(): Promise<void> {
  const { data, error } = await client.GET("/api/products/{product_id}", {
    params: { path: { product_id: 1 } },
  });
  if (data) {
    is<Equal<typeof data, ProductDetail>>();
    // @ts-expect-error: no such field
    void data.colour;
  } else {
    void error.detail;
  }
  await client.POST("/api/orders", { body: { lines: [{ product_id: 1, quantity: 2 }] } });
  await client.GET("/api/products", { params: { query: { page: 2, in_stock: true } } });
  await client.POST("/api/products/{product_id}/image", {
    params: { path: { product_id: 1 } },
    body: { image: new Blob(["x"]) },
  });
  // @ts-expect-error: no such path
  await client.GET("/api/nothing");
  // @ts-expect-error: no such method there
  await client.PUT("/api/orders");
  // @ts-expect-error: the path has a parameter
  await client.GET("/api/products/{product_id}");
  // @ts-expect-error: that is a number
  await client.GET("/api/products/{product_id}", { params: { path: { product_id: "1" } } });
  // @ts-expect-error: no such parameter
  await client.GET("/api/products", { params: { query: { colour: "red" } } });
  // @ts-expect-error: null cannot be said in a URL
  await client.GET("/api/products", { params: { query: { in_stock: null } } });
  // @ts-expect-error: a body is required
  await client.POST("/api/orders");
  // @ts-expect-error: a line has a quantity
  await client.POST("/api/orders", { body: { lines: [{ product_id: 1 }] } });
  await client.POST("/api/products/{product_id}/image", {
    params: { path: { product_id: 1 } },
    // @ts-expect-error: a file is no text
    body: { image: "x" },
  });
}
