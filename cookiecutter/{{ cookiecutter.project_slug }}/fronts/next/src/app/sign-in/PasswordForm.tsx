"use client";
import { type FormEvent, useState } from "react";
import { signIn } from "../../browser";
import { NO_ERRORS } from "../../errors";
import { Field, FormErrors } from "../../Field";
import { loginLabel } from "../../ways";

export function PasswordForm({ next }: { next: string }) {
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
