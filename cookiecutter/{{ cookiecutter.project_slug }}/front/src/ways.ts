// How people sign in to this site (sign_in of .cruft.json). The pages below /accounts/ are Django's.
export const hasPasskey: boolean = {{ 'true' if cookiecutter.__passkey else 'false' }};
export const hasPassword: boolean = {{ 'true' if cookiecutter.__password else 'false' }};
export const loginLabel = "{{ 'E-mail address' if cookiecutter.__email_user else 'Username or e-mail address' }}";

/** Goes on where a form ends: a second factor, an address that is not confirmed, a browser without passkeys. */
export const loginPage = "/accounts/login/?next=/";

export const pages: readonly { label: string; href: string }[] = [
{%- if cookiecutter.__magic_link %}
  { label: "Sign in with a link by e-mail", href: "/sign-in/email?next=/" },
{%- endif %}
  { label: "Sign up", href: "/accounts/signup/?next=/" },
];
