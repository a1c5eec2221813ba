"""Waiting for what must come true, however busy the machine is."""

import time
from collections.abc import Callable

__all__ = ["SECONDS", "wait_until"]

SECONDS = 90
"""Far more than it takes: only what never comes is worth a failure."""


def wait_until(
    holds: Callable[[], object], said: Callable[[], object] = lambda: "", *, pause: float = 0.05
) -> None:
    """Ask again and again; fail with what ``said`` returns where it has not come true in ``SECONDS``."""
    give_up = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < give_up, said()
        time.sleep(pause)
