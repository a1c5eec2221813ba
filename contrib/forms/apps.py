"""The app's configuration."""

from typing import Any

from django.apps import AppConfig

__all__ = ["FormsConfig"]


class FormsConfig(AppConfig):
    """Add ``"django_matt.contrib.forms"`` to ``INSTALLED_APPS``."""

    name = "django_matt.contrib.forms"
    label = "matt_forms"
    verbose_name = "Django Matt: forms"

    def extend(self, api: Any) -> None:
        """Add the route to an API that shows its OpenAPI document, which says the same."""
        from django_matt.contrib.forms.settings import get_settings

        options = get_settings()
        if api.openapi_url:
            from django_matt.contrib.forms.controllers import make_controller

            api.register_controllers(make_controller(api, options))
