"""The system checks ``matt_request_logs.…``: for the options, the place of the middleware, and ``LOGGING``."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 - Django's name
from django.core.exceptions import ImproperlyConfigured

from django_matt.contrib.request_logs.entries import logger
from django_matt.contrib.request_logs.settings import get_settings

__all__ = ["check_logging", "check_middleware", "check_settings"]

_MIDDLEWARE = "django_matt.contrib.request_logs.middleware.RequestLogMiddleware"
_MAY_BE_ABOVE = {
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.gzip.GZipMiddleware",
}


def check_settings(**_: Any) -> list[CheckMessage]:
    """Report a wrong name or value in ``settings.MATT_REQUEST_LOGS``."""
    try:
        get_settings()
    except ImproperlyConfigured as error:
        hint = "Fix or remove the option in settings.MATT_REQUEST_LOGS."
        return [Error(str(error), hint=hint, id="matt_request_logs.E001")]
    return []


def check_middleware(**_: Any) -> list[CheckMessage]:
    """Warn if the middleware is missing, or is below one of Django's that may answer a request itself.

    Middleware of other packages may be above: WhiteNoise, for example, whose files then write no line.
    """
    if _MIDDLEWARE not in settings.MIDDLEWARE:
        hint = f'Put "{_MIDDLEWARE}" first in MIDDLEWARE, or remove the app from INSTALLED_APPS.'
        return [
            Warning(
                "Requests get no id and no log line: the middleware is missing.",
                hint=hint,
                id="matt_request_logs.W001",
            )
        ]
    above = settings.MIDDLEWARE[: settings.MIDDLEWARE.index(_MIDDLEWARE)]
    wrong = [name for name in above if name.startswith("django.") and name not in _MAY_BE_ABOVE]
    if not wrong:
        return []
    hint = f'Put "{_MIDDLEWARE}" above "{wrong[0]}" in MIDDLEWARE.'
    return [
        Warning(
            f"Requests that {wrong[0].rpartition('.')[2]} answers get no id and no log line.",
            hint=hint,
            id="matt_request_logs.W002",
        )
    ]


def check_logging(**_: Any) -> list[CheckMessage]:
    """Warn if no logging handler receives the lines."""
    if logger.hasHandlers():
        return []
    hint = (
        "Set LOGGING = logging_config(debug=DEBUG), which you import from "
        f'django_matt.contrib.request_logs, or give the logger "{logger.name}" a handler.'
    )
    return [
        Warning(
            "Requests write no log line: no handler gets it.",
            hint=hint,
            id="matt_request_logs.W003",
        )
    ]
