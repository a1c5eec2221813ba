import { keepPreviousData, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { Link, useSearchParams } from "wouter";
import { itemsListQuery } from "./api/react";
import { onItemChange } from "./changes";
import { sentenceOf } from "./errors";
import { useUser } from "./user";

const SIZE = 10;
const PAUSE = 200;

/** Items by name, with a search and pages, both in the URL: the back button and links show the same. */
export function Items() {
  const { user } = useUser();
  const [parameters, setParameters] = useSearchParams();
  const search = parameters.get("search") ?? "";
  const page = Math.max(1, Number(parameters.get("page")) || 1);
  const { data, error, isFetching } = useQuery({
    ...itemsListQuery({ query: { search, limit: SIZE, offset: (page - 1) * SIZE } }),
    placeholderData: keepPreviousData,
  });
  const queries = useQueryClient();
  // What others do to items is shown too.
  useEffect(
    () => onItemChange(() => void queries.invalidateQueries({ queryKey: ["items"] })),
    [queries],
  );
  const pages = Math.max(1, Math.ceil((data?.count ?? 0) / SIZE));

  function show(changes: { search?: string; page?: number }) {
    const wanted = { search, page: 1, ...changes };
    const query: Record<string, string> = {};
    if (wanted.search) query.search = wanted.search;
    if (wanted.page > 1) query.page = String(wanted.page);
    setParameters(query, { replace: changes.page === undefined });
  }

  return (
    <>
      <h1>Items</h1>
      <div className="bar">
        <SearchField value={search} onSearch={(text) => show({ search: text })} />
        {user && (
          <Link className="button" href="/items/new">
            New item
          </Link>
        )}
      </div>
      {error && <p role="alert">{sentenceOf(error.result.error)}</p>}
      <p role="status" className="quiet">
        {data ? `${data.count} ${data.count === 1 ? "item" : "items"}` : "Loading …"}
      </p>
      {data && data.items.length > 0 && (
        <div className="scroll">
          <table aria-busy={isFetching}>
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col" className="wide">
                  Description
                </th>
                <th scope="col" className="number">
                  Price
                </th>
                <th scope="col">Available</th>
              </tr>
            </thead>
            <tbody>
              {data.items.map((item) => (
                <tr key={item.id}>
                  <th scope="row">
                    {item.photo && <img className="thumbnail" src={item.photo} alt="" />}
                    {user ? <Link href={`/items/${item.id}`}>{item.name}</Link> : item.name}
                  </th>
                  <td className="wide">{item.description}</td>
                  <td className="number">{item.price}</td>
                  <td>{item.available ? "yes" : "no"}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {pages > 1 && (
        <nav aria-label="Pages" className="pages">
          <button type="button" disabled={page <= 1} onClick={() => show({ page: page - 1 })}>
            Previous
          </button>
          <span>
            Page {page} of {pages}
          </span>
          <button type="button" disabled={page >= pages} onClick={() => show({ page: page + 1 })}>
            Next
          </button>
        </nav>
      )}
    </>
  );
}

function SearchField({ value, onSearch }: { value: string; onSearch: (text: string) => void }) {
  const [text, setText] = useState(value);
  // The back button changes the URL, and the field follows.
  useEffect(() => setText(value), [value]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `onSearch` is new in each render
  useEffect(() => {
    if (text === value) return;
    const timer = setTimeout(() => onSearch(text), PAUSE);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <label className="search">
      <span>Search</span>
      <input type="search" value={text} onChange={(event) => setText(event.target.value)} />
    </label>
  );
}
