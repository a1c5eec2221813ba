// What the types of the shop's answers must be; `tsc` fails on the first that differs.
import type { components, operations } from "./shop";

type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
declare function is<T extends true>(): T;

type S = components["schemas"];
type Body<O extends keyof operations, N extends keyof operations[O]["responses"]> =
  operations[O]["responses"][N] extends { content: infer C } ? C : never;

is<Equal<S["CategoryOut"], { id: number; name: string; slug: string }>>();
is<Equal<S["Token"], { token: string }>>();
is<Equal<S["CustomerOut"], { id: number; name: string; email: string; birthday: string | null }>>();
is<Equal<S["ProductShort"], { id: number; sku: string; name: string }>>();
is<
  Equal<
    S["ProductOut"],
    {
      category: S["CategoryOut"];
      id: number;
      sku: string;
      name: string;
      price: string;
      stock: number;
      weight: number | null;
      image: string | null;
      available_from: string | null;
      created: string;
    }
  >
>();
is<
  Equal<
    S["ProductDetail"],
    {
      category: S["CategoryOut"];
      id: number;
      sku: string;
      name: string;
      price: string;
      stock: number;
      weight: number | null;
      image: string | null;
      available_from: string | null;
      created: string;
      description: string;
      attributes: { [key: string]: string };
      rating: number | null;
      reviews_count: number;
    }
  >
>();
is<Equal<S["LineOut"], { product: S["ProductShort"]; quantity: number; unit_price: string }>>();
is<
  Equal<
    S["OrderOut"],
    {
      customer: S["CustomerOut"];
      lines: S["LineOut"][];
      id: number;
      status: "placed" | "shipped" | "cancelled";
      note: string;
      total: string;
      created: string;
    }
  >
>();
is<
  Equal<
    S["ReviewOut"],
    { author: string; id: number; rating: number; text: string; created: string }
  >
>();
is<
  Equal<
    S["StockRow"],
    { sku: string; name: string; category: string; price: string; stock: number }
  >
>();
is<Equal<S["RatingRow"], { rating: number; reviews: number }>>();
is<Equal<S["OrderOutPage"], { count: number; items: S["OrderOut"][] }>>();
is<Equal<S["ReviewOutPage"], { count: number; items: S["ReviewOut"][] }>>();
is<Equal<S["ProductOutPage"], { count: number; items: S["ProductOut"][] }>>();
is<
  Equal<
    S["ProductOutResultsPage"],
    {
      count: number;
      next: string | null;
      previous: string | null;
      results: S["ProductOut"][];
    }
  >
>();

// Each route answers what it says, by an id that is the same at every start.
is<Equal<Body<"login", 200>["application/json"], S["Token"]>>();
is<Equal<Body<"category_list_categories", 200>["application/json"], S["CategoryOut"][]>>();
is<Equal<Body<"product_list_products", 200>["application/json"], S["ProductOutResultsPage"]>>();
is<Equal<Body<"product_feed_products", 200>["application/json"], S["ProductOutPage"]>>();
is<Equal<Body<"product_create_product", 201>["application/json"], S["ProductDetail"]>>();
is<Equal<Body<"order_list_orders", 200>["application/json"], S["OrderOutPage"]>>();
is<Equal<Body<"review_list_reviews", 200>["application/json"], S["ReviewOutPage"]>>();
is<Equal<Body<"report_ratings", 200>["application/json"], S["RatingRow"][]>>();
is<Equal<Body<"report_watch_ratings", 200>["text/event-stream"], { data: string }>>();

// CSV holds the rows of a list or a page, and nothing else.
type Csv<T> = "text/csv" extends keyof T ? true : false;
is<Equal<Body<"product_list_products", 200>["text/csv"], S["ProductOut"][]>>();
is<Equal<Body<"report_stock", 200>["text/csv"], S["StockRow"][]>>();
is<Equal<Csv<Body<"login", 200>>, false>>();
is<Equal<Csv<Body<"product_get_product", 200>>, false>>();
is<Equal<Csv<operations["login"]["requestBody"]["content"]>, false>>();
is<Equal<Csv<operations["product_count_stock"]["requestBody"]["content"]>, true>>();
