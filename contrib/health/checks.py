"""The system checks ``matt_health.…``: the options are valid, and no two health checks have the same name."""

from typing import Any

from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured

from django_matt.contrib.health.services import collect_checks
from django_matt.contrib.health.settings import get_settings

__all__ = ["check_names", "check_settings"]


def check_settings(**_: Any) -> list[CheckMessage]:
    """Report a wrong name or value in ``settings.MATT_HEALTH``."""
    try:
        get_settings()
    except ImproperlyConfigured as error:
        hint = "Fix or remove the option in settings.MATT_HEALTH."
        return [Error(str(error), hint=hint, id="matt_health.E001")]
    return []


def check_names(**_: Any) -> list[CheckMessage]:
    """Report two health checks with the same name."""
    if check_settings():
        return []
    try:
        collect_checks(get_settings())
    except ImproperlyConfigured as error:
        hint = "Rename one of them in the health_checks() of its app."
        return [Error(str(error), hint=hint, id="matt_health.E002")]
    return []
