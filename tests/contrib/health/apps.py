"""Apps with health checks of their own; ``outcomes`` says how each check behaves."""

import asyncio
import threading
from collections.abc import Callable, Mapping

from django.apps import AppConfig

__all__ = ["CheckedConfig", "ClashingConfig"]


class CheckedConfig(AppConfig):
    """Satisfies ``HealthCheck``: one plain function, one ``async def``."""

    name = "tests.contrib.health"
    label = "checked"

    def ready(self) -> None:
        self.failure: Exception | None = None
        self.gate: threading.Event | None = None
        self.runs = 0

    def health_checks(self) -> Mapping[str, Callable[[], object]]:
        return {"queue": self.ask_queue, "broker": self.ask_broker}

    def ask_queue(self) -> None:
        self.runs += 1
        if self.gate is not None:
            self.gate.wait(30)
        if self.failure is not None:
            raise self.failure

    async def ask_broker(self) -> None:
        if self.gate is not None:
            await asyncio.sleep(30)
        if self.failure is not None:
            raise self.failure


class ClashingConfig(AppConfig):
    """Has a check by the name of a built-in one."""

    name = "tests.contrib.health"
    label = "clashing"

    def health_checks(self) -> Mapping[str, Callable[[], object]]:
        return {"database": lambda: None}
