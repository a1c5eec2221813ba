"""Rounds: every line of a case in turn, the least CPU and wall time of each; and first, whether all answer the same."""

import gc
import json
import random
import time
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from django.conf import settings
from django.urls import set_urlconf

from benchmarks.answers import normal
from benchmarks.cases import CASES
from benchmarks.handlers import Answer, Handlers
from benchmarks.models import Product
from benchmarks.stacks import serving

__all__ = ["DifferentAnswersError", "Least", "Run", "Stacks", "take_turns"]

Run = Callable[[int], Any]
"""Does a piece of work a number of times."""
Least = dict[str, tuple[float, float]]
"""The least CPU and wall seconds of one request, by line."""


class DifferentAnswersError(Exception):
    """A stack answers otherwise than the first: its time would say nothing."""


def take_turns(runs: dict[str, Run], times: int) -> Iterator[Least]:
    """Yield, after each round without end, what each of the lines needs at least."""
    best = dict.fromkeys(runs, (float("inf"), float("inf")))
    for run in runs.values():
        run(min(times, 10))
    gc.collect()
    gc.freeze()
    order, turns = list(runs), random.Random(0)
    while True:
        # Short samples cost little and are easily disturbed: a round takes several of them.
        for name in order * (1 if times < 8 else 4):
            run = runs[name]
            gc.collect()
            wall, cpu = time.perf_counter_ns(), time.process_time_ns()
            run(times)
            spent = time.process_time_ns() - cpu, time.perf_counter_ns() - wall
            least = best[name]
            best[name] = (
                min(least[0], spent[0] / times / 1e9),
                min(least[1], spent[1] / times / 1e9),
            )
        # Whoever comes after a heavy neighbour finds colder caches: each comes after every other, sooner or later.
        turns.shuffle(order)
        yield dict(best)


class Stacks:
    """The stacks that are installed, each behind its own root URLconf."""

    def __init__(self, urlconfs: dict[str, ModuleType]) -> None:
        """Take the URLconf of each stack; the first is what the others are compared with."""
        self._urlconfs = urlconfs
        self._handlers = Handlers()

    def runs(self, case: str) -> dict[str, Run]:
        """Return what makes a case's request, of each stack that serves it."""
        names = serving(case, asynchronous=CASES[case].handler != "wsgi")
        return {name: self._prepare(name, case) for name in names if name in self._urlconfs}

    def stream(self, name: str, case: str) -> Iterator[bytes]:
        """Return the parts of one stack's answer."""
        self._switch(name)
        return self._handlers.stream(CASES[case])

    def check(self, case: str) -> None:
        """Raise ``DifferentAnswersError`` unless every stack answers a case, and writes to the database, alike."""
        first: tuple[str, Any] | None = None
        expected = CASES[case]
        for name, run in self.runs(case).items():
            before = Product.objects.count() if expected.writes else 0
            status, body = run(1)
            if status != expected.status:
                raise DifferentAnswersError(f"{case}: {name} answers {status}: {body[:300]!r}")
            data = normal(json.loads(body))
            if expected.writes:
                made = list(Product.objects.order_by("id").values()[before:])
                # Its own keys, and what stands in the database under them: those of each stack are others.
                if (data if isinstance(data, list) else [data]) != made:
                    raise DifferentAnswersError(f"{case}: {name} answers {data}, wrote {made}")
                data = [{**row, "id": None} for row in made]
            if first is None:
                first = name, data
            elif data != first[1]:
                raise DifferentAnswersError(
                    f"{case}: {name} answers {str(data)[:500]}, {first[0]} {str(first[1])[:500]}"
                )

    def _prepare(self, name: str, case: str) -> Callable[[int], Answer]:
        run = self._handlers.prepare(CASES[case])

        def switched(times: int) -> Answer:
            self._switch(name)
            return run(times)

        return switched

    def _switch(self, name: str) -> None:
        settings.ROOT_URLCONF = self._urlconfs[name]
        set_urlconf(settings.ROOT_URLCONF)
