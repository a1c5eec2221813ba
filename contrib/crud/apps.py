"""The app's configuration."""

from functools import partial
from typing import Any

from django.apps import AppConfig

__all__ = ["CrudConfig"]


class CrudConfig(AppConfig):
    """Add ``"django_matt.contrib.crud"`` to ``INSTALLED_APPS``."""

    name = "django_matt.contrib.crud"
    label = "matt_crud"
    verbose_name = "Django Matt: crud"

    def extend(self, api: Any) -> None:
        """Answer refused rows by their place in the request's body."""
        from django_matt.contrib.crud.errors import RowsRefused, answer_rows
        from django_matt.contrib.crud.settings import get_settings

        get_settings()
        api.add_exception_handler(RowsRefused, partial(answer_rows, api=api))
