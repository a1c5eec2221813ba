"""One typed, frozen view of ``settings.MATT_REALTIME``."""

from dataclasses import dataclass

from django.core.exceptions import ImproperlyConfigured

from django_matt.settings import read_settings

__all__ = ["RealtimeSettings", "get_settings"]

_MOST_CHECK = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class RealtimeSettings:
    """The options of ``settings.MATT_REALTIME``, with their defaults.

    >>> RealtimeSettings().HEARTBEAT
    15.0
    """

    HEARTBEAT: float = 15.0
    """After how many seconds without an event a stream sends a comment, so that no proxy closes it."""
    RETRY: int = 3_000
    """How many milliseconds a browser waits before it reconnects."""
    CHECK: float = 60.0
    """After how many seconds the permission of an open stream or socket is checked again; at most 300."""
    MERGE: float = 0.1
    """For how many seconds a live list collects changes, so that many changes of one row are sent once."""
    MAX_STREAMS: int = 1_000
    """How many streams and sockets a process has open at most; further ones get a 503."""
    MAX_STREAMS_PER_USER: int = 20
    """How many of them belong to one user, or to one address without a user; further ones get a 429."""
    KEEP_EVENTS: int = 1_000
    """How many events a process keeps in memory. A client that is further behind is sent what the log has."""
    KEEP_BYTES: int = 8_000_000
    """How many bytes these events have at most."""
    RESUME: int = 10_000
    """How many positions of the log a client may be behind when it comes back; one that is further behind is told to reset."""
    MAX_MESSAGE: int = 65_536
    """How many bytes a message to a socket may have."""
    MESSAGES: float = 20.0
    """How many messages per second a socket accepts on average; five times as many at once."""
    IDLE: float | None = None
    """After how many seconds without a message a socket is closed; ``None`` for never."""


def get_settings() -> RealtimeSettings:
    """Return the project's settings; raise ``ImproperlyConfigured`` for an unknown name or an invalid value."""
    found = read_settings(RealtimeSettings, "MATT_REALTIME")
    for name in RealtimeSettings.__dataclass_fields__:
        value = getattr(found, name)
        if name == "IDLE" and value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
            raise ImproperlyConfigured(
                f'settings.MATT_REALTIME["{name}"] is {value!r}; it must be a number above 0.'
            )
    if found.CHECK > _MOST_CHECK:
        raise ImproperlyConfigured(
            f'settings.MATT_REALTIME["CHECK"] is {found.CHECK!r}; it must be at most {_MOST_CHECK} seconds.'
        )
    return found
