"""The threads in which the streams of a process query the database, and so the connections that they share."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from django.db import connections

__all__ = ["DatabaseThread"]

P = ParamSpec("P")
T = TypeVar("T")


class DatabaseThread:
    """Runs functions one after the other in one thread, with the database connections of that thread."""

    def __init__(self, name: str) -> None:
        """Start no thread yet."""
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=name)

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what the function returns. If the caller is cancelled before it begins, it does not run."""
        future = self._executor.submit(partial(_run, partial(function, *args, **kwargs)))
        return await asyncio.wrap_future(future)

    async def close(self) -> None:
        """Close the connections, and end the thread."""
        self._executor.submit(connections.close_all)
        await asyncio.to_thread(self._executor.shutdown)


def _run(function: Callable[[], T]) -> T:
    for connection in connections.all(initialized_only=True):
        # An age of 0 means the end of a request, and here is none: the connection is used until it fails.
        lasts = connection.settings_dict["CONN_MAX_AGE"] == 0 and not connection.errors_occurred
        if not lasts and not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()
    return function()
