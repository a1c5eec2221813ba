"""Streams of a project's own async generators: comments while they are silent, and an end when the server stops."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any, Self, cast

from django.http.response import HttpResponseBase, StreamingHttpResponse
from ninja.operation import Operation
from ninja.streaming import SSE

from django_matt.contrib.realtime.hubs import Hub, current_hub
from django_matt.contrib.realtime.settings import get_settings
from django_matt.decorators import get_metadata
from django_matt.errors.exceptions import ServiceUnavailable
from django_matt.hooks import Call, OperationHook
from django_matt.streams import Event, close_stream_async

__all__ = ["GeneratorHook", "Items"]

_COMMENT: Event[Any] = Event(comment=" ")
_END = object()


class Items:
    """The items of a generator and the comments between them, in the event loop of the hub.

    One task makes all items: an ``asyncio.timeout()`` in a generator cancels the task that began it.
    """

    topics = frozenset[str]()

    def __init__(self, hub: Hub, items: Any) -> None:
        """Take the generator."""
        self.deadline = 0.0
        self._hub = hub
        self._items = items
        self._queue: asyncio.Queue[Any] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self._sender: asyncio.Task[Any] | None = None
        self._is_sending = False

    def wake(self) -> None:
        """Send a comment, as there was no item for so long."""
        self._plan_beat()
        # Otherwise the client does not read.
        if self._queue.empty() and not self._is_sending:
            self._queue.put_nowait(_COMMENT)

    def end(self) -> None:
        """End the generator, as the server stops."""
        if self._task is not None:
            self._task.cancel()

    def cut(self) -> None:
        """End while an item is sent that the client does not read."""
        if self._sender is not None:
            self._sender.cancel()

    def close(self) -> None:
        """Do the same from any thread. A client that leaves while an item is sent does not reach the generator."""
        with suppress(RuntimeError):  # the loop has ended
            self._hub.loop.call_soon_threadsafe(self.end)

    async def iterate(self) -> AsyncIterator[Any]:
        """Yield the items and the comments. The generator goes on when its last item was sent."""
        self._sender = asyncio.current_task()
        with suppress(ServiceUnavailable):  # the server stops
            self._hub.join(self)
            self._task = asyncio.create_task(self._make())
            self._task.add_done_callback(self._finish)
        if self._task is None:
            return
        try:
            while True:
                self._plan_beat()
                item = await self._queue.get()
                if item is _END:
                    if not self._task.cancelled():
                        self._task.result()  # raises what the generator has raised
                    break
                self._is_sending = True
                yield item
                self._is_sending = False
                self._queue.task_done()
        finally:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._hub.leave(self)

    def _plan_beat(self) -> None:
        self.deadline = self._hub.loop.time() + get_settings().HEARTBEAT

    def _finish(self, _: "asyncio.Task[None]") -> None:
        if not self._hub.is_ending:  # then the hub cuts what is still sent
            self._hub.leave(self)
        self._queue.put_nowait(_END)

    async def _make(self) -> None:
        try:
            async for item in self._items:
                self._queue.put_nowait(item)
                await self._queue.join()
        finally:
            await close_stream_async(self._items)


class _Parts:
    """The parts of a response, with a ``close`` that Django calls at its end."""

    def __init__(self, parts: Any, close: Callable[[], None]) -> None:
        self._parts = parts
        self.close = close

    def __aiter__(self) -> Any:
        return aiter(self._parts)


class GeneratorHook(OperationHook):
    """Keeps the streams of async generators with ``SSE`` and ``EventStream`` open."""

    order = -1000  # outside of everything that changes the items
    never_blocks = True

    @classmethod
    def bind(cls, operation: Operation, api: Any) -> Self | None:
        """Return the hook of an async route that streams events."""
        kind = operation.stream_format
        is_ours = get_metadata("subscription", operation.view_func) is not None
        if kind is None or not issubclass(kind, SSE) or is_ours or not operation.is_async:
            return None
        return cls()

    def result(self, call: Call, result: Any) -> Any:
        """Send comments in between, where the server runs a hub."""
        with suppress(ServiceUnavailable):
            items = call.state[self] = Items(current_hub(call.request), result)
            return items.iterate()
        return result

    def response(self, call: Call, response: HttpResponseBase) -> HttpResponseBase | None:
        """End the generator with the response."""
        items, streamed = call.state.get(self), cast("StreamingHttpResponse", response)
        if items is not None and response.streaming:
            streamed.streaming_content = _Parts(streamed.streaming_content, items.close)
        return None
