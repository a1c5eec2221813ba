import { redirect } from "react-router";
import { nextOf } from "../links";
import { SignInForms } from "../SignInForms";
import { answer, visitorOf } from "../visitor";
import { pages } from "../ways";
import type { Route } from "./+types/sign-in";

export async function loader({ context, url }: Route.LoaderArgs) {
  const next = nextOf(url.searchParams);
  if (await answer(url, visitorOf(context).user())) throw redirect(next);
  return { next };
}

export default function SignIn({ loaderData }: Route.ComponentProps) {
  return (
    <>
      <h1>Sign in</h1>
      <SignInForms next={loaderData.next} />
      <ul className="ways">
        {pages.map(({ label, href }) => (
          <li key={href}>
            <a href={href}>{label}</a>
          </li>
        ))}
      </ul>
    </>
  );
}
