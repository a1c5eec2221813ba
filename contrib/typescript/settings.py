"""One typed, frozen view of ``settings.MATT_TYPESCRIPT``; the options of ``matt_types write`` replace its values."""

import os
from dataclasses import dataclass
from typing import Literal, get_args, get_type_hints

from django.core.exceptions import ImproperlyConfigured

from django_matt.settings import read_settings

__all__ = ["TypeScriptSettings", "get_settings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeScriptSettings:
    """The options of ``settings.MATT_TYPESCRIPT``, with their defaults.

    >>> TypeScriptSettings().MEDIA
    'json'
    """

    API: str | None = None
    """Which API: ``"shop.api:api"``, or its ``urls_namespace``. A project with one API needs none."""
    OUTPUT: str | os.PathLike[str] | None = None
    """The folder for the files; a relative path begins at ``BASE_DIR``. With DEBUG, the hot reload app keeps it fresh."""
    MEDIA: Literal["json", "all"] = "json"
    """Whether bodies are typed in JSON only, or in every format that the API reads and writes."""
    DATES: Literal["string", "temporal"] = "string"
    """Whether a date is any string, or one that is named after the class of Temporal which reads it."""
    DECIMALS: Literal["string", "brand"] = "string"
    """Whether a decimal is any string, or one that no other string can be assigned to."""
    REACT: bool = False
    """Write ``react.ts``: hooks for TanStack Query."""
    ZOD: bool = False
    """Write ``zod.ts``: schemas that validate at run time."""
    INCLUDE: tuple[str, ...] = ()
    """What ``models.d.ts`` has: ``"shop"`` (all models of an app), ``"shop.Order"``, ``"shop.events.OrderPlaced"``."""


def get_settings() -> TypeScriptSettings:
    """Return the project's settings; raise ``ImproperlyConfigured`` for an unknown option or an invalid value."""
    found = read_settings(TypeScriptSettings, "MATT_TYPESCRIPT")
    hints = get_type_hints(TypeScriptSettings)
    for name in ("MEDIA", "DATES", "DECIMALS", "REACT", "ZOD"):
        allowed = (False, True) if hints[name] is bool else get_args(hints[name])
        value = getattr(found, name)
        if value not in allowed or type(value) is not type(allowed[0]):
            raise ImproperlyConfigured(
                f"settings.MATT_TYPESCRIPT[{name!r}] is {value!r}; it must be one of "
                f"{', '.join(map(repr, allowed))}."
            )
    if found.OUTPUT is not None and not isinstance(found.OUTPUT, (str, os.PathLike)):
        raise ImproperlyConfigured(
            f'settings.MATT_TYPESCRIPT["OUTPUT"] is {found.OUTPUT!r}; it must be a path.'
        )
    if isinstance(found.INCLUDE, str) or not all(isinstance(each, str) for each in found.INCLUDE):
        raise ImproperlyConfigured(
            f'settings.MATT_TYPESCRIPT["INCLUDE"] is {found.INCLUDE!r}; it must be a list of names.'
        )
    return found
