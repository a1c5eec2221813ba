"""The system checks of what is around the project: the proxies in front of it, and its server. ``checks`` registers them."""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Warning  # noqa: A004 - Django's name
from django.core.exceptions import ImproperlyConfigured

from django_matt.settings import get_settings

__all__ = ["check_persistent_connections", "check_proxies"]


def check_proxies() -> list[CheckMessage]:
    """Warn if a library trusts other proxies than Django Matt: the same client would have two addresses."""
    try:
        trusted = get_settings().TRUSTED_PROXIES
    except ImproperlyConfigured:  # check_settings reports it
        return []
    if not trusted and not any(
        getattr(app, "uses_client_address", False) for app in apps.get_app_configs()
    ):
        return []
    return [
        Warning(
            f'{name} is {theirs!r}, and MATT["TRUSTED_PROXIES"] is {trusted!r}: the same client has two addresses.',
            hint=f'Set MATT["TRUSTED_PROXIES"] to the proxies in front of your server, and {name} to their number.',
            id="matt.W010",
        )
        for name, theirs in _others_proxies()
        if (theirs != trusted if isinstance(trusted, int) else not theirs)
    ]


def _others_proxies() -> Iterator[tuple[str, Any]]:
    """Yield the settings of other libraries that say how many proxies are trusted, as far as they count."""
    for name, value in (
        ("NINJA_NUM_PROXIES", getattr(settings, "NINJA_NUM_PROXIES", None)),
        ('NINJA_EXTRA["NUM_PROXIES"]', getattr(settings, "NINJA_EXTRA", {}).get("NUM_PROXIES")),
    ):
        if value is not None:  # without it, throttles use ours
            yield name, value
    uses_header = getattr(settings, "ALLAUTH_TRUSTED_CLIENT_IP_HEADER", None)
    if "allauth.account" in settings.INSTALLED_APPS and not uses_header:
        yield "ALLAUTH_TRUSTED_PROXY_COUNT", getattr(settings, "ALLAUTH_TRUSTED_PROXY_COUNT", 0)


def check_persistent_connections() -> list[CheckMessage]:
    """Warn if ``CONN_MAX_AGE`` keeps connections under ASGI, whose requests do not find them again."""
    application = getattr(settings, "ASGI_APPLICATION", None)
    if not application or _keeps_threads(application):
        return []
    kept = [
        alias
        for alias, options in settings.DATABASES.items()
        if options.get("CONN_MAX_AGE", 0) != 0
    ]
    hint = (
        "Import get_asgi_application from django_matt.asgi, whose threads reuse connections. Or set CONN_MAX_AGE to 0. On PostgreSQL, a pool can then keep connections: "
        "OPTIONS = {'pool': True}, with pip install 'psycopg[pool]'."
    )
    return [
        Warning(
            f"CONN_MAX_AGE of {alias!r} leaves unused connections open under ASGI (ASGI_APPLICATION is set).",
            hint=hint,
            id="matt.W004",
        )
        for alias in kept
    ]


def _keeps_threads(application: str) -> bool:
    """Tell whether the module of ``ASGI_APPLICATION`` names ``django_matt.asgi``; it is read, for its import has effects."""
    try:
        spec = find_spec(application.rpartition(".")[0])
        return "django_matt.asgi" in Path(str(spec and spec.origin)).read_text()
    except (ImportError, OSError, UnicodeDecodeError, ValueError):
        return False
