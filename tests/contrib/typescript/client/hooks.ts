// Uses of react.ts that must compile, and some that must not.
import { type InfiniteData, type QueryClient, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import {
  productsGetQuery,
  productsListPagesQuery,
  productsListQuery,
  useCategoriesList,
  useOrdersCreate,
  useProductsGet,
} from "./react";
import type { components } from "./schema";

type S = components["schemas"];
type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
declare function is<T extends true>(): T;

export function useEverything(client: QueryClient) {
  const product = useProductsGet({ path: { product_id: 1 } });
  is<Equal<typeof product.data, S["ProductDetail"] | undefined>>();
  if (product.error?.result.status === 404) product.error.result.error.detail;
  const categories = useCategoriesList();
  is<Equal<typeof categories.data, S["CategoryOut"][] | undefined>>();
  const list = useQuery({ ...productsListQuery({ query: { search: "lamp" } }), staleTime: 1_000 });
  const pages = useInfiniteQuery(productsListPagesQuery({ query: { search: "lamp" } }));
  is<Equal<typeof pages.data, S["ProductOut"][] | undefined>>();
  const order = useOrdersCreate({
    invalidates: [["products"]],
    onSuccess: (data) => is<Equal<typeof data, S["OrderOut"]>>(),
  });
  order.mutate({ body: { lines: [{ product_id: 1, quantity: 1 }] } });
  if (order.error?.result.status === 422) order.error.result.error.errors?.[0]?.pointer;
  const kept = client.getQueryData(productsGetQuery({ path: { product_id: 1 } }).queryKey);
  is<Equal<typeof kept, S["ProductDetail"] | undefined>>();
  // @ts-expect-error the path is needed
  useProductsGet();
  // @ts-expect-error a body is needed
  order.mutate({});
  // @ts-expect-error no such field
  product.data?.colour;
  return [list.data?.count, {} as InfiniteData<string>];
}
