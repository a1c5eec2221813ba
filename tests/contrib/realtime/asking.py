"""One event loop with the app's hub, and requests as an ASGI server would send them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

from asgiref.sync import sync_to_async
from django.db import connections

from django_matt.asgi import MattASGIHandler
from django_matt.contrib.realtime.hubs import Hub, _hubs
from django_matt.lifespans import run_lifespans
from tests.waiting import SECONDS

__all__ = ["Stream", "in_server", "until"]


class Stream:
    """One request, and what has come back of it."""

    def __init__(self, application: Any, path: str, headers: dict[str, str]) -> None:
        url, _, query = path.partition("?")
        self.scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": url,
            "raw_path": quote(url).encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [
                (b"host", b"testserver"),
                *((k.lower().encode(), v.encode("latin-1")) for k, v in headers.items()),
            ],
            "client": ("127.0.0.1", 1),
            "server": ("testserver", 80),
        }
        self.status = 0
        self.headers: dict[str, str] = {}
        self.text = ""
        self.is_slow = False
        self.left = asyncio.Event()
        self._asked = False
        self.task = asyncio.create_task(application(self.scope, self.receive, self.send))

    async def receive(self) -> dict[str, Any]:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b""}
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {k.decode().lower(): v.decode() for k, v in message["headers"]}
            return
        while self.is_slow:
            await asyncio.sleep(0.01)
        self.text += message.get("body", b"").decode()

    @property
    def events(self) -> list[dict[str, str]]:
        """The events so far, each with its fields; without those that have no data."""
        found = [
            dict(line.partition(": ")[::2] for line in block.splitlines())
            for block in self.text.split("\n\n")[:-1]
        ]
        return [each for each in found if "data" in each]

    async def leave(self) -> None:
        self.left.set()
        await asyncio.wait_for(asyncio.gather(self.task, return_exceptions=True), SECONDS)


async def until(holds: Callable[[], Any]) -> None:
    """Wait until something has come true."""
    async with asyncio.timeout(SECONDS):
        while not holds():
            await asyncio.sleep(0.005)


class Board:
    """A server in this process."""

    def __init__(self, application: MattASGIHandler) -> None:
        self.application = application
        self.streams: list[Stream] = []

    @property
    def hub(self) -> Hub:
        return _hubs[-1]

    async def open(self, path: str, **headers: str) -> Stream:
        """Open a stream, and wait for its first part, or for the whole response if it is an error."""
        stream = Stream(
            self.application, path, {k.replace("_", "-"): v for k, v in headers.items()}
        )
        self.streams.append(stream)
        await until(lambda: stream.text or stream.task.done())
        return stream


@asynccontextmanager
async def board() -> AsyncIterator[Board]:
    async with run_lifespans():
        made = Board(MattASGIHandler())
        made.application._is_lifespan_due = False
        try:
            yield made
        finally:
            for stream in made.streams:
                await stream.leave()
    await asyncio.to_thread(made.application.threads.close)
    await sync_to_async(connections.close_all)()


def in_server(test: Callable[[Board], Coroutine[Any, Any, None]]) -> None:
    """Run ``test(board)`` while the hub runs."""

    async def run() -> None:
        async with board() as made:
            await test(made)

    asyncio.run(run())
