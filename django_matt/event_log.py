"""The Protocols by which apps share events: ``events`` writes a log and describes it, ``realtime`` streams it."""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from django.apps import apps
from django.db.models import Model

__all__ = ["Channel", "DescribesChannels", "EventLog", "LoggedEvent", "find_event_log"]


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """One committed event. ``position`` orders all events of the log, from 1, without two alike."""

    position: int
    id: str
    topic: str
    key: str
    tenant: str
    data: dict[str, Any]
    version: int
    created: datetime


@runtime_checkable
class EventLog(Protocol):
    """An ``AppConfig`` with a log of committed events in the order of their positions.

    A position is given after the commit, so an event never appears before one that a reader has already passed.
    """

    def first_position(self) -> int:
        """Return the position of the oldest event that is still stored; one more than the last if there is none."""
        ...

    def last_position(self) -> int:
        """Return the position of the newest event; 0 if there was none."""
        ...

    def read_events(
        self, after: int, *, topics: Sequence[str] = (), limit: int = 1000
    ) -> list[LoggedEvent]:
        """Return the events after a position, in order, of all topics if none is named; one query."""
        ...

    def positions(self) -> AsyncIterator[int]:
        """Yield the last position at the start and whenever it is another one; a log that is emptied goes back."""
        ...

    def publish_changes(self, model: type[Model]) -> str:
        """Publish the changes of a model from now on, and return their topic.

        Each event has the primary key as its ``key``, and the data ``{"verb": "created" | "changed" | "deleted"}``.
        """
        ...

    def publishes_changes(self, model: type[Model]) -> bool:
        """Return whether the changes of a model are published in this process."""
        ...

    def knows_topic(self, topic: str) -> bool:
        """Return whether this process could publish events of a topic; otherwise its name may be misspelled."""
        ...


def find_event_log() -> EventLog | None:
    """Return the event log of the installed apps; ``None`` if no app has one."""
    return next((each for each in apps.get_app_configs() if isinstance(each, EventLog)), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A stream or a socket of an API, for its AsyncAPI document. Messages are types that pydantic knows."""

    path: str
    """Below the API, with its parameters in braces: ``"/chat/{room}"``."""
    sends: Sequence[Any] = ()
    """What clients get."""
    receives: Sequence[Any] = ()
    """What clients send."""
    description: str = ""


@runtime_checkable
class DescribesChannels(Protocol):
    """An ``AppConfig`` whose streams and sockets are in the AsyncAPI document of each API, with the app ``events``."""

    def channels(self, api: Any) -> Iterable[Channel]:
        """Return the channels that the app has added to an API."""
        ...
