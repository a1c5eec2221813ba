"""The app's configuration."""

from typing import TYPE_CHECKING

from django.apps import AppConfig

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django_matt.generation.orders import Generator

__all__ = ["GeneratorsConfig"]


class GeneratorsConfig(AppConfig):
    """Add ``"django_matt.contrib.generators"`` to ``INSTALLED_APPS``."""

    name = "django_matt.contrib.generators"
    label = "matt_generators"
    verbose_name = "Django Matt: generators"

    def generators(self) -> "Mapping[str, Generator]":
        """Return the kinds of source for ``manage.py matt_generate``."""
        from django_matt.contrib.generators.pages import make_form, make_table, make_views

        return {"views": make_views, "form": make_form, "table": make_table}
