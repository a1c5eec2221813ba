"""How the events of a stream are written in another format than JSON: what a format offers to the apps that stream."""

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from django.http import HttpRequest

from django_matt.errors.exceptions import NotAcceptable
from django_matt.formats import FormatSet

__all__ = ["RendersEvents", "StreamedEvent", "find_event_format"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamedEvent:
    """An event of a stream, with data as JSON has it."""

    name: str
    """The topic of an event; ``list``, ``upsert`` or ``remove`` in a live list."""
    data: Any
    kind: Any = None
    """The annotation of the data in the response schema."""
    key: Any = None
    """The primary key of the row, for ``upsert`` and ``remove``."""


@runtime_checkable
class RendersEvents(Protocol):
    """A ``Format`` that writes the events of streams, such as HTML. Its texts are sent as events without a name."""

    def renders_event(self, name: str) -> bool:
        """Return whether it writes events of this name by themselves. If not, a live list is sent as a whole again."""
        ...

    def render_event(self, event: StreamedEvent, request: HttpRequest) -> str:
        """Return the text of an event. It may query the database."""
        ...


def find_event_format(formats: FormatSet | None, request: HttpRequest) -> RendersEvents | None:
    """Return the format that a client asks a stream for, if that format writes events; ``None`` for JSON.

    ``EventSource`` of a browser cannot say that it wants HTML by ``Accept``, so ``?format=html`` says it too.
    """
    try:
        chosen = None if formats is None else formats.select(request)
    except NotAcceptable:
        return None
    return chosen if isinstance(chosen, RendersEvents) else None
