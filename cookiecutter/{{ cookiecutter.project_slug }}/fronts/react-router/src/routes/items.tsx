import { useEffect } from "react";
import { Link, useRevalidator } from "react-router";
import { onItemChange } from "../changes";
import { listLink } from "../links";
import { Search } from "../Search";
import { askedFor, readItems } from "../server";
import { useUser } from "../user";
import { answer, toSignIn, visitorOf } from "../visitor";
import type { Route } from "./+types/items";

export async function loader({ context, url }: Route.LoaderArgs) {
  const asked = askedFor(url.searchParams);
  const { client } = visitorOf(context);
  const list = await answer(url, readItems(client, asked));
  if (list.status === 401) throw toSignIn(url);
  return { ...asked, ...list };
}

/** Items by name, with a search and pages, both in the URL. */
export default function Items({ loaderData }: Route.ComponentProps) {
  const { search, page, items, count, pages, refusal } = loaderData;
  const user = useUser();
  const { revalidate } = useRevalidator();
  // What others do to items is shown too.
  useEffect(() => onItemChange(() => void revalidate()), [revalidate]);
  return (
    <>
      <h1>Items</h1>
      <div className="bar">
        <Search value={search} />
        {user && (
          <Link className="button" to="/items/new">
            New item
          </Link>
        )}
      </div>
      {refusal && <p role="alert">{refusal}</p>}
      <p role="status" className="quiet">
        {`${count} ${count === 1 ? "item" : "items"}`}
      </p>
      {items.length > 0 && (
        <div className="scroll">
          <table>
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
              {items.map((item) => (
                <tr key={item.id}>
                  <th scope="row">
                    {item.photo && <img className="thumbnail" src={item.photo} alt="" />}
                    {user ? <Link to={`/items/${item.id}`}>{item.name}</Link> : item.name}
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
          {page > 1 ? (
            <Link className="button" to={listLink(search, page - 1)}>
              Previous
            </Link>
          ) : (
            <span />
          )}
          <span>{`Page ${page} of ${pages}`}</span>
          {page < pages ? (
            <Link className="button" to={listLink(search, page + 1)}>
              Next
            </Link>
          ) : (
            <span />
          )}
        </nav>
      )}
    </>
  );
}
