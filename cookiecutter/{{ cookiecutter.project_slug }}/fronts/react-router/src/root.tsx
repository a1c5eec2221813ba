import type { ReactNode } from "react";
import {
  isRouteErrorResponse,
  Link,
  Links,
  Meta,
  Outlet,
  Scripts,
  ScrollRestoration,
} from "react-router";
import type { Route } from "./+types/root";
import { SignOut } from "./SignOut";
import style from "./style.css?url";
import { useUser } from "./user";
import { answer, visit, visitorOf } from "./visitor";

export const middleware: Route.MiddlewareFunction[] = [visit];

export async function loader({ context, url }: Route.LoaderArgs) {
  return { user: await answer(url, visitorOf(context).user()) };
}

export const links: Route.LinksFunction = () => [
  { rel: "stylesheet", href: style },
  { rel: "icon", href: "data:," },
];

export const meta: Route.MetaFunction = () => [{ title: "{{ cookiecutter.project_name }}" }];

/** What every page has, also one that says what went wrong. */
export function Layout({ children }: { children: ReactNode }) {
  return (
    <html lang="en">
      <head>
        <meta charSet="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <Meta />
        {/* Styles need no nonce: they are files of this site. Browsers hide a nonce, so React would miss it. */}
        <Links nonce="" />
      </head>
      <body>
        <a className="skip" href="#main">
          Skip to content
        </a>
        <header>
          <nav aria-label="Main">
            <Link to="/">Items</Link>
            <a href="/api/docs">API</a>
          </nav>
          <Account />
        </header>
        <main id="main" tabIndex={-1}>
          {children}
        </main>
        <ScrollRestoration />
        <Scripts />
      </body>
    </html>
  );
}

function Account() {
  const user = useUser();
  if (user === undefined) return null;
  if (user === null) return <Link to="/sign-in">Sign in</Link>;
  return (
    <p className="account">
      <a href="/accounts/">{user.email}</a>
      <SignOut />
    </p>
  );
}

export default function App() {
  return <Outlet />;
}

export function ErrorBoundary({ error }: Route.ErrorBoundaryProps) {
  if (isRouteErrorResponse(error) && error.status === 404) {
    return (
      <>
        <h1>Page not found</h1>
        <p>
          <Link to="/">To the items</Link>
        </p>
      </>
    );
  }
  if (isRouteErrorResponse(error) && error.status === 503) {
    return (
      <>
        <h1>Not available</h1>
        <p role="alert">The site cannot show this page at present. Try again in a minute.</p>
      </>
    );
  }
  return (
    <>
      <h1>Something went wrong</h1>
      <p role="alert">The error has been logged.</p>
      <p>
        <Link to="/">To the items</Link>
      </p>
    </>
  );
}
