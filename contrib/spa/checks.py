"""The system checks: settings, a missing build, a development server in production, and origins that CSRF would refuse."""

import os
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 - Django's name
from django.core.exceptions import ImproperlyConfigured
from django.urls import URLResolver, get_resolver
from django.utils.http import is_same_domain

from django_matt.contrib.spa.assets import base_url, render_tags
from django_matt.contrib.spa.errors import NotBuiltError
from django_matt.contrib.spa.settings import DEV_SERVER, dev_server, get_settings

__all__ = ["check_build", "check_origins", "check_settings", "check_urls"]


def check_settings(**_: Any) -> list[CheckMessage]:
    """Report invalid settings, a build that no page can load, and a development server that is ignored."""
    try:
        options = get_settings()
        dev_server()
    except ImproperlyConfigured as error:
        hint = f"Fix or remove the option in settings.MATT_SPA, or the variable {DEV_SERVER}."
        return [Error(str(error), hint=hint, id="matt_spa.E001")]
    found: list[CheckMessage] = []
    if not options.SERVER and base_url(options) is None:
        found.append(
            Error(
                f"Vite builds into {options.OUTPUT}, which is not below a folder of static files.",
                hint='Add its folder: STATICFILES_DIRS = [BASE_DIR / "static"], with "django.contrib.staticfiles" installed.',
                id="matt_spa.E002",
            )
        )
    if os.environ.get(DEV_SERVER) and not settings.DEBUG:
        found.append(
            Warning(
                f"{DEV_SERVER} is set, and DEBUG is off: the development server is ignored, and the build is served.",
                hint=f"Remove {DEV_SERVER} from the environment of production.",
                id="matt_spa.W001",
            )
        )
    return found


def check_build(**_: Any) -> list[CheckMessage]:
    """Report a missing build before a deployment: every page would be a 503. What Node serves is built elsewhere."""
    try:
        if not get_settings().SERVER:
            render_tags()
    except NotBuiltError as error:
        hint = "Run manage.py matt_spa build before collectstatic."
        return [Error(str(error), hint=hint, id="matt_spa.E003")]
    except ImproperlyConfigured:
        pass  # matt_spa.E001
    return []


def check_origins(**_: Any) -> list[CheckMessage]:
    """Report origins whose pages send the session, and whose writes the CSRF check would refuse with a 403."""
    try:
        named = dict.fromkeys(get_settings().ORIGINS, "MATT_SPA")
    except ImproperlyConfigured:
        return []  # matt_spa.E001
    if apps.is_installed("corsheaders") and getattr(settings, "CORS_ALLOW_CREDENTIALS", False):
        for each in getattr(settings, "CORS_ALLOWED_ORIGINS", ()):
            named.setdefault(each, "CORS_ALLOWED_ORIGINS")
    found: list[CheckMessage] = []
    for origin, setting in named.items():
        if not _is_trusted(origin):
            found.append(
                Warning(
                    f"Writes of pages at {origin} ({setting}) fail the CSRF check with a 403.",
                    hint=f'Add it: CSRF_TRUSTED_ORIGINS = ["{origin}"]. Or let its proxy keep the Host header.',
                    id="matt_spa.W002",
                )
            )
        elif origin.startswith("http://") and settings.SESSION_COOKIE_SECURE:
            found.append(
                Warning(
                    f"Pages at {origin} ({setting}) get no session: SESSION_COOKIE_SECURE is on, and their scheme is http.",
                    hint="Serve them by https, or turn SESSION_COOKIE_SECURE off for development.",
                    id="matt_spa.W003",
                )
            )
    return found


def _is_trusted(origin: str) -> bool:
    """Return whether Django's CSRF check accepts the origin for every host (``CSRF_TRUSTED_ORIGINS``)."""
    asked = urlsplit(origin)
    trusted = [urlsplit(str(each)) for each in settings.CSRF_TRUSTED_ORIGINS]
    return any(
        each.scheme == asked.scheme and is_same_domain(asked.netloc, each.netloc.lstrip("*"))
        for each in trusted
    )


def check_urls(**_: Any) -> list[CheckMessage]:
    """Report patterns after the front end's, which no request would reach, and a page that Node renders already."""
    if not getattr(settings, "ROOT_URLCONF", ""):
        return []
    try:
        server = get_settings().SERVER
    except ImproperlyConfigured:
        return []  # matt_spa.E001
    if server and any(_is_page(each) for each in get_resolver().url_patterns):
        return [
            Error(
                "Node renders the pages (SERVER of settings.MATT_SPA), and ROOT_URLCONF has the page of a single-page app too.",
                hint='Remove path("", include("django_matt.contrib.spa.urls")), or SERVER.',
                id="matt_spa.E005",
            )
        ]
    after = list(_after_page(get_resolver().url_patterns))
    if not after:
        return []
    return [
        Error(
            f"The URLs of the front end match everything, and {', '.join(after[:3])} of ROOT_URLCONF come after them.",
            hint='Move path("", include("django_matt.contrib.spa.urls")) to the end of urlpatterns.',
            id="matt_spa.E004",
        )
    ]


def _is_page(pattern: Any) -> bool:
    return isinstance(pattern, URLResolver) and pattern.app_name == "matt_spa"


def _after_page(patterns: list[Any]) -> Iterator[str]:
    """Yield the patterns after the include of the front end that they cannot be reached behind."""
    is_after = False
    for each in patterns:
        if is_after:
            yield repr(str(each.pattern))
        if _is_page(each):
            is_after = not str(each.pattern)
