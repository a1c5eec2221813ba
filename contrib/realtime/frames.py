"""Server-sent events as bytes (WHATWG HTML, 9.2): how events and comments are written, and what a client has seen."""

import re
from typing import Any

from django.http import HttpRequest

from django_matt.errors.exceptions import UnprocessableContent
from django_matt.serialization.encoders import encoder

__all__ = ["HEARTBEAT", "frame", "last_event_id", "mark", "text_frame"]

HEARTBEAT = b":\n\n"
_LARGEST = 2**63 - 1


def frame(data: Any, *, id: int | None = None, event: str | None = None) -> bytes:  # noqa: A002 - the field's name
    """Return an event; ``data`` is anything that the encoder writes, or ``bytes`` of JSON."""
    text = data if isinstance(data, bytes) else encoder.dumps(data)
    parts = [b"id: %d\n" % id] if id is not None else []
    if event is not None:
        parts.append(b"event: %s\n" % " ".join(event.split()).encode())
    # Between JSON's tokens a line break is a space; inside of a text it is escaped.
    parts.append(b"data: %s\n\n" % text.replace(b"\r", b" ").replace(b"\n", b" "))
    return b"".join(parts)


def text_frame(text: str, *, id: int | None = None) -> bytes:  # noqa: A002 - the field's name
    """Return an event without a name whose data is a text, with the line breaks that it has."""
    lines = "".join(f"data: {line}\n" for line in re.split(r"\r\n|\r|\n", text))
    return b"%s%s\n" % (b"" if id is None else b"id: %d\n" % id, lines.encode())


def mark(position: int, retry: int | None = None) -> bytes:
    """Return a block without an event: the client only remembers the position, and how long to wait before it reconnects."""
    wait = b"" if retry is None else b"retry: %d\n" % retry
    return b"%sid: %d\n\n" % (wait, position)


def last_event_id(request: HttpRequest) -> int | None:
    """Return the position that a client has seen, from ``Last-Event-ID`` or ``?after=``; ``None`` if it names none.

    Raises ``UnprocessableContent`` for anything but a number.
    """
    # The header first: a browser sends it when it reconnects to the URL that it began with.
    text = request.META.get("HTTP_LAST_EVENT_ID") or request.GET.get("after") or ""
    if not text:
        return None
    if not (text.isascii() and text.isdigit()):
        raise UnprocessableContent(
            "Last-Event-ID and ?after= must be a number: the id of an event of this stream.",
            code="invalid_event_id",
        )
    return int(text) if len(text) <= 19 else _LARGEST
