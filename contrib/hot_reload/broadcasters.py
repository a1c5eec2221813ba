"""The broadcaster: sends events to all open pages, and keeps the failures that they show."""

import asyncio
import json
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any

from django_matt.contrib.hot_reload.failures import Failure

__all__ = ["Broadcaster", "Receive", "Scope", "Send", "current_hub", "set_hub"]

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

MAX_SOCKETS = 200
_MAX_WAITING = 64
_MAX_FAILURES = 20


class Broadcaster:
    """Sends edits and failures to every open page. All methods except ``attend`` may be called from any thread.

    ``version`` changes with every edit. A page with another version is outdated and reloads.
    """

    def __init__(self, failure: Failure | None = None) -> None:
        """Begin with a new version. ``failure`` is that of a process that did not start."""
        self._run = secrets.token_hex(4)
        self._edits = 0
        self._queues: set[asyncio.Queue[str | None]] = set()
        self._failures: OrderedDict[str, Failure] = OrderedDict()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.standing = self._keep(failure) if failure else None
        """The id of the failure because of which this process cannot serve; None if it can."""

    @property
    def version(self) -> str:
        """The version of a page that is rendered now."""
        return f"{self._run}.{self._edits}"

    @property
    def listeners(self) -> int:
        """How many pages are connected."""
        return len(self._queues)

    def failure(self, key: str) -> Failure | None:
        """Return a failure by its id; None if it is not kept any more."""
        return self._failures.get(key)

    def reload(self) -> None:
        """Make every page reload."""
        self._edits += 1
        self._tell({"type": "reload", "version": self.version})

    def restyle(self, names: list[str]) -> None:
        """Make every page reload these stylesheets, which are named by their paths below ``STATIC_URL``."""
        self._edits += 1
        self._tell({"type": "css", "version": self.version, "files": sorted(names)[:200]})

    def fail(self, failure: Failure, page: str = "") -> None:
        """Show a failure over every page, or only over pages at the path ``page``."""
        self._tell({"type": "failure", "id": self._keep(failure), "page": page})

    def _keep(self, failure: Failure) -> str:
        key = secrets.token_hex(8)
        self._failures[key] = failure
        while len(self._failures) > _MAX_FAILURES:
            self._failures.popitem(last=False)
        return key

    def _tell(self, event: dict[str, Any]) -> None:
        if self._loop is not None:
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._put, json.dumps(event))

    def _put(self, text: str) -> None:
        for queue in list(self._queues):
            try:
                queue.put_nowait(text)
            except asyncio.QueueFull:
                # Close the socket of a slow page: it connects again, and then reloads because its version is old.
                self._queues.discard(queue)
                queue.get_nowait()
                queue.put_nowait(None)

    async def attend(self, receive: Receive, send: Send) -> None:
        """Serve one accepted socket until it closes. A message on it is not from our script, and closes the socket."""
        self._loop = asyncio.get_running_loop()
        queue: asyncio.Queue[str | None] = asyncio.Queue(_MAX_WAITING)
        self._queues.add(queue)
        hello = {"type": "hello", "version": self.version, "failure": self.standing}
        queue.put_nowait(json.dumps(hello))
        listening = asyncio.ensure_future(receive())
        try:
            while True:
                telling = asyncio.ensure_future(queue.get())
                await asyncio.wait({listening, telling}, return_when=asyncio.FIRST_COMPLETED)
                if listening.done():
                    telling.cancel()
                    if listening.result()["type"] != "websocket.disconnect":
                        await send({"type": "websocket.close", "code": 1008})
                    return
                text = telling.result()
                if text is None:
                    await send({"type": "websocket.close", "code": 1013})
                    return
                await send({"type": "websocket.send", "text": text})
        finally:
            self._queues.discard(queue)
            listening.cancel()


_hub: Broadcaster | None = None


def set_hub(hub: Broadcaster | None) -> None:
    """Set the broadcaster of this process; only ``runserver`` has one."""
    global _hub  # noqa: PLW0603 - Django makes the middleware, and passes it no arguments
    _hub = hub


def current_hub() -> Broadcaster | None:
    """Return the broadcaster of this process; None outside of our ``runserver``."""
    return _hub
