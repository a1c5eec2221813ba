import Link from "next/link";
import { redirect } from "next/navigation";
import { listLink, signInLink } from "../links";
import { askedFor, readItems } from "../server";
import { currentUser, queryOf, visitor } from "../visitor";
import { Changes } from "./Changes";
import { Search } from "./Search";

/** Items by name, with a search and pages, both in the URL. */
export default async function Items({ searchParams }: PageProps<"/">) {
  const asked = askedFor(await queryOf(searchParams));
  const { search, page } = asked;
  const client = await visitor();
  const [user, list] = await Promise.all([currentUser(), readItems(client, asked)]);
  const { items, count, pages, refusal } = list;
  if (list.status === 401) redirect(signInLink(listLink(search, page)));
  return (
    <>
      <h1>Items</h1>
      <Changes />
      <div className="bar">
        <Search value={search} />
        {user && (
          <Link className="button" href="/items/new">
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
          {page > 1 ? (
            <Link className="button" href={listLink(search, page - 1)}>
              Previous
            </Link>
          ) : (
            <span />
          )}
          <span>{`Page ${page} of ${pages}`}</span>
          {page < pages ? (
            <Link className="button" href={listLink(search, page + 1)}>
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
