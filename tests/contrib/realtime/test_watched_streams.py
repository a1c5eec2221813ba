"""A stream that another app watches is closed as one that none does."""

import asyncio
from contextlib import aclosing
from typing import Any

import pytest

from django_matt.contrib.realtime.responses import StreamResponse
from django_matt.watched_streams import StreamEnd, watch_stream


class Watcher:
    def enter(self) -> Any:
        return None

    def leave(self, before: Any) -> None:
        pass

    def end(self, size: int, ended: StreamEnd | None = None) -> None:
        pass


class Parts:
    """An iterator that is no generator, as the frames of a stream."""

    is_closed = False

    def __aiter__(self) -> "Parts":
        return self

    async def __anext__(self) -> bytes:
        return b"part"

    def close(self) -> None:
        pass


class ClosableParts(Parts):
    async def aclose(self) -> None:
        self.is_closed = True


@pytest.mark.parametrize("kind", [Parts, ClosableParts])
def test_a_stream_that_is_left_is_closed(kind: type[Parts]):
    parts = kind()
    response = StreamResponse(parts)
    watch_stream(response, Watcher())

    async def read() -> None:
        # As Django's handler does it.
        async with aclosing(aiter(response)) as content:
            assert await anext(content) == b"part"

    asyncio.run(read())
    assert parts.is_closed == (kind is ClosableParts)
