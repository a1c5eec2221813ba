"""The system checks ``matt_rate_limits.…``: the options are valid, and limits count what they should in production."""

from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as CheckWarning
from django.core.exceptions import ImproperlyConfigured
from django.db import connections

from django_matt.contrib.rate_limits.limits import parse_limit
from django_matt.contrib.rate_limits.settings import database_alias, get_settings
from django_matt.contrib.rate_limits.stores import chosen_store
from django_matt.errors.exceptions import MissingExtra
from django_matt.settings import get_settings as core_settings

__all__ = ["check_deployment", "check_middleware", "check_settings", "check_store"]

_MIDDLEWARE = "django_matt.contrib.rate_limits.middleware.SignInLimits"
_VENDORS = ("postgresql", "sqlite")


def check_settings(**_: Any) -> list[CheckMessage]:
    """Report a wrong name or value in ``settings.MATT_RATE_LIMITS``."""
    try:
        for text in get_settings().API:
            parse_limit(text, "")
    except ImproperlyConfigured as error:
        hint = "Fix or remove the option in settings.MATT_RATE_LIMITS."
        return [Error(str(error), hint=hint, id="matt_rate_limits.E001")]
    return []


def check_store(**_: Any) -> list[CheckMessage]:
    """Report a store that cannot count here."""
    if check_settings():
        return []
    options = get_settings()
    alias = database_alias(options.STORE)
    if alias is not None:
        return _check_database(alias)
    try:
        chosen_store(options.STORE, options.TIMEOUT)
    except MissingExtra as error:
        return [Error(str(error), id="matt_rate_limits.E002")]
    except Exception as error:  # noqa: BLE001 - whatever the library says about the URL
        return [
            Error(
                f'settings.MATT_RATE_LIMITS["STORE"] cannot be used: {error}',
                hint='Use "memory", "database" or the URL of a Redis server, such as "redis://127.0.0.1:6379/0".',
                id="matt_rate_limits.E002",
            )
        ]
    return []


def _check_database(alias: str) -> list[CheckMessage]:
    connection = connections[alias]
    if connection.vendor not in _VENDORS:
        return [
            Error(
                f"Rate limits cannot be counted in {connection.display_name}.",
                hint="Use PostgreSQL, SQLite or Redis.",
                id="matt_rate_limits.E002",
            )
        ]
    if connection.settings_dict.get("ATOMIC_REQUESTS"):
        return [
            Error(
                f"Rate limits are counted in the database {alias!r}, which has ATOMIC_REQUESTS: a request that fails "
                "would not count, because its transaction is rolled back.",
                hint='Add the same database to DATABASES again without ATOMIC_REQUESTS, and use "database:<its alias>".',
                id="matt_rate_limits.E003",
            )
        ]
    return []


def check_middleware(**_: Any) -> list[CheckMessage]:
    """Report that sign-in has no limits."""
    signs_in = any(apps.is_installed(app) for app in ("allauth.account", "allauth.headless"))
    if not signs_in or _MIDDLEWARE in settings.MIDDLEWARE:
        return []
    return [
        CheckWarning(
            "Attempts to sign in are not limited by django_matt.contrib.rate_limits.",
            hint=f'Add "{_MIDDLEWARE}" to MIDDLEWARE, before the middleware that queries the database.',
            id="matt_rate_limits.W001",
        )
    ]


def check_deployment(**_: Any) -> list[CheckMessage]:
    """Report what is unsafe in production (``check --deploy``)."""
    if check_settings():
        return []
    options, found = get_settings(), list[CheckMessage]()
    if options.STORE == "memory":
        found.append(
            CheckWarning(
                "Rate limits are counted in memory: each process counts on its own, and forgets when it restarts.",
                hint='Set MATT_RATE_LIMITS["STORE"] to "database" or to the URL of a Redis server.',
                id="matt_rate_limits.W002",
            )
        )
    if core_settings().TRUSTED_PROXIES == 0 and settings.SECURE_PROXY_SSL_HEADER:
        found.append(
            CheckWarning(
                'SECURE_PROXY_SSL_HEADER says that there is a proxy, and MATT["TRUSTED_PROXIES"] that there is none: every '
                "client then has the address of the proxy, and shares its limits by address.",
                hint='Set MATT["TRUSTED_PROXIES"] to the number of proxies, or to their networks.',
                id="matt_rate_limits.W003",
            )
        )
    return found
