"""Items of a stream with more than data: the id, name, comment and retry time of a server-sent event."""

import inspect
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any, Generic, TypeVar, get_args, get_origin, get_type_hints

from ninja.streaming import SSE, StreamFormat

__all__ = ["Chunk", "Event", "close_stream", "close_stream_async", "mentions_event", "with_events"]

T = TypeVar("T")


class _NoData:
    def __repr__(self) -> str:
        return "NO_DATA"


NO_DATA: Any = _NoData()


@dataclass(frozen=True, slots=True)
class Event(Generic[T]):
    r"""An item of ``SSE[T]`` or ``JSONL[T]`` that has more than data. Yield it from a generator.

    ``data`` must fit the schema of the stream. ``bytes`` must be JSON, and are sent unchanged, without validation. The
    client sends ``id`` back as ``Last-Event-ID`` when it reconnects. ``event`` is the name for which it listens, and
    ``retry`` the milliseconds it waits before it reconnects. Clients ignore ``comment``: an
    ``Event(comment="still here")`` keeps an idle connection open. JSON Lines contain only the data.

    It raises ``ValueError`` for an id or a name with a line break, and for a negative ``retry``.

    >>> Event({"price": 3}, id=7, event="price")
    Event(data={'price': 3}, id=7, event='price', retry=None, comment=None)
    """

    data: T | bytes = NO_DATA
    id: str | int | None = None
    event: str | None = None
    retry: int | None = None
    comment: str | None = None

    def __post_init__(self) -> None:
        """Refuse what would end a field early, and so begin another one."""
        for name in ("id", "event"):
            text = str(getattr(self, name) or "")
            if any(sign in text for sign in "\r\n\0"):
                raise ValueError(f"The {name} of an event must be one line, not {text!r}.")
        if self.retry is not None and self.retry < 0:
            raise ValueError(
                f"The retry of an event must be a number of milliseconds, not {self.retry}."
            )


class Chunk(str):
    """A part of a stream that is framed already."""

    __slots__ = ()


@cache
def with_events(kind: type[StreamFormat[Any]], *, described: bool) -> type[StreamFormat[Any]]:
    """Return a stream format that takes events as well; where ``described``, the OpenAPI document has their fields."""

    class WithEvents(kind):  # type: ignore[misc,valid-type]
        @classmethod
        def format_chunk(cls, data: str) -> str:
            return data if type(data) is Chunk else super().format_chunk(data)

        @classmethod
        def openapi_content_schema(cls, item_schema: dict[str, Any]) -> dict[str, Any]:
            content: dict[str, Any] = super().openapi_content_schema(item_schema)
            if described and issubclass(kind, SSE):
                for media in content.values():
                    media["schema"]["properties"] |= {
                        "id": {"type": "string"},
                        "event": {"type": "string"},
                        "retry": {"type": "integer", "minimum": 0},
                    }
            return content

        @classmethod
        def frame(cls, event: Event[Any], write: Callable[[Any], str]) -> Chunk:
            """Return the part of the stream that an event is, its data written by ``write``."""
            text = None
            if isinstance(event.data, bytes):
                # Between JSON's tokens a line break is a space; inside of a text it is escaped.
                text = event.data.decode().replace("\r", " ").replace("\n", " ")
            elif event.data is not NO_DATA:
                text = write(event.data)
            if not issubclass(kind, SSE):
                return Chunk("" if text is None else kind.format_chunk(text))
            lines = [f": {line}" for line in (event.comment or "").splitlines()]
            for name in ("id", "event", "retry"):
                value = getattr(event, name)
                if value is not None:
                    lines.append(f"{name}: {value}")
            fields = "".join(f"{line}\n" for line in lines)
            return Chunk(f"{fields}\n" if text is None else fields + kind.format_chunk(text))

    WithEvents.__name__, WithEvents.__qualname__ = kind.__name__, kind.__qualname__
    return WithEvents


def mentions_event(view: Any) -> bool:
    """Tell whether the annotation of what a view returns has ``Event``, as ``Iterator[Event[Price]]`` has."""
    # A name that exists for type checkers alone cannot be looked at, and says nothing.
    with suppress(Exception):
        return _has_event(get_type_hints(inspect.unwrap(view)).get("return"))
    return False


def _has_event(annotation: Any) -> bool:
    return annotation is Event or any(
        _has_event(part) for part in (get_origin(annotation), *get_args(annotation)) if part
    )


def close_stream(items: Any) -> None:
    """Close the generator of a view, so that its ``finally`` runs when the response ends and not at some later time."""
    close = getattr(items, "close", None)
    if close is not None:
        close()


async def close_stream_async(items: Any) -> None:
    """The same for an async generator."""
    aclose = getattr(items, "aclose", None)
    if aclose is not None:
        await aclose()
