"""One typed, frozen view of ``settings.MATT_TAILWIND``."""

import os
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from django_matt.settings import read_settings

__all__ = ["TailwindSettings", "get_settings", "root"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TailwindSettings:
    """The options of ``settings.MATT_TAILWIND``, with their defaults. A relative path begins at ``BASE_DIR``.

    >>> TailwindSettings().OUTPUT
    'static/tailwind.css'
    """

    SOURCE: str | os.PathLike[str] = "tailwind.css"
    """Your stylesheet with the tokens of your theme. The first build creates it."""
    OUTPUT: str | os.PathLike[str] = "static/tailwind.css"
    """The stylesheet that is built. Its folder must be one that ``staticfiles`` serves."""
    APPS: tuple[str, ...] = ()
    """Installed apps outside of ``BASE_DIR`` whose files are read too, by their name or label."""

    @property
    def source(self) -> Path:
        """The absolute path of ``SOURCE``."""
        return root() / self.SOURCE

    @property
    def output(self) -> Path:
        """The absolute path of ``OUTPUT``."""
        return root() / self.OUTPUT


def root() -> Path:
    """Return ``BASE_DIR``; the current folder if the project does not have it."""
    return Path(getattr(settings, "BASE_DIR", ".")).resolve()


def get_settings() -> TailwindSettings:
    """Return the project's settings; raise ``ImproperlyConfigured`` for an unknown option or an invalid value."""
    found = read_settings(TailwindSettings, "MATT_TAILWIND")
    for name in ("SOURCE", "OUTPUT"):
        value = getattr(found, name)
        if not isinstance(value, (str, os.PathLike)) or not str(value).endswith(".css"):
            raise ImproperlyConfigured(
                f'settings.MATT_TAILWIND["{name}"] is {value!r}; it must be the path of a .css file.'
            )
    if found.source == found.output:
        raise ImproperlyConfigured(
            'settings.MATT_TAILWIND["OUTPUT"] and ["SOURCE"] are the same file; the first would overwrite the second.'
        )
    if isinstance(found.APPS, str) or not all(isinstance(each, str) for each in found.APPS):
        raise ImproperlyConfigured(
            f'settings.MATT_TAILWIND["APPS"] is {found.APPS!r}; it must be a list of names.'
        )
    return found
