import { type FormEvent, useState } from "react";
import { signIn, signInByPasskey } from "./browser";
import { NO_ERRORS } from "./errors";
import { Field, FormErrors } from "./Field";
import { useReady } from "./ready";
import { hasPasskey, hasPassword, loginLabel } from "./ways";

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
  const isReady = useReady();

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

  // `post`, because a password never belongs in a URL, whatever sends the form.
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
        <button type="submit" disabled={isBusy || !isReady}>
          Sign in
        </button>
      </p>
    </form>
  );
}

function PasskeyButton({ next }: { next: string }) {
  const [errors, setErrors] = useState(NO_ERRORS);
  const [isBusy, setIsBusy] = useState(false);
  const isReady = useReady();

  async function submit() {
    setErrors(NO_ERRORS);
    setIsBusy(true);
    setErrors((await signInByPasskey(next)) ?? NO_ERRORS);
    setIsBusy(false);
  }

  return (
    <>
      <FormErrors errors={errors.other} />
      <p>
        <button
          type="button"
          className="other"
          disabled={isBusy || !isReady}
          onClick={() => void submit()}
        >
          Sign in with a passkey
        </button>
      </p>
    </>
  );
}
