import { type FormEvent, useState } from "react";
import { CallError } from "./api/client";
import { signIn } from "./browser";
import { errorsOf, NO_ERRORS } from "./errors";
import { Field, FormErrors } from "./Field";
import { signInWithPasskey } from "./passkeys";
import { hasPasskey, hasPassword, loginLabel, loginPage } from "./ways";

/** The ways to sign in that need no page of Django's; then the browser opens `next`. */
export function SignInForms({ next }: { next: string }) {
  return (
    <>
      {hasPassword && <PasswordForm next={next} />}
      {hasPasskey && <PasskeyButton next={next} />}
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

function PasskeyButton({ next }: { next: string }) {
  const [errors, setErrors] = useState(NO_ERRORS);
  const [isBusy, setIsBusy] = useState(false);

  async function submit() {
    setErrors(NO_ERRORS);
    setIsBusy(true);
    try {
      const outcome = await signInWithPasskey();
      if (outcome === "more") return location.assign(loginPage);
      // A page that is loaded as a whole shows nothing of the visitor before.
      if (outcome === "signed in") return location.assign(next);
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      setErrors(errorsOf(error.result.error, []));
    }
    setIsBusy(false);
  }

  return (
    <>
      <FormErrors errors={errors.other} />
      <p>
        <button type="button" className="other" disabled={isBusy} onClick={() => void submit()}>
          Sign in with a passkey
        </button>
      </p>
    </>
  );
}
