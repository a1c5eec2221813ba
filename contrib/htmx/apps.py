"""The app's configuration."""

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from django.apps import AppConfig
from django.core import checks

from django_matt.errors.exceptions import MissingExtra

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django_matt.generation.orders import Generator

__all__ = ["HtmxConfig"]


class HtmxConfig(AppConfig):
    """Add ``"django_matt.contrib.htmx"`` to ``INSTALLED_APPS``."""

    name = "django_matt.contrib.htmx"
    label = "matt_htmx"
    verbose_name = "Django Matt: htmx"

    def ready(self) -> None:
        """Register the system checks."""
        if find_spec("django_htmx") is None:
            raise MissingExtra("django-htmx", "htmx")
        from django_matt.contrib.htmx import checks as ours

        for check in (ours.check_settings, ours.check_apps, ours.check_middleware):
            checks.register(check, "matt_htmx")

    def extend(self, api: Any) -> None:
        """Add the hook for routes with ``@html``."""
        from django_matt.contrib.htmx.hooks import HtmxHook

        api.add_hook(HtmxHook)

    def generators(self) -> "Mapping[str, Generator]":
        """Return the kinds of source for ``manage.py matt_generate … --to htmx``."""
        from django_matt.contrib.htmx.generation import make_detail, make_form, make_list

        return {"list:htmx": make_list, "detail:htmx": make_detail, "form:htmx": make_form}
