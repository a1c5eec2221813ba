"""The app's configuration."""

from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from typing import Any

from django.apps import AppConfig
from django.core.checks import register

from django_matt.event_log import Channel

__all__ = ["RealtimeConfig"]


class RealtimeConfig(AppConfig):
    """Add ``"django_matt.contrib.realtime"`` to ``INSTALLED_APPS``."""

    name = "django_matt.contrib.realtime"
    label = "matt_realtime"
    verbose_name = "Django Matt: realtime"

    def ready(self) -> None:
        """Register the system checks."""
        from django_matt.contrib.realtime.checks import check_models, check_settings

        for check in (check_settings, check_models):
            register(check, "matt")

    def extend(self, api: Any) -> None:
        """Add the hook for routes of the project that stream events from a generator."""
        from django_matt.contrib.realtime.generators import GeneratorHook

        api.add_hook(GeneratorHook)

    def channels(self, api: Any) -> Iterable[Channel]:
        """Return the streams, live lists and sockets of an API; see ``django_matt.event_log.DescribesChannels``."""
        from django_matt.contrib.realtime.channels import channels_of

        return channels_of(api)

    def lifespan(self) -> AbstractAsyncContextManager[object]:
        """Run the hub of this process while the server runs."""
        from django_matt.contrib.realtime.hubs import run_hub

        return run_hub()
