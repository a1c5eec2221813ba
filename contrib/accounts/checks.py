"""The system checks ``matt_accounts.…``: errors for what cannot work, and warnings of ``--deploy`` for what is unsafe."""

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 - Django's name
from django.core.exceptions import ImproperlyConfigured
from django.urls import NoReverseMatch, resolve, reverse
from django.utils.module_loading import import_string

from django_matt.contrib.accounts.settings import get_settings

__all__ = [
    "check_apps",
    "check_defaults",
    "check_hosts",
    "check_limits",
    "check_login",
    "check_pkce",
    "check_sessions",
    "check_settings",
    "check_urls",
]

_NEEDED = ("allauth", "allauth.account", "allauth.headless")
_INCLUDE = 'path("", include("django_matt.contrib.accounts.urls"))'
_DEFAULTS = "from django_matt.contrib.accounts.defaults import *"
_LOCAL_CACHES = ("locmem.LocMemCache", "dummy.DummyCache")


def check_settings(**_: Any) -> list[CheckMessage]:
    """Report a wrong name or value in ``settings.MATT_ACCOUNTS``."""
    try:
        get_settings()
    except ImproperlyConfigured as error:
        hint = "Fix or remove the option in settings.MATT_ACCOUNTS."
        return [Error(str(error), hint=hint, id="matt_accounts.E001")]
    return []


def check_apps(**_: Any) -> list[CheckMessage]:
    """Report apps of allauth that are needed and not installed."""
    missing = [name for name in _NEEDED if not apps.is_installed(name)]
    if not missing:
        return []
    lines = ", ".join(f'"{name}"' for name in missing)
    return [
        Error(
            f"Accounts need apps of allauth that are not installed: {', '.join(missing)}.",
            hint=f"Add {lines} to INSTALLED_APPS.",
            id="matt_accounts.E002",
        )
    ]


def check_urls(**_: Any) -> list[CheckMessage]:
    """Report URLs that are not included, or allauth's own URLs that are served without the guard."""
    if check_apps() or check_settings():
        return []
    from allauth.headless import app_settings

    hint = f"Add {_INCLUDE} to the URLs of the project."
    for client in app_settings.CLIENTS:
        try:
            found = resolve(reverse(f"headless:{client}:config"))
        except NoReverseMatch:
            message = "The URLs of the accounts are not in the URLs of the project."
            return [Error(message, hint=hint, id="matt_accounts.E003")]
        if not _is_guarded(found.func):
            message = "allauth.headless.urls is included directly: bad input can be a 500 there."
            hint = f"Replace it by {_INCLUDE}."
            return [Error(message, hint=hint, id="matt_accounts.E004")]
    return []


def _is_guarded(view: Any) -> bool:
    from django_matt.contrib.accounts.guards import GuardedView

    return issubclass(getattr(view, "view_class", object), GuardedView)


def check_login(**_: Any) -> list[CheckMessage]:
    """Report settings with which nobody can sign in, or not with a second factor."""
    return [] if check_apps() else list(_find_login_errors())


def _find_login_errors() -> Iterator[CheckMessage]:
    from allauth import app_settings as allauth_settings
    from allauth.account import app_settings
    from allauth.account.auth_backends import AuthenticationBackend

    if "email" in app_settings.LOGIN_METHODS and not any(
        issubclass(import_string(path), AuthenticationBackend)
        for path in settings.AUTHENTICATION_BACKENDS
    ):
        yield Error(
            "Nobody can sign in by e-mail address: no authentication backend looks for it.",
            hint='Add "allauth.account.auth_backends.AuthenticationBackend" to AUTHENTICATION_BACKENDS.',
            id="matt_accounts.E005",
        )
    needed = "django.contrib.sessions.middleware.SessionMiddleware"
    if needed not in settings.MIDDLEWARE:
        yield Error(
            "Accounts need sessions.",
            hint=f'Add "{needed}" to MIDDLEWARE.',
            id="matt_accounts.E006",
        )
    if not allauth_settings.HEADLESS_ONLY:
        try:
            reverse("account_login")
        except NoReverseMatch:
            yield Error(
                "The project has no page to sign in, so a login that needs a second step would fail.",
                hint=f"Add {_INCLUDE} to the URLs of the project, or set HEADLESS_ONLY = True if it needs no pages.",
                id="matt_accounts.E007",
            )


