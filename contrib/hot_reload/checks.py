"""The system checks ``matt_hot_reload.…``: for production, the ``runserver`` command and the middleware."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 - Django's name
from django.core.exceptions import ImproperlyConfigured
from django.core.management import get_commands

from django_matt.contrib.hot_reload.settings import get_settings

__all__ = ["check_command", "check_deployment", "check_middleware", "check_settings"]

_APP = "django_matt.contrib.hot_reload"
_MIDDLEWARE = f"{_APP}.middleware.HotReloadMiddleware"
_GZIP = "django.middleware.gzip.GZipMiddleware"


def check_deployment(**_: Any) -> list[CheckMessage]:
    """Report the app in production. It is for development only."""
    hint = f'Add "{_APP}" to INSTALLED_APPS and its middleware to MIDDLEWARE only if DEBUG is on.'
    if settings.DEBUG:
        hint += " If that is so already, these are not the settings of production: check with DEBUG off."
    return [
        Error(
            "Hot reload is installed; it is for development only.",
            hint=hint,
            id="matt_hot_reload.E001",
        )
    ]


def check_settings(**_: Any) -> list[CheckMessage]:
    """Report an unknown option in ``settings.MATT_HOT_RELOAD``."""
    try:
        get_settings()
    except ImproperlyConfigured as error:
        hint = "Fix or remove the option in settings.MATT_HOT_RELOAD."
        return [Error(str(error), hint=hint, id="matt_hot_reload.E002")]
    return []


def check_command(**_: Any) -> list[CheckMessage]:
    """Warn if another app's ``runserver`` is found first, or if DEBUG is off, which turns hot reload off."""
    if not settings.DEBUG:
        hint = f'Leave "{_APP}" out of INSTALLED_APPS if DEBUG is off: it does nothing then.'
        return [Warning("Hot reload needs DEBUG.", hint=hint, id="matt_hot_reload.W001")]
    owner = get_commands().get("runserver")
    name = owner if isinstance(owner, str) else type(owner).__module__
    if name == _APP:
        return []
    hint = f'Put "{_APP}" above "{name}" in INSTALLED_APPS.'
    return [
        Warning(
            f"manage.py runserver is the command of {name}.", hint=hint, id="matt_hot_reload.W002"
        )
    ]


def check_middleware(**_: Any) -> list[CheckMessage]:
    """Warn if pages get no script, because the middleware is missing or gets compressed pages."""
    if not settings.DEBUG:
        return []
    if _MIDDLEWARE not in settings.MIDDLEWARE:
        hint = f'Put "{_MIDDLEWARE}" first in MIDDLEWARE.'
        return [
            Warning(
                "Pages do not reload when you edit a file: the middleware is missing.",
                hint=hint,
                id="matt_hot_reload.W003",
            )
        ]
    before = settings.MIDDLEWARE[settings.MIDDLEWARE.index(_MIDDLEWARE) :]
    if _GZIP not in before:
        return []
    hint = f'Put "{_MIDDLEWARE}" below "{_GZIP}" in MIDDLEWARE.'
    return [
        Warning(
            "Compressed pages do not reload when you edit a file.",
            hint=hint,
            id="matt_hot_reload.W004",
        )
    ]
