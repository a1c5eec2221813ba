"""Long lists piece by piece: a streaming response in the format that the client accepts, under WSGI and ASGI."""

from collections.abc import Callable, Generator
from contextlib import closing
from typing import Any

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse

from django_matt.errors.exceptions import NotAcceptable
from django_matt.formats.negotiation import FormatSet
from django_matt.formats.protocol import Format
from django_matt.formats.responses import JSON_TYPE

__all__ = ["BrokenStream", "respond_piecewise", "select_piecewise", "write_pieces"]


class BrokenStream(Exception):  # noqa: N818 - what failed has been reported already
    """An answer that had begun is broken off, so that the client sees that it is not whole."""


def select_piecewise(request: HttpRequest, formats: FormatSet) -> Format | None:
    """Return the format to answer in if it writes lists piece by piece, else None."""
    try:
        chosen = formats.select(request)
    except NotAcceptable:
        return None
    return None if chosen.separator is None else chosen


def write_pieces(
    chosen: Format,
    batches: Generator[bytes],
    columns: list[str],
    report: Callable[[Exception], bytes],
) -> Generator[bytes]:
    """Yield ``chosen.frame`` of the batches; close them when it is closed, or when they have failed.

    ``report`` takes what failed and returns a problem document. Then ``BrokenStream`` is raised: a server ends such an
    answer without the chunk that says that it is whole.
    """
    with closing(batches):
        try:
            yield from chosen.frame(batches, columns)
        except Exception as error:  # noqa: BLE001
            failed = error
        else:
            return
    yield chosen.break_off(report(failed))
    raise BrokenStream from None


def respond_piecewise(
    request: HttpRequest,
    formats: FormatSet,
    chosen: Format,
    pieces: Generator[bytes],
    *,
    status: int,
    temporal: HttpResponse | None = None,
) -> StreamingHttpResponse:
    """Return the response that sends the pieces as they are made."""
    content: Any = _InThread(pieces) if isinstance(request, ASGIRequest) else pieces
    response = StreamingHttpResponse(content, status=status, content_type=chosen.content_type)
    # Its transaction and cursor belong to one thread (see `django_matt.asgi`).
    response._matt_keeps_thread = True  # type: ignore[attr-defined]
    if temporal is not None:
        # What the view has set itself stays.
        response.status_code = temporal.status_code
        response.cookies = temporal.cookies
        for name, value in temporal.headers.items():
            if (name, value) != ("Content-Type", JSON_TYPE):
                response.headers[name] = value
    formats.vary(response)
    return response


class _InThread:
    """A generator for ASGI: each piece is made in the thread that has the request's connections.

    Django would read a plain generator to its end first. An asynchronous one is closed by the event loop at some later
    time; ``close`` of this is called with the response's, in the same thread.
    """

    def __init__(self, pieces: Generator[bytes]) -> None:
        self._pieces = pieces

    def __aiter__(self) -> "_InThread":
        return self

    async def __anext__(self) -> bytes:
        piece = await _next(self._pieces)
        if piece is None:
            raise StopAsyncIteration
        return piece

    def close(self) -> None:
        self._pieces.close()


@sync_to_async
def _next(pieces: Generator[bytes]) -> bytes | None:
    return next(pieces, None)