def check_defaults(**_: Any) -> list[CheckMessage]:
    """Warn of allauth's settings with which an account is easier to take over, or to find."""
    return [] if check_apps() else list(_find_unsafe_settings())


def _find_unsafe_settings() -> Iterator[CheckMessage]:
    from allauth.account import app_settings
    from allauth.headless import app_settings as headless_settings

    from django_matt.contrib.accounts.adapters import AccountAdapter

    if not app_settings.EMAIL_NOTIFICATIONS:
        yield _warn(
            "Users are not told that their password, their address or a second factor has changed.",
            "Set ACCOUNT_EMAIL_NOTIFICATIONS = True",
            1,
        )
    if "code" in app_settings.REAUTHENTICATION_METHODS:
        yield _warn(
            "A code sent by e-mail is enough to change every factor of an account.",
            'Set ACCOUNT_REAUTHENTICATION_METHODS = ("password", "mfa")',
            2,
        )
    if not app_settings.REAUTHENTICATION_REQUIRED:
        yield _warn(
            "Anyone who finds an open session can add an address of their own, and get a new password by it.",
            "Set ACCOUNT_REAUTHENTICATION_REQUIRED = True",
            11,
        )
    by_get = [
        name
        for name in ("CONFIRM_EMAIL_ON_GET", "LOGOUT_ON_GET")
        if getattr(app_settings, name, False)
    ]
    if by_get:
        names = ", ".join(f"ACCOUNT_{name}" for name in by_get)
        yield Warning(
            f"Mail scanners, prefetching browsers and other sites open links, and a GET changes something here: {names}.",
            hint="Remove it: allauth's pages ask, and a POST changes it.",
            id="matt_accounts.W012",
        )
    if getattr(settings, "MFA_ALLOW_UNVERIFIED_EMAIL", False):
        yield Warning(
            "Anyone who signs up with another person's address can lock its owner out by a second factor.",
            hint="Remove MFA_ALLOW_UNVERIFIED_EMAIL.",
            id="matt_accounts.W014",
        )
    verified = app_settings.EMAIL_VERIFICATION == app_settings.EmailVerificationMethod.MANDATORY
    if not app_settings.PREVENT_ENUMERATION or not verified:
        yield _warn(
            "The answer to a sign-up tells whether an address has an account.",
            'Set ACCOUNT_PREVENT_ENUMERATION = True and ACCOUNT_EMAIL_VERIFICATION = "mandatory"',
            3,
        )
    if not issubclass(import_string(app_settings.ADAPTER), AccountAdapter):
        yield Warning(
            "A redirect to what is no URL is a 500: ACCOUNT_ADAPTER is allauth's own adapter, or derived from it.",
            hint='Set ACCOUNT_ADAPTER = "django_matt.contrib.accounts.adapters.AccountAdapter", or derive yours from that class.',
            id="matt_accounts.W010",
        )
    if headless_settings.SERVE_SPECIFICATION:
        yield Warning(
            "allauth serves a page of documentation that loads JavaScript from another site.",
            hint="Remove HEADLESS_SERVE_SPECIFICATION: the routes are in the document of your API.",
            id="matt_accounts.W004",
        )


