// The visitor who opens a page: the API as they see it. For loaders, which run on the server.
import {
  createContext,
  data,
  type MiddlewareFunction,
  type RouterContextProvider,
  redirect,
} from "react-router";
import { CallError, type Client } from "./api/client";
import { signInLink } from "./links";
import { clientOf, HEADERS, isUnavailable, readUser } from "./server";

interface Visitor {
  client: Client;
  /** Who has signed in; null for nobody. All loaders of a request share the answer. */
  user: () => ReturnType<typeof readUser>;
}
type Context = Readonly<RouterContextProvider>;

const visitor = createContext<Visitor>();

/** Tell the loaders of a request who asks, and set the headers of its response. */
export const visit: MiddlewareFunction<Response> = async ({ request, context }, next) => {
  const client = clientOf(request.headers);
  let user: ReturnType<typeof readUser> | undefined;
  context.set(visitor, {
    client,
    user: () => {
      user ??= readUser(client);
      return user;
    },
  });
  const response = await next();
  for (const [name, value] of Object.entries(HEADERS)) response.headers.set(name, value);
  return response;
};

/** Who asks. */
export const visitorOf = (context: Context) => context.get(visitor);

/** Return who has signed in, or lead to sign-in, and from there back. */
export async function needUser({ context, url }: { context: Context; url: URL }) {
  const user = await answer(url, visitorOf(context).user());
  if (user) return user;
  throw toSignIn(url);
}

/** Return what the API answers. If it wants a session, lead to sign-in, and from there back. */
export async function answer<T>(url: URL, asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof CallError && error.result.status === 401) throw toSignIn(url);
    if (!isUnavailable(error)) throw error;
    console.error(error);
    throw data(null, { status: 503 });
  }
}

/** The way to sign-in, and from there back to this page. */
export const toSignIn = ({ pathname, search }: URL) => redirect(signInLink(pathname + search));
