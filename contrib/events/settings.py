"""One typed, frozen view of ``settings.MATT_EVENTS``."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.core.exceptions import ImproperlyConfigured

from django_matt.settings import read_settings

__all__ = ["EventSettings", "get_settings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSettings:
    """The options of ``settings.MATT_EVENTS``, with their defaults.

    >>> EventSettings().RETENTION_DAYS
    30
    """

    RELAY: bool = True
    """Give positions to new events in each server process too, and not only in ``matt_events work`` and ``relay``."""
    ASYNCAPI: bool = True
    """Serve the AsyncAPI document of the events beside the OpenAPI document of each API."""
    RETENTION_DAYS: int = 30
    """For how many days ``matt_prune`` keeps an event, and longer if a consumer has not processed it."""
    TRIGGERS: Sequence[str] = ()
    """The models, as ``"shop.Order"``, whose changes are published by triggers, which ``migrate`` writes."""
    LEASE: float = 60.0
    """After how many seconds an event that a dead worker was processing is processed again; with ``once=True``, at most 5."""


def get_settings() -> EventSettings:
    """Return the project's settings; raise ``ImproperlyConfigured`` for an unknown name or an invalid value."""
    found = read_settings(EventSettings, "MATT_EVENTS")
    for name in ("RETENTION_DAYS", "LEASE"):
        value = getattr(found, name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
            raise ImproperlyConfigured(
                f'settings.MATT_EVENTS["{name}"] is {value!r}; it must be a number above 0.'
            )
    if isinstance(found.TRIGGERS, str) or not all(isinstance(each, str) for each in found.TRIGGERS):
        raise ImproperlyConfigured(
            f'settings.MATT_EVENTS["TRIGGERS"] is {found.TRIGGERS!r}; it must be a list of models, such as ["shop.Order"].'
        )
    return found
