"""The app's configuration."""

from typing import TYPE_CHECKING

from django.apps import AppConfig

if TYPE_CHECKING:
    from django_matt import MattAPI

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
