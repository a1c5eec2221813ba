// The addresses of pages, also those that a visitor's URL names.

/** The list with a search and a page. */
export function listLink(search: string, page: number): string {
  const query = new URLSearchParams();
  if (search) query.set("search", search);
  if (page > 1) query.set("page", `${page}`);
  return `/${query.size ? `?${query}` : ""}`;
}

/** The page for sign-in, which leads back to a page of this site. */
export const signInLink = (next: string) => `/sign-in?next=${encodeURIComponent(next)}`;

/** Where a sign-in leads: the page that the URL names if it is one of this site, else the list. */
export function nextOf(query: URLSearchParams): string {
  const next = query.get("next") ?? "/";
  // "//evil.example" and "/\evil.example" are other sites, and browsers drop tabs and ends of lines from an address.
  return /^\/(?![/\\])[^\t\n\r]*$/.test(next) ? next : "/";
}