def check_hosts(**_: Any) -> list[CheckMessage]:
    """Warn if a client can choose the host of the link in the mail for a new password."""
    if check_apps() or not any(host.startswith((".", "*")) for host in settings.ALLOWED_HOSTS):
        return []
    from allauth.account import app_settings
    from allauth.headless import app_settings as headless_settings

    of_front_end = "account_reset_password_from_key" in headless_settings.FRONTEND_URLS
    if app_settings.PASSWORD_RESET_BY_CODE_ENABLED or of_front_end:
        return []
    return [
        Warning(
            "The link of a mail for a new password has the host of the request, which a client may choose: "
            "ALLOWED_HOSTS has a wildcard.",
            hint="List every host in ALLOWED_HOSTS, or set ACCOUNT_PASSWORD_RESET_BY_CODE_ENABLED = True.",
            id="matt_accounts.W013",
        )
    ]


def _warn(message: str, fix: str, number: int) -> CheckMessage:
    hint = f"{fix}, or import all safe values: {_DEFAULTS}"
    return Warning(message, hint=hint, id=f"matt_accounts.W{number:03}")


def check_limits(**_: Any) -> list[CheckMessage]:
    """Warn if sign-in is not limited, or is limited for each process alone."""
    if check_apps():
        return []
    from allauth.account import app_settings

    if not app_settings.RATE_LIMITS.get("login_failed"):
        return [
            Warning(
                "Passwords can be guessed without a limit.",
                hint="Remove ACCOUNT_RATE_LIMITS, or its login_failed, from the settings.",
                id="matt_accounts.W005",
            )
        ]
    backend = str(settings.CACHES.get("default", {}).get("BACKEND", ""))
    if backend.endswith(_LOCAL_CACHES):
        return [
            Warning(
                "The limits of sign-in are counted in each process alone.",
                hint='Use a cache that the processes share as CACHES["default"], such as Redis.',
                id="matt_accounts.W006",
            )
        ]
    return []


def check_sessions(**_: Any) -> list[CheckMessage]:
    """Warn if sessions cannot be listed or ended."""
    found: list[CheckMessage] = []
    if not apps.is_installed("allauth.usersessions"):
        found.append(
            Warning(
                "Users cannot see or end their sessions, and their number is not limited.",
                hint='Add "allauth.usersessions" to INSTALLED_APPS.',
                id="matt_accounts.W007",
            )
        )
    if settings.SESSION_ENGINE == "django.contrib.sessions.backends.signed_cookies":
        found.append(
            Warning(
                "Sessions that are stored in cookies cannot be ended.",
                hint="Remove SESSION_ENGINE: by default, sessions are stored in the database.",
                id="matt_accounts.W008",
            )
        )
    return found


def check_pkce(**_: Any) -> list[CheckMessage]:
    """Warn of providers for which PKCE is not turned on (RFC 9700, 2.1.1)."""
    if not apps.is_installed("allauth.socialaccount"):
        return []
    from allauth.socialaccount import app_settings
    from allauth.socialaccount.adapter import get_adapter
    from allauth.socialaccount.providers import registry
    from allauth.socialaccount.providers.oauth2.provider import OAuth2Provider

    # The adapter of the app social turns PKCE on for every provider, and that app checks the settings.
    if getattr(get_adapter(), "turns_pkce_on", False):
        return []
    without: list[str] = []
    for kind in registry.get_class_list():
        if not issubclass(kind, OAuth2Provider):
            continue
        options = app_settings.PROVIDERS.get(kind.id, {})
        if options.get("OAUTH_PKCE_ENABLED", kind.pkce_enabled_default):
            continue
        given = options.get("APPS", [options["APP"]] if "APP" in options else [])
        if not given or any(not app.get("settings", {}).get("oauth_pkce_enabled") for app in given):
            without.append(kind.id)
    if not without:
        return []
    fix = ", ".join(f'"{name}": {{"OAUTH_PKCE_ENABLED": True}}' for name in without)
    return [
        Warning(
            f"Sign-in by {', '.join(without)} does not use PKCE.",
            hint=f"Set SOCIALACCOUNT_PROVIDERS = {{{fix}}}, with your other options of each.",
            id="matt_accounts.W009",
        )
    ]
