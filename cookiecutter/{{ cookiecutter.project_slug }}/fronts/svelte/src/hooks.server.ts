// Around each page: who has signed in, the headers, and what a visitor sees while Django does not answer.
import type { Handle, HandleServerError } from "@sveltejs/kit/hooks";
import { clientOf, HEADERS, isUnavailable, readUser } from "./server";
import unavailable from "./unavailable.html?raw";

export const handle: Handle = async ({ event, resolve }) => {
  event.locals.client = clientOf(event.request.headers);
  let response: Response;
  try {
    event.locals.user = await readUser(event.locals.client);
    response = await resolve(event);
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    console.error(`Django does not answer: ${error.message}`);
    response = new Response(unavailable, {
      status: 503,
      headers: {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": "default-src 'none'; img-src data:; frame-ancestors 'none'",
        "Retry-After": "10",
      },
    });
  }
  for (const [name, value] of Object.entries(HEADERS)) response.headers.set(name, value);
  return response;
};

export const handleError: HandleServerError = ({ kind, error }) => {
  if (isUnavailable(error)) return { status: 503, message: "Not available" };
  if (kind === "unknown") console.error(error);
  if (kind === "framework" && error.status === 404) return { message: "Page not found" };
};
