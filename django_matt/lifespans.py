"""Lifespans: what installed apps open when the server starts and close when it ends, one async context per app."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from django.apps import AppConfig, apps

from django_matt.extensions import HasLifespan
from django_matt.settings import get_settings

__all__ = ["LifespanError", "apps_with_lifespan", "lifespan_loop", "run_lifespans"]

logger = logging.getLogger(__name__)

_loops: list[asyncio.AbstractEventLoop] = []
if hasattr(os, "register_at_fork"):
    # The thread that runs a loop does not come along into a forked process.
    os.register_at_fork(after_in_child=_loops.clear)


class LifespanError(Exception):
    """The lifespan of an app failed when the server started or ended; see its ``__cause__``."""


def apps_with_lifespan() -> list[Any]:
    """Return the installed apps that have a ``lifespan()``, in the order of ``INSTALLED_APPS``."""
    return [config for config in apps.get_app_configs() if isinstance(config, HasLifespan)]


def lifespan_loop() -> asyncio.AbstractEventLoop | None:
    """Return the event loop in which the lifespans of this process are open; ``None`` if none are.

    Synchronous code calls async code of an app with ``asyncio.run_coroutine_threadsafe(…, lifespan_loop())``.
    """
    return _loops[-1] if _loops else None


@asynccontextmanager
async def run_lifespans() -> AsyncIterator[None]:
    """Open the lifespans of all installed apps, and close them in reverse order, as a server does.

    Use ``async with run_lifespans():`` in tests and management commands. Each app has ``MATT["LIFESPAN_SECONDS"]`` to
    open and the same time to close. If an app fails to open, those before it are closed, and ``LifespanError`` names
    it. If an app fails to close, the others are still closed before ``LifespanError`` is raised.
    """
    seconds = get_settings().LIFESPAN_SECONDS
    opened: list[tuple[AppConfig, AbstractAsyncContextManager[object]]] = []
    loop = asyncio.get_running_loop()
    try:
        for config in apps_with_lifespan():
            limit = asyncio.timeout(seconds)
            try:
                # In this very task, as task groups ask for: `asyncio.wait_for` would make another one.
                async with limit:
                    context = config.lifespan()
                    await context.__aenter__()
            except Exception as error:
                raise LifespanError(_explain(config, "start", error, limit, seconds)) from error
            opened.append((config, context))
        _loops.append(loop)
        try:
            yield
        finally:
            _loops.remove(loop)
    finally:
        failed = await _close(opened, seconds)
    if failed is not None:
        raise failed


async def _close(
    opened: list[tuple[AppConfig, AbstractAsyncContextManager[object]]], seconds: float
) -> LifespanError | None:
    """Close each context, the last one first; log what fails, and return the first failure."""
    first: LifespanError | None = None
    for config, context in reversed(opened):
        limit = asyncio.timeout(seconds)
        try:
            async with limit:
                await context.__aexit__(None, None, None)
        except Exception as error:
            message = _explain(config, "end", error, limit, seconds)
            logger.exception("%s", message)
            if first is None:
                first = LifespanError(message)
                first.__cause__ = error
    return first


def _explain(
    config: AppConfig, part: str, error: Exception, limit: asyncio.Timeout, seconds: float
) -> str:
    why = (
        f"it took more than {seconds} seconds"
        if limit.expired()
        else f"{type(error).__name__}: {error}"
    )
    return f"The lifespan of the app {config.label!r} ({config.name}) failed at its {part}: {why}"
