"""The app's configuration."""

from typing import TYPE_CHECKING

from django.apps import AppConfig

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django_matt import MattAPI
    from django_matt.generation.orders import Generator

__all__ = ["CrudConfig"]


class CrudConfig(AppConfig):
    """Add ``"django_matt.contrib.crud"`` to ``INSTALLED_APPS``."""

    name = "django_matt.contrib.crud"
    label = "matt_crud"
    verbose_name = "Django Matt: crud"

    def extend(self, api: "MattAPI") -> None:
        """Register the response for refused rows, which names their positions in the body."""
        from django_matt.contrib.crud.errors import RowsRefused, rows_error
        from django_matt.contrib.crud.settings import get_settings

        get_settings()
        api.register_error(RowsRefused, rows_error)

    def generators(self) -> "Mapping[str, Generator]":
        """Return the kinds of source for ``manage.py matt_generate``."""
        from django_matt.contrib.crud.generation.generators import make_controller, make_crud

        return {"crud": make_crud, "controller": make_controller}
