"""Rounds: every stack in turn, the least CPU time of each; and first, whether all answer the same."""

import gc
import json
import re
import time
import tracemalloc
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from django.conf import settings
from django.urls import set_urlconf

from benchmarks.cases import CASES
from benchmarks.handlers import Answer, Handlers

__all__ = ["DifferentAnswersError", "Stacks", "normal"]

_DATETIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|\+00:00)\Z")


class DifferentAnswersError(Exception):
    """A stack answers otherwise than the first: its time would say nothing."""


def normal(data: Any) -> Any:
    """Return JSON data with its datetimes cut to milliseconds and their zone written as ``Z``."""
    if isinstance(data, dict):
        return {key: normal(value) for key, value in data.items()}
    if isinstance(data, list):
        return [normal(value) for value in data]
    if isinstance(data, str) and (found := _DATETIME.match(data)):
        return f"{found[1]}{((found[2] or '.') + '000')[:4]}Z"
    return data


class Stacks:
    """The stacks that are installed, each behind its own root URLconf."""

    def __init__(self, urlconfs: dict[str, ModuleType]) -> None:
        """Take the URLconf of each stack; the first is what the ratios are against."""
        self._urlconfs = urlconfs
        self._handlers = Handlers()

    def names(self, case: str) -> list[str]:
        """Return the stacks that serve a case."""
        asynchronous = CASES[case].handler != "wsgi"
        return [name for name in self._urlconfs if not (name == "drf" and asynchronous)]

    def prepare(self, name: str, case: str) -> Callable[[int], Answer]:
        """Return what makes a case's request of one stack."""
        run, urlconf = self._handlers.prepare(CASES[case]), self._urlconfs[name]

        def switched(times: int) -> Answer:
            settings.ROOT_URLCONF = urlconf
            set_urlconf(urlconf)
            return run(times)

        return switched

    def check(self, case: str) -> None:
        """Raise ``DifferentAnswersError`` unless every stack answers a case with 200 and the same JSON."""
        first: tuple[str, Any] | None = None
        for name in self.names(case):
            status, body = self.prepare(name, case)(1)
            if status != 200:
                raise DifferentAnswersError(f"{case}: {name} answers {status}: {body[:300]!r}")
            data = normal(json.loads(body))
            if first is None:
                first = name, data
            elif data != first[1]:
                raise DifferentAnswersError(
                    f"{case}: {name} answers {str(data)[:500]}, {first[0]} {str(first[1])[:500]}"
                )

    def measure(self, case: str, rounds: int) -> Iterator[dict[str, float]]:
        """Yield, after each round, the least CPU seconds of one request by stack."""
        times = CASES[case].times
        runs = {name: self.prepare(name, case) for name in self.names(case)}
        best = dict.fromkeys(runs, float("inf"))
        for run in runs.values():
            run(min(times, 10))
        gc.collect()
        gc.freeze()
        order = list(runs)
        # Short samples cost little and are easily disturbed: a round takes several of them.
        for _ in range(rounds):
            for name in order * (1 if times < 8 else 4):
                run = runs[name]
                gc.collect()
                started = time.process_time_ns()
                run(times)
                spent = (time.process_time_ns() - started) / times / 1e9
                best[name] = min(best[name], spent)
            # Whoever comes after a heavy neighbour finds colder caches: each gets another neighbour every round.
            order = order[1:] + order[:1] if len(order) < 3 else order[2:] + order[:2]
            order.reverse()
            yield dict(best)

    def memory(self, case: str) -> dict[str, int]:
        """Return the peak of Python's allocations during one request, in bytes, by stack."""
        peaks: dict[str, int] = {}
        for name in self.names(case):
            run = self.prepare(name, case)
            run(2)
            gc.collect()
            tracemalloc.start()
            run(1)
            peaks[name] = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        return peaks
