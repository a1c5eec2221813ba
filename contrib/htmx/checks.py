"""The system checks ``matt_htmx.…``."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import django
from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 - Django's name
from django.core.exceptions import ImproperlyConfigured

from django_matt.contrib.htmx.settings import get_settings

__all__ = ["check_apps", "check_middleware", "check_settings"]

_MIDDLEWARE = "django_matt.contrib.htmx.middleware.HtmxMiddleware"
_THEIRS = "django_htmx.middleware.HtmxMiddleware"
_PARTIALS = "template_partials"


def check_settings(**_: Any) -> list[CheckMessage]:
    """Report a wrong name or value in ``settings.MATT_HTMX``."""
    try:
        found = get_settings()
    except ImproperlyConfigured as error:
        hint = "Fix or remove the option in settings.MATT_HTMX."
        return [Error(str(error), hint=hint, id="matt_htmx.E001")]
    if found.VERSION not in (2, 4):
        text = f'MATT_HTMX["VERSION"] is {found.VERSION!r}: django-htmx contains htmx 2 and 4.'
        return [Error(text, hint="Set it to 4 or to 2.", id="matt_htmx.E001")]
    known = _extensions(found.VERSION)
    # A text by mistake is no tuple of one.
    is_text = isinstance(found.EXTENSIONS, str)
    unknown = [found.EXTENSIONS] if is_text else sorted({*found.EXTENSIONS} - known)
    if unknown:
        named = found.EXTENSIONS if is_text else unknown
        text = f'MATT_HTMX["EXTENSIONS"] has {named!r}, which django-htmx does not contain for htmx {found.VERSION}.'
        hint = f"Choose among: {sorted(known)}."
        return [Error(text, hint=hint, id="matt_htmx.E001")]
    return []


def _extensions(version: int) -> set[str]:
    """Return the names of the extensions that django-htmx contains for a version of htmx."""
    found = find_spec("django_htmx")
    folder = Path((found and found.origin) or "").parent / "static" / "django_htmx" / "ext"
    ending = f"-{version}.min.js"
    names = (file.name for file in folder.glob(f"hx-*{ending}"))
    return {name.removeprefix("hx-").removesuffix(ending) for name in names}


def check_apps(**_: Any) -> list[CheckMessage]:
    """Report apps that are needed and not installed."""
    found: list[CheckMessage] = []
    if not apps.is_installed("django_htmx"):
        text = "The scripts of htmx are not served: django_htmx is not installed."
        hint = 'Add "django_htmx" to INSTALLED_APPS.'
        found.append(Error(text, hint=hint, id="matt_htmx.E002"))
    if django.VERSION < (6, 0) and not apps.is_installed(_PARTIALS):
        text = "Templates cannot have partials: Django has them from 6.0 on."
        hint = (
            'Add "template_partials.apps.SimpleAppConfig" to INSTALLED_APPS, and the loaders and builtins of '
            "docs/htmx.md to TEMPLATES."
        )
        found.append(Error(text, hint=hint, id="matt_htmx.E003"))
    return found


def check_middleware(**_: Any) -> list[CheckMessage]:
    """Report a missing middleware, and one that is there twice."""
    if _MIDDLEWARE not in settings.MIDDLEWARE:
        text = "Redirects and errors are wrong for htmx: its middleware is missing."
        hint = f'Add "{_MIDDLEWARE}" to MIDDLEWARE, behind SessionMiddleware.'
        return [Error(text, hint=hint, id="matt_htmx.E004")]
    if _THEIRS in settings.MIDDLEWARE:
        text = f"{_THEIRS} is not needed: {_MIDDLEWARE} does the same and more."
        return [Warning(text, hint="Remove it from MIDDLEWARE.", id="matt_htmx.W001")]
    return []
