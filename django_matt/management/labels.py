"""The apps and models that a command's arguments name, and what to say about a name that there is not."""

from collections.abc import Collection
from difflib import get_close_matches

from django.apps import AppConfig, apps
from django.core.management.base import CommandError
from django.db.models import Model

__all__ = ["find_app", "models_of", "suggest"]


def find_app(label: str) -> AppConfig:
    """Return an installed app; raise ``CommandError`` with the nearest label for one that is not installed."""
    known = {config.label: config for config in apps.get_app_configs()}
    if label not in known:
        raise CommandError(f"There is no app {label!r}.{suggest(label, known)}")
    return known[label]


def models_of(app: AppConfig) -> dict[str, type[Model]]:
    """Return the models of an app by their names in lower case, those that are swapped out too."""
    return {model.__name__.lower(): model for model in app.get_models(include_swapped=True)}


def suggest(name: str, known: Collection[str]) -> str:
    """Return a sentence that names what was probably meant, or else everything that is known.

    >>> suggest("shp", ["shop", "news"])
    " Did you mean 'shop'?"
    """
    found = get_close_matches(name, known, 1, 0.5)
    if found:
        return f" Did you mean {found[0]!r}?"
    return f" Known are {', '.join(sorted(known))}." if known else " It has none."
