// Around each page: who has signed in, the headers, and what a visitor sees while Django does not answer.
import { defineMiddleware } from "astro:middleware";
import { clientOf, HEADERS, isUnavailable, readUser } from "./server";

const POLICY = [
  "default-src 'self'",
  "img-src 'self' data:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  // The development server puts styles into the page.
  ...(import.meta.env.DEV ? ["style-src 'self' 'unsafe-inline'"] : []),
].join("; ");
const UNAVAILABLE = "/unavailable";

export const onRequest = defineMiddleware(async (context, next) => {
  context.locals.client = clientOf(context.request.headers);
  context.locals.user = null;
  let response: Response;
  try {
    if (context.url.pathname !== UNAVAILABLE) {
      context.locals.user = await readUser(context.locals.client);
    }
    response = await next();
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    console.error(`Django does not answer: ${error.message}`);
    response = await context.rewrite(UNAVAILABLE);
  }
  for (const [name, value] of Object.entries(HEADERS)) response.headers.set(name, value);
  response.headers.set("Content-Security-Policy", POLICY);
  return response;
});
