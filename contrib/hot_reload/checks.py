"""System checks ``matt_hot_reload.…``: never deployed, its command found, its middleware where it works."""

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
    """Refuse the app in production: it is for the machine of a developer."""
    hint = (
        f'Add "{_APP}" to INSTALLED_APPS and its middleware to MIDDLEWARE only where DEBUG is on.'
    )
    return [Error("Hot reload is installed.", hint=hint, id="matt_hot_reload.E001")]


def check_settings(**_: Any) -> list[CheckMessage]:
    """Report a name in ``settings.MATT_HOT_RELOAD`` that does not exist."""
    try:
        get_settings()
    except ImproperlyConfigured as error:
        hint = "Correct or remove the option in settings.MATT_HOT_RELOAD."
        return [Error(str(error), hint=hint, id="matt_hot_reload.E002")]
    return []


def check_command(**_: Any) -> list[CheckMessage]:
    """Warn where another app's ``runserver`` comes first, and where DEBUG is off and everything here is idle."""
    if not settings.DEBUG:
        hint = f'Leave "{_APP}" out of INSTALLED_APPS where DEBUG is off; nothing of it runs there.'
        return [Warning("Hot reload needs DEBUG.", hint=hint, id="matt_hot_reload.W001")]
    owner = get_commands().get("runserver")
    name = owner if isinstance(owner, str) else type(owner).__module__
    if name == _APP:
        return []
    hint = f'Put "{_APP}" above "{name}" in INSTALLED_APPS.'
    return [
        Warning(f"manage.py runserver is that of {name}.", hint=hint, id="matt_hot_reload.W002")
    ]


def check_middleware(**_: Any) -> list[CheckMessage]:
    """Warn where pages get no script, because the middleware is missing or sees them compressed."""
    if not settings.DEBUG:
        return []
    if _MIDDLEWARE not in settings.MIDDLEWARE:
        hint = f'Put "{_MIDDLEWARE}" first in MIDDLEWARE.'
        return [Warning("No page follows an edit.", hint=hint, id="matt_hot_reload.W003")]
    before = settings.MIDDLEWARE[settings.MIDDLEWARE.index(_MIDDLEWARE) :]
    if _GZIP not in before:
        return []
    hint = f'Put "{_MIDDLEWARE}" below "{_GZIP}" in MIDDLEWARE.'
    return [Warning("Compressed pages follow no edit.", hint=hint, id="matt_hot_reload.W004")]
