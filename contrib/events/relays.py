"""The relay: gives positions to events soon after their commit, in each process that runs one."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from django.db import connections

from django_matt.contrib.events.services import give_positions
from django_matt.contrib.events.wakes import PUBLISHED, Waker, end_connections

__all__ = ["relay", "relay_lifespan"]

logger = logging.getLogger(__name__)


def relay(stop: threading.Event) -> None:
    """Give positions until ``stop`` is set. A database that is away, or without tables, is tried again each second."""
    waker, is_failing = Waker(PUBLISHED, stop), False
    while not stop.is_set():
        try:
            give_positions()
            is_failing = False
            waker.wait()
        except Exception:
            # Whatever it is: without a relay, no event is processed.
            if not is_failing:
                logger.exception("The relay of events has failed; trying again each second.")
            is_failing = True
            connections.close_all()
            stop.wait(1.0)
    end_connections()


@asynccontextmanager
async def relay_lifespan() -> AsyncIterator[None]:
    """Run a relay in a thread while the server runs."""
    stop = threading.Event()
    thread = threading.Thread(target=relay, args=(stop,), name="matt-relay", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        await asyncio.to_thread(thread.join)
