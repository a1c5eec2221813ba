"""The app's configuration."""

from importlib.util import find_spec
from typing import Any

from django.apps import AppConfig
from django.core import checks

from django_matt.errors.exceptions import MissingExtra

__all__ = ["ObservabilityConfig"]


class ObservabilityConfig(AppConfig):
    """Add ``"django_matt.contrib.observability"`` to ``INSTALLED_APPS``."""

    name = "django_matt.contrib.observability"
    label = "matt_observability"
    verbose_name = "Django Matt: observability"
    uses_client_address = True  # so that the core's check compares the settings of proxies

    def ready(self) -> None:
        """Register the system checks, and observe the queries of every connection."""
        if find_spec("prometheus_client") is None:
            raise MissingExtra("prometheus-client", "observability")
        from django_matt.contrib.observability import checks as ours
        from django_matt.contrib.observability.queries import observe_queries

        for check in (ours.check_settings, ours.check_urls, ours.check_instrumentation):
            checks.register(check, "matt_observability")
        observe_queries()

    def extend(self, api: Any) -> None:
        """Add the hook that observes each request."""
        from django_matt.contrib.observability.hooks import ObserveRequests

        api.add_hook(ObserveRequests)
