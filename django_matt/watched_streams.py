"""Streaming responses that tell an app when their last part is sent, or the client has left."""

from asyncio import CancelledError
from collections.abc import AsyncIterator, Iterator
from typing import Any, Literal, Protocol

__all__ = ["StreamEnd", "WatchesStream", "watch_stream"]

StreamEnd = Literal["disconnected", "failed"]


class WatchesStream(Protocol):
    """What is told about a stream. Each part is made between ``enter`` and ``leave``: the request has ended by then."""

    def enter(self) -> Any:
        """Make the request's variables the current ones, and return those before."""
        ...

    def leave(self, before: Any) -> None:
        """Restore what ``enter`` has returned."""
        ...

    def end(self, size: int, ended: StreamEnd | None = None) -> None:
        """Take the bytes that were sent, and how the stream has ended: ``None`` if it is complete. The first call counts."""
        ...


def watch_stream(response: Any, watcher: WatchesStream) -> None:
    """Tell ``watcher`` about a ``StreamingHttpResponse``."""
    content = response.streaming_content
    response.streaming_content = (
        _AsyncParts(aiter(content), watcher)
        if response.is_async
        else _Parts(iter(content), watcher)
    )


class _Watched:
    """Counts the bytes of a stream. The exception that leaves a part says how the stream has ended."""

    _complete: type[Exception]
    _disconnected: tuple[type[BaseException], ...]

    def __init__(self, watcher: WatchesStream) -> None:
        self._watcher = watcher
        self._size = 0
        self._has_begun = False

    def __enter__(self) -> None:
        self._has_begun = True
        self._before = self._watcher.enter()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                return
            if issubclass(kind, self._complete):
                self._watcher.end(self._size)
            elif issubclass(kind, self._disconnected):
                self.close()
            else:
                self._watcher.end(self._size, "failed")
        finally:
            self._watcher.leave(self._before)

    def close(self) -> None:
        """End a stream that was not read to its end. Django calls this with the response's ``close``."""
        # A response to HEAD is never read.
        self._watcher.end(self._size, "disconnected" if self._has_begun else None)


class _Parts(_Watched):
    _complete = StopIteration
    _disconnected = (GeneratorExit,)

    def __init__(self, parts: Iterator[bytes], watcher: WatchesStream) -> None:
        super().__init__(watcher)
        self._parts = parts

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        with self:
            part = next(self._parts)
        self._size += len(part)
        return part


class _AsyncParts(_Watched):
    _complete = StopAsyncIteration
    _disconnected = (CancelledError, GeneratorExit)

    def __init__(self, parts: AsyncIterator[bytes], watcher: WatchesStream) -> None:
        super().__init__(watcher)
        self._parts = parts

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        with self:
            part = await anext(self._parts)
        self._size += len(part)
        return part

    async def aclose(self) -> None:
        """Close the parts. Django's handler calls this of what a response's ``__aiter__`` returns."""
        close = getattr(self._parts, "aclose", None)
        if close is not None:
            await close()
