import { type FormEvent, useState } from "react";
import { redirect } from "react-router";
import { signIn } from "../browser";
import { NO_ERRORS } from "../errors";
import { Field, FormErrors } from "../Field";
import { nextOf } from "../links";
import { answer, visitorOf } from "../visitor";
import { hasPassword, loginLabel, pages } from "../ways";
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
      {hasPassword && <PasswordForm next={loaderData.next} />}
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

function PasswordForm({ next }: { next: string }) {
  const [errors, setErrors] = useState(NO_ERRORS);
  const [isBusy, setIsBusy] = useState(false);

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const typed = new FormData(event.currentTarget);
    setErrors(NO_ERRORS);
    setIsBusy(true);
    const found = await signIn(String(typed.get("login")), String(typed.get("password")), next);
    if (!found) return; // The browser opens the next page.
    setIsBusy(false);
    setErrors(found);
  }

  // `post`, because a password never belongs in a URL, not even if it is sent before the scripts are loaded.
  return (
    <form method="post" onSubmit={submit} noValidate>
      <FormErrors errors={errors.other} />
      <Field name="login" label={loginLabel} errors={errors.fields} autoComplete="username" />
      <Field
        name="password"
        label="Password"
        type="password"
        errors={errors.fields}
        autoComplete="current-password"
      />
      <p>
        <button type="submit" disabled={isBusy}>
          Sign in
        </button>
      </p>
    </form>
  );
}
