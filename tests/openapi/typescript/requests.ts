// What the types of the shop's requests must be, where openapi-typescript leaves defaults optional.
import type { components, operations } from "./shop";

type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
declare function is<T extends true>(): T;

type S = components["schemas"];

is<Equal<S["Credentials"], { username: string; password: string }>>();
is<Equal<S["CategoryIn"], { name: string; slug: string }>>();
is<Equal<S["CategoryInPatch"], { name?: string; slug?: string }>>();
is<Equal<S["CustomerInPatch"], { name?: string; birthday?: string | null }>>();
is<
  Equal<
    S["ProductIn"],
    {
      category_id: number;
      sku: string;
      name: string;
      description?: string;
      price: number | string;
      stock?: number;
      weight?: number | null;
      attributes?: { [key: string]: string };
      available_from?: string | null;
    }
  >
>();
is<
  Equal<
    S["ProductInPatch"],
    {
      category_id?: number;
      sku?: string;
      name?: string;
      description?: string;
      price?: number | string;
      stock?: number;
      weight?: number | null;
      attributes?: { [key: string]: string };
      available_from?: string | null;
    }
  >
>();
is<Equal<S["LineIn"], { product_id: number; quantity: number }>>();
is<Equal<S["OrderIn"], { lines: S["LineIn"][]; note?: string }>>();
is<Equal<S["ReviewIn"], { rating: number; text?: string }>>();
is<Equal<S["StockLevel"], { sku: string; stock: number }>>();

type Query = NonNullable<operations["product_list_products"]["parameters"]["query"]>;
is<
  Equal<
    Query,
    {
      category?: string;
      min_price?: number | string;
      max_price?: number | string;
      in_stock?: boolean;
      search?: string;
      ordering?: string;
      page?: number;
      page_size?: number;
    }
  >
>();
type Listing = operations["product_change_listing"]["requestBody"]["content"]["multipart/form-data"];
is<Equal<Listing["image"], string | undefined>>();
