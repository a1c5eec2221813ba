import { data } from "react-router";

export function loader() {
  throw data(null, { status: 404 });
}

/** Never shown: the page of the error is in root.tsx. */
export default function NotFound() {
  return null;
}
