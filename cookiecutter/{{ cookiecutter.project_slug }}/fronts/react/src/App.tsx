import { lazy, Suspense } from "react";
import { Link, Route, Switch } from "wouter";
import { Items } from "./Items";
import { useSignOut, useUser } from "./user";

// Loaded when somebody opens them: the first page needs neither.
const ItemForm = lazy(() => import("./ItemForm"));
const SignIn = lazy(() => import("./SignIn"));

export function App() {
  return (
    <>
      <a className="skip" href="#main">
        Skip to content
      </a>
      <header>
        <nav aria-label="Main">
          <Link href="/">Items</Link>
          <a href="/api/docs">API</a>
        </nav>
        <Account />
      </header>
      <main id="main" tabIndex={-1}>
        <Suspense fallback={<p role="status">Loading …</p>}>
          <Switch>
            <Route path="/" component={Items} />
            <Route path="/items/new">
              <ItemForm />
            </Route>
            <Route path="/items/:id">{({ id }) => <ItemForm key={id} id={Number(id)} />}</Route>
            <Route path="/sign-in" component={SignIn} />
            <Route>
              <h1>Page not found</h1>
              <p>
                <Link href="/">To the items</Link>
              </p>
            </Route>
          </Switch>
        </Suspense>
      </main>
    </>
  );
}

function Account() {
  const { user } = useUser();
  const signOut = useSignOut();
  if (!user) return <Link href="/sign-in">Sign in</Link>;
  return (
    <p className="account">
      <a href="/accounts/">{user.email}</a>
      <button type="button" onClick={() => void signOut()}>
        Sign out
      </button>
    </p>
  );
}
