"""The system check ``matt_typescript.E001``: wrong settings."""

from typing import Any

from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured

from django_matt.contrib.typescript.errors import TypesError
from django_matt.contrib.typescript.files import output_folder
from django_matt.contrib.typescript.settings import get_settings

__all__ = ["check_settings"]


def check_settings(**_: Any) -> list[CheckMessage]:
    """Report an unknown option, an invalid value, and an output folder that cannot be written to."""
    try:
        chosen = get_settings()
        if chosen.OUTPUT is not None:
            output_folder(chosen.OUTPUT)
    except (ImproperlyConfigured, TypesError) as error:
        hint = "Fix or remove the option in settings.MATT_TYPESCRIPT."
        return [Error(str(error), hint=hint, id="matt_typescript.E001")]
    return []
