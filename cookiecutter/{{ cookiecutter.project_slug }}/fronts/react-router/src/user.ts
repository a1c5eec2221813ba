import { useRouteLoaderData } from "react-router";
import type { loader } from "./root";

/** The user who has signed in, and null for a visitor; undefined if Django has not told. */
export const useUser = () => useRouteLoaderData<typeof loader>("root")?.user;
