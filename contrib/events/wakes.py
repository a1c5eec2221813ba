"""Waits until another process has committed an event or given positions: by NOTIFY, or by SQLite's ``data_version``."""

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator
from typing import Any

from django.db import Error, connections

from django_matt.contrib.events.services import event_database, last_position

__all__ = ["POSITIONS", "PUBLISHED", "Waker", "end_connections", "positions"]

logger = logging.getLogger(__name__)

PUBLISHED = "matt_events_published"
"""The channel of commits with events."""
POSITIONS = "matt_events_positions"
"""The channel of new positions."""
_POLL = 1.0
"""After how many seconds a wait ends anyway."""
_PRAGMA_POLL = 0.03


class Waker:
    """Waits over the database connection of the thread that calls it."""

    def __init__(self, channel: str, stop: threading.Event) -> None:
        """Take the channel of PostgreSQL, and an event that ends each wait early, within a second."""
        self._channel = channel
        self._stop = stop
        self._listens_on: Any = None
        self._version: int | None = None

    def wait(self) -> None:
        """Return after the next commit, and after a second anyway; at once if there was a commit since the last wait."""
        connection = connections[event_database()]
        connection.ensure_connection()
        if connection.vendor == "sqlite":
            self._wait_for_version(connection)
        elif hasattr(connection.connection, "notifies") and callable(
            connection.connection.notifies
        ):
            self._wait_for_notice(connection)
        else:
            self._stop.wait(_POLL)

    def _wait_for_version(self, connection: Any) -> None:
        until = time.monotonic() + _POLL
        while time.monotonic() < until and not self._stop.is_set():
            with connection.cursor() as cursor:
                version = cursor.execute("PRAGMA data_version").fetchone()[0]
            if version != self._version:
                self._version = version
                return
            self._stop.wait(_PRAGMA_POLL)

    def _wait_for_notice(self, connection: Any) -> None:
        if self._listens_on is not connection.connection:
            with connection.cursor() as cursor:
                cursor.execute(f"LISTEN {self._channel}")
            self._listens_on = connection.connection
            return  # what was committed before LISTEN is found by the caller
        # A lost connection is an error of psycopg, which Django knows only inside.
        with connection.wrap_database_errors:
            for _ in connection.connection.notifies(timeout=_POLL, stop_after=1):
                pass


def end_connections() -> None:
    """Close the connections of this thread; a pool must not lend one that listens."""
    connection = connections[event_database()]
    if connection.vendor == "postgresql" and connection.connection is not None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("UNLISTEN *")
        except Error:
            logger.debug("The connection was lost before it was closed.", exc_info=True)
    connections.close_all()


async def positions() -> AsyncIterator[int]:
    """Yield the last position at the start and whenever it is another one; one thread with one connection waits for it."""
    loop, queue = asyncio.get_running_loop(), asyncio.Queue[int]()
    stop = threading.Event()

    def tell(position: int) -> None:
        # The loop may have ended.
        if not loop.is_closed():
            loop.call_soon_threadsafe(queue.put_nowait, position)

    thread = threading.Thread(target=_watch, args=(tell, stop), name="matt-positions", daemon=True)
    thread.start()
    try:
        while True:
            position = await queue.get()
            while not queue.empty():
                position = queue.get_nowait()
            yield position
    finally:
        stop.set()


def _watch(tell: Any, stop: threading.Event) -> None:
    waker, last = Waker(POSITIONS, stop), -1
    while not stop.is_set():
        try:
            found = last_position()
            if found != last:
                last = found
                tell(found)
            waker.wait()
        except Exception:
            logger.warning("The log of events cannot be read; trying again.", exc_info=True)
            connections.close_all()
            stop.wait(_POLL)
    end_connections()
