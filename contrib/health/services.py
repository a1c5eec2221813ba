"""Collects the health checks of the installed apps, and runs them at the same time, each with a timeout."""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future
from inspect import isawaitable
from typing import Any

from asgiref.sync import ThreadSensitiveContext, iscoroutinefunction, sync_to_async
from django.apps import apps
from django.core.cache import caches
from django.core.exceptions import ImproperlyConfigured
from django.db import connections

from django_matt.contrib.health.probes import builtin_checks
from django_matt.contrib.health.schemas import Verdict
from django_matt.contrib.health.settings import HealthSettings
from django_matt.extensions import HealthCheck
from django_matt.lifespans import lifespan_loop

__all__ = ["HealthChecks", "collect_checks"]

logger = logging.getLogger(__name__)

Check = Callable[[], object]


def collect_checks(options: HealthSettings) -> dict[str, Check]:
    """Return the built-in checks and those of the installed apps, by name.

    Raises ``ImproperlyConfigured`` if two have the same name.
    """
    found: dict[str, Check] = {**builtin_checks(options)}
    origins = dict.fromkeys(found, "django_matt.contrib.health")
    for config in apps.get_app_configs():
        if not isinstance(config, HealthCheck):
            continue
        for name, check in config.health_checks().items():
            if name in found:
                raise ImproperlyConfigured(
                    f"The apps {origins[name]} and {config.name} both have a health check {name!r}."
                )
            found[name], origins[name] = check, config.name
    return found


class HealthChecks:
    """The checks of one API."""

    def __init__(self, checks: Mapping[str, Check], timeout: float) -> None:
        """Take the checks by name, and the seconds that each may take."""
        self._timeout = timeout
        self._probes = [_Probe(name, check, timeout) for name, check in checks.items()]

    async def run(self) -> dict[str, Verdict]:
        """Run all checks at the same time; return their results by name, in the order of the checks.

        A check that raises, or does not end in time, is ``failing``. The reason is logged, and not sent to the client.
        """
        runs = {probe: asyncio.wrap_future(probe.start()) for probe in self._probes}
        if runs:
            await asyncio.wait(runs.values(), timeout=self._timeout)
        return {probe.name: probe.verdict(run) for probe, run in runs.items()}


class _Probe:
    """One check, of which at most one run is in progress per process. Requests that come meanwhile share that run.

    A check that hangs therefore occupies one thread, not one per request, and many requests at once do not open many
    connections to the database.
    """

    def __init__(self, name: str, check: Check, timeout: float) -> None:
        self.name = name
        self._check = check
        self._timeout = timeout
        self._lock = threading.Lock()
        self._run: Future[bool] | None = None
        self._reported: Future[bool] | None = None

    def start(self) -> "Future[bool]":
        """Return the run in progress, or start one. Its result is whether the check passed."""
        with self._lock:
            if self._run is None or self._run.done():
                self._run = Future()
                # Mark it as running, so that it is not cancelled together with a request that waits for it.
                self._run.set_running_or_notify_cancel()
                self._launch(self._run)
            return self._run

    def verdict(self, run: "asyncio.Future[bool]") -> Verdict:
        """Return the result of a run that has ended or has taken too long."""
        if run.done():
            return "ok" if run.result() else "failing"
        # Stop waiting: when the run ends, this event loop may be closed.
        run.cancel()
        with self._lock:
            if self._reported is not self._run:
                self._reported = self._run
                logger.error(
                    "Health check %r has not ended after %s seconds.", self.name, self._timeout
                )
        return "failing"

    def _launch(self, run: "Future[bool]") -> None:
        loop = lifespan_loop() if iscoroutinefunction(self._check) else None
        if loop is not None:
            # The check may use what its app opened in its lifespan, which belongs to that event loop.
            asyncio.run_coroutine_threadsafe(self._await_in_loop(run), loop)
            return
        # A daemon thread, so that a check that hangs does not prevent the process from ending.
        threading.Thread(
            target=self._run_in_thread, args=(run,), name=f"matt-health-{self.name}", daemon=True
        ).start()

    def _run_in_thread(self, run: "Future[bool]") -> None:
        passed = False
        try:
            result = self._check()
            if isawaitable(result):
                asyncio.run(self._await(result))
            passed = True
        except Exception:  # noqa: BLE001 - a check is the project's own code
            self._report()
        finally:
            try:
                _close_connections()
                caches.close_all()
            except Exception:  # noqa: BLE001 - a check is the project's own code
                self._report()
            run.set_result(passed)

    async def _await_in_loop(self, run: "Future[bool]") -> None:
        passed = False
        try:
            await self._await(self._check())  # type: ignore[arg-type]
            passed = True
        except Exception:  # noqa: BLE001 - a check is the project's own code
            self._report()
        finally:
            run.set_result(passed)

    async def _await(self, result: Awaitable[Any]) -> None:
        # The queries of the check run in a thread of their own, and so on a connection of their own.
        async with ThreadSensitiveContext():
            try:
                async with asyncio.timeout(self._timeout):
                    await result
            finally:
                await sync_to_async(_close_connections)()

    def _report(self) -> None:
        logger.exception("Health check %r fails.", self.name)


def _close_connections() -> None:
    """Close the connections of this thread before it ends; Django's ``close()`` leaves one to a database in memory open."""
    for connection in connections.all(initialized_only=True):
        connection.close()
        if connection.connection is not None:
            connection.connection.close()
