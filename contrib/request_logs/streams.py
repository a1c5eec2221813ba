"""Streaming responses, whose entry is logged when the last part is sent or the client has left."""

from asyncio import CancelledError
from collections.abc import AsyncIterator, Iterator

from django_matt.contrib.request_logs.entries import Entry

__all__ = ["AsyncParts", "Parts"]


class _Counted:
    """Counts the bytes of a stream and logs its entry once.

    Each part is made in ``with self``: with the request's id and query count, because the middleware has ended by then.
    The exception that leaves it says how the stream has ended.
    """

    _complete: type[Exception]
    _disconnected: tuple[type[BaseException], ...]

    def __init__(self, entry: Entry) -> None:
        self._entry = entry
        self._size = 0
        self._has_begun = False

    def __enter__(self) -> None:
        self._has_begun = True
        self._before = self._entry.enter()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                return
            if issubclass(kind, self._complete):
                self._entry.log(self._size)
            elif issubclass(kind, self._disconnected):
                self.close()
            else:
                self._entry.log(self._size, "failed")
        finally:
            self._entry.leave(self._before)

    def close(self) -> None:
        """Log a stream that was not read to its end. Django calls this with the response's ``close``."""
        # A response to HEAD is never read.
        self._entry.log(self._size, "disconnected" if self._has_begun else None)


class Parts(_Counted):
    """The parts of a synchronous stream."""

    _complete = StopIteration
    _disconnected = (GeneratorExit,)

    def __init__(self, parts: Iterator[bytes], entry: Entry) -> None:
        """Take the parts of the response, and its entry."""
        super().__init__(entry)
        self._parts = parts

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        with self:
            part = next(self._parts)
        self._size += len(part)
        return part


class AsyncParts(_Counted):
    """The parts of an asynchronous stream."""

    _complete = StopAsyncIteration
    _disconnected = (CancelledError, GeneratorExit)

    def __init__(self, parts: AsyncIterator[bytes], entry: Entry) -> None:
        """Take the parts of the response, and its entry."""
        super().__init__(entry)
        self._parts = parts

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        with self:
            part = await anext(self._parts)
        self._size += len(part)
        return part
