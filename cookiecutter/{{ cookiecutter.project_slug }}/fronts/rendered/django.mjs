// Where Django is, and which URLs are Django's. The list is django.caddy, for all proxies: in development, in tests and in production.
import { readFileSync } from "node:fs";

/** The address of Django. `make dev` and compose.yaml set it. */
export const backend = process.env.MATT_SPA_BACKEND ?? "http://127.0.0.1:8000";

/** The first parts of Django's URLs, such as `/api`. */
export const prefixes = [...readFileSync("django.caddy", "utf8").matchAll(/^path (\S+)/gm)].map(
  ([, prefix = ""]) => prefix,
);

/** What matches a URL of Django, with or without a query. */
export const pattern = `^(?:${prefixes.map((prefix) => prefix.replaceAll(".", "\\.")).join("|")})(?:[/?]|$)`;

/** For `server.proxy` of Vite. `changeOrigin` would change the Host, and Django would refuse each write: its origin would be another site. */
export const proxy = { [pattern]: { target: backend, changeOrigin: false, ws: true } };
