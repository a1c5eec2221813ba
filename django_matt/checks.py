"""System checks of the core, ids ``matt.E001`` …"""

from typing import Any

from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ImproperlyConfigured

from django_matt.settings import get_settings

__all__ = ["check_settings"]


@register("matt")
def check_settings(**_: Any) -> list[CheckMessage]:
    """Report a name in ``settings.MATT`` that does not exist."""
    try:
        get_settings()
    except ImproperlyConfigured as error:
        return [
            Error(str(error), hint="Mend or remove the option in settings.MATT.", id="matt.E001")
        ]
    return []
