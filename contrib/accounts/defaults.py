"""Safe values of allauth's settings: ``from django_matt.contrib.accounts.defaults import *`` in your ``settings.py``.

Import them above your own settings: what you set below replaces one of these. Importing them needs no Django settings.
"""

__all__ = [
    "ACCOUNT_ADAPTER",
    "ACCOUNT_EMAIL_NOTIFICATIONS",
    "ACCOUNT_EMAIL_VERIFICATION",
    "ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED",
    "ACCOUNT_LOGIN_METHODS",
    "ACCOUNT_PASSWORD_RESET_BY_CODE_ENABLED",
    "ACCOUNT_PREVENT_ENUMERATION",
    "ACCOUNT_REAUTHENTICATION_METHODS",
    "ACCOUNT_REAUTHENTICATION_REQUIRED",
    "ACCOUNT_SIGNUP_FIELDS",
    "AUTHENTICATION_BACKENDS",
]

AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
"""Signs in by e-mail address, also in the admin; it is a ``ModelBackend``, so permissions work."""

ACCOUNT_ADAPTER = "django_matt.contrib.accounts.adapters.AccountAdapter"
"""Refuses redirects to what is no URL, at which allauth's own adapter fails."""

ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]

ACCOUNT_EMAIL_VERIFICATION = "mandatory"
"""Only then does a sign-up with the address of somebody else's account look like any other."""
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
"""A code works in the browser that signed up; a link would be opened in another one, or by a mail scanner."""
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_PASSWORD_RESET_BY_CODE_ENABLED = True
"""A link would write its secret into the logs of every server that it passes, and its host comes from the request."""

ACCOUNT_EMAIL_NOTIFICATIONS = True
"""Users get an e-mail when their password, their address or a second factor changes. allauth's default is False."""
ACCOUNT_REAUTHENTICATION_METHODS = ("password", "mfa")
"""allauth's default also accepts a code that is sent by e-mail: who reads the mail could then change every factor."""
ACCOUNT_REAUTHENTICATION_REQUIRED = True
"""Also before an address changes or a provider is connected: who finds an open session could keep the account by either."""
