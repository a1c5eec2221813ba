"""The WSGI application to serve: Django's own, with the lifespans of the installed apps around it.

WSGI has no start and no end of a server. The lifespans are open from ``get_wsgi_application()`` until the process ends, in an
event loop that runs in a separate thread; ``django_matt.lifespans.lifespan_loop()`` returns it.
"""

import asyncio
import atexit
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import django
from django.core.handlers.wsgi import WSGIHandler
from django.http.response import HttpResponseBase

from django_matt.lifespans import LifespanError, apps_with_lifespan, run_lifespans
from django_matt.settings import get_settings

__all__ = ["MattWSGIHandler", "get_wsgi_application"]

# An app that waits without an event loop's knowledge is given up this long after its own time.
_GRACE_SECONDS = 1.0


def get_wsgi_application() -> WSGIHandler:
    """Return the WSGI application of the project, a replacement for Django's ``get_wsgi_application``.

    If no installed app has a lifespan, this is Django's own handler. Otherwise the lifespans are opened first. If one fails,
    the server does not start, and ``LifespanError`` names the app. They are closed in reverse order when the process ends
    normally, each within ``MATT["LIFESPAN_SECONDS"]``; they are not closed if the process is killed.

    A process that is forked later, for example by ``gunicorn --preload``, opens its own before its first request.
    """
    django.setup(set_prefix=False)
    if not apps_with_lifespan():
        return WSGIHandler()
    keeper = _Keeper()
    keeper.open()
    return MattWSGIHandler(keeper)


class _Keeper:
    """Keeps the lifespans of this process open in a thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pid = 0
        self._loop: asyncio.AbstractEventLoop
        self._end: asyncio.Event
        self._thread: threading.Thread

    @property
    def is_open(self) -> bool:
        """Whether it was this process that opened them, and not the one that it was forked from."""
        return self._pid == os.getpid()

    def open(self) -> None:
        """Open the lifespans; raise ``LifespanError`` where one fails. The next call tries again."""
        with self._lock:
            if self.is_open:
                return
            started: Future[None] = Future()
            # A daemon: a lifespan that hangs does not keep the process from ending.
            self._thread = threading.Thread(
                target=self._run, args=(started,), name="matt-lifespans", daemon=True
            )
            self._thread.start()
            try:
                started.result(self._seconds())
            except TimeoutError:
                names = ", ".join(config.label for config in apps_with_lifespan())
                raise LifespanError(f"A lifespan blocks its event loop: {names}.") from None
            self._pid = os.getpid()
            # At the end of a process Python ends its thread pools, and only then calls what `atexit` knows: too late
            # for a lifespan that needs a thread to close a connection. This hook is called before; it has no public
            # name, and `atexit` is better than nothing if it has gone.
            register: Callable[..., Any] = getattr(threading, "_register_atexit", atexit.register)
            register(self.close)

    def close(self) -> None:
        """Close the lifespans in this process; return when they are closed, or their time is over."""
        if self.is_open and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._end.set)
            self._thread.join(self._seconds())

    def _run(self, started: "Future[None]") -> None:
        asyncio.run(self._live(started))

    async def _live(self, started: "Future[None]") -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        try:
            async with run_lifespans():
                started.set_result(None)
                await self._end.wait()
        except Exception as error:  # noqa: BLE001 - who waits for the start gets it
            # What fails at the end has been logged.
            if not started.done():
                started.set_exception(error)

    @staticmethod
    def _seconds() -> float:
        return get_settings().LIFESPAN_SECONDS * len(apps_with_lifespan()) + _GRACE_SECONDS


class MattWSGIHandler(WSGIHandler):
    """Django's ``WSGIHandler``, which makes sure that the lifespans are open in the process that answers."""

    def __init__(self, keeper: _Keeper) -> None:
        """Load the middleware."""
        super().__init__()
        self._keeper = keeper

    def __call__(self, environ: dict[str, Any], start_response: Any) -> HttpResponseBase:
        """Answer one request."""
        if not self._keeper.is_open:
            self._keeper.open()
        return super().__call__(environ, start_response)
