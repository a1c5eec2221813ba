import { type FormEvent, useState } from "react";
import { useLocation } from "wouter";
import { authenticationAccountAllauthAuthLoginPost as signIn } from "./api/api";
import { CallError } from "./api/client";
import { errorsOf, NO_ERRORS } from "./errors";
import { Field, FormErrors } from "./Field";
import { signInWithPasskey } from "./passkeys";
import { useSignedIn } from "./user";
import { hasPasskey, hasPassword, loginLabel, loginPage, pages } from "./ways";

export default function SignIn() {
  return (
    <>
      <h1>Sign in</h1>
      {hasPassword && <PasswordForm />}
      {hasPasskey && <PasskeyButton />}
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

function PasswordForm() {
  const [errors, setErrors] = useState(NO_ERRORS);
  const [isBusy, setIsBusy] = useState(false);
  const [, navigate] = useLocation();
  const signedIn = useSignedIn();

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const typed = new FormData(event.currentTarget);
    const login = String(typed.get("login"));
    const password = String(typed.get("password"));
    setErrors(NO_ERRORS);
    setIsBusy(true);
    const result = await signIn({
      path: { client: "browser" },
      body: login.includes("@") ? { email: login, password } : { username: login, password },
    });
    setIsBusy(false);
    if (result.ok) {
      await signedIn();
      navigate("/");
    } else if (result.status === 401) {
      // A second factor, or an address that is not confirmed: Django's pages ask for it.
      location.assign(loginPage);
    } else {
      setErrors(errorsOf(result.error, ["password"]));
    }
  }

  return (
    <form onSubmit={submit} noValidate>
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

function PasskeyButton() {
  const [errors, setErrors] = useState(NO_ERRORS);
  const [isBusy, setIsBusy] = useState(false);
  const [, navigate] = useLocation();
  const signedIn = useSignedIn();

  async function submit() {
    setErrors(NO_ERRORS);
    setIsBusy(true);
    try {
      const outcome = await signInWithPasskey();
      if (outcome === "more") return location.assign(loginPage);
      if (outcome === "cancelled") return;
      await signedIn();
      navigate("/");
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      setErrors(errorsOf(error.result.error, []));
    } finally {
      setIsBusy(false);
    }
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
