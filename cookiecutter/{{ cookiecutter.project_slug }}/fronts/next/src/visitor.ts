// The API as the visitor who opens the page. For server components: it reads the headers of the request, so no page is kept for others.
import { headers } from "next/headers";
import { redirect } from "next/navigation";
import { cache } from "react";
import { CallError } from "./api/client";
import { signInLink } from "./links";
import { clientOf, readUser } from "./server";

// React's `cache` lasts for one request: the layout and the page share what they ask.
export const visitor = cache(async () => clientOf(await headers()));

export const currentUser = cache(async () => readUser(await visitor()));

/** Return who has signed in, or lead to sign-in, and from there to `next`. */
export async function needUser(next: string) {
  return (await currentUser()) ?? redirect(signInLink(next));
}

/** Return what the API answers. If it wants a session, lead to sign-in, and from there to `next`. */
export async function orSignIn<T>(answer: Promise<T>, next: string): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof CallError && error.result.status === 401) redirect(signInLink(next));
    throw error;
  }
}

/** The query of a page's URL; of a name that is there twice, its first value. */
export async function queryOf(parameters: Promise<Record<string, string | string[] | undefined>>) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(await parameters))
    query.set(name, [value].flat()[0] ?? "");
  return query;
}
