import {
  infiniteQueryOptions,
  type QueryKey,
  queryOptions,
  type UseMutationOptions,
  useMutation,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";
import {
  type Args,
  type Call,
  type CallError,
  type Data,
  type Failure,
  nextQuery,
  type Options,
  type Paging,
  type Query,
  type Row,
  unwrap,
} from "./client";

type Refusal<O> = CallError<Failure<O>>;

/** Options of a mutation. After it has succeeded, the queries of its group and those with a key of `invalidates` are stale. */
export type Extra<O> = Omit<UseMutationOptions<Data<O>, Refusal<O>, Options<O>>, "mutationFn"> & {
  invalidates?: readonly QueryKey[];
};

interface Asked {
  path?: unknown;
  query?: Query;
}

const run = <O>(call: Call<O>, options: unknown) =>
  unwrap((call as unknown as (options: unknown) => Promise<{ ok: boolean; status: number }>)(options)) as Promise<Data<O>>;

const keyOf = (key: QueryKey, { path, query }: Asked = {}) => (path || query ? [...key, { path, query }] : key);

// The client sends again what may be sent again, so TanStack Query does not.
const toQuery =
  <O>(key: QueryKey, call: Call<O>) =>
  (...[options]: Args<O>) =>
    queryOptions<Data<O>, Refusal<O>>({
      queryKey: keyOf(key, options as Asked | undefined),
      queryFn: ({ signal }) => run(call, { ...(options as object | undefined), signal }),
      retry: false,
    });

/** All pages so far as one list of rows. */
const toPages =
  <O, K extends string>(key: QueryKey, call: Call<O>, paging: Paging, rows: K) =>
  (...[options]: Args<O>) => {
    const first: Query = { ...(options as Asked | undefined)?.query };
    const rowsOf = (page: Data<O>) => (page as Record<string, Row<O, K>[]>)[rows] ?? [];
    return infiniteQueryOptions({
      queryKey: [...keyOf(key, options as Asked | undefined), "pages"],
      queryFn: ({ signal, pageParam }: { signal: AbortSignal; pageParam: Query }) =>
        run(call, { ...(options as object | undefined), query: pageParam, signal }),
      initialPageParam: first,
      getNextPageParam: (last: Data<O>, all: Data<O>[], query: Query) => {
        const size = all.map((page) => rowsOf(page).length);
        const before = Number(first.offset ?? 0) + (Number(first.page ?? 1) - 1) * (size[0] ?? 0);
        const seen = size.reduce((sum, each) => sum + each, before);
        return nextQuery(paging, rowsOf(last).length, query, last as { next?: unknown; count?: unknown }, seen);
      },
      select: (data) => data.pages.flatMap(rowsOf),
      retry: false,
    });
  };

function useChange<O>(call: Call<O>, group: string, { invalidates = [], onSuccess, ...extra }: Extra<O>) {
  const client = useQueryClient();
  return useMutation<Data<O>, Refusal<O>, Options<O>>({
    ...extra,
    mutationFn: (options) => run(call, options),
    onSuccess: async (...args) => {
      await Promise.all([[group], ...invalidates].map((queryKey) => client.invalidateQueries({ queryKey })));
      return onSuccess?.(...args);
    },
  });
}
