"""How many events a second one worker processes from a backlog in PostgreSQL: the median of rounds.

``python -m benchmarks.events`` prints it for a consumer with ``once=True`` that writes nothing but its receipt, and for one that
writes a row for each event. It prints the CPU time of the worker and its statements too, which do not depend on what else the
machine does.
"""

import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import django
from django.conf import settings

__all__ = ["measure"]

ROUNDS, EVENTS = 5, 2_000


class Cost(NamedTuple):
    """What the events of a round cost."""

    seconds: float
    cpu: float
    statements: int


def measure() -> dict[str, Cost]:
    """Return what one round costs at the median: giving positions, and each consumer, with what makes its deliveries."""
    _connect()
    from django.contrib.auth.models import Group
    from django.db import connection, transaction

    from django_matt.contrib.events.consumers import consumer, consumers
    from django_matt.contrib.events.schemas import EventSchema
    from django_matt.contrib.events.services import give_positions, publish
    from django_matt.contrib.events.workers import drain

    class Counted(EventSchema, topic="benchmark.counted"):
        number: int

    @consumer("receipts", Counted, once=True)
    def nothing(event: Counted, context: Any) -> None: ...

    @consumer("rows", Counted, once=True)
    def write(event: Counted, context: Any) -> None:
        Group.objects.create(name=context.id)

    def cost(work: Callable[[], int]) -> Cost:
        statements = 0

        def count(execute: Any, *arguments: Any) -> Any:
            nonlocal statements
            statements += 1
            return execute(*arguments)

        with connection.execute_wrapper(count):
            begun, cpu = time.perf_counter(), time.process_time()
            assert work() == EVENTS
            return Cost(time.perf_counter() - begun, time.process_time() - cpu, statements)

    drain([*consumers.values()])
    costs: dict[str, list[Cost]] = {"positions": [], "receipts": [], "rows": []}
    for _ in range(ROUNDS):
        with transaction.atomic():
            for number in range(EVENTS):
                publish(Counted(number=number))
        costs["positions"].append(cost(give_positions))
        for name in ("receipts", "rows"):
            costs[name].append(cost(partial(drain, [consumers[name]])))
    return {
        name: Cost(*(statistics.median(values) for values in zip(*found, strict=True)))
        for name, found in costs.items()
    }


def _connect() -> None:
    from tests.project.postgres import socket_directory

    settings.configure(
        SECRET_KEY="x" * 50,
        USE_TZ=True,
        INSTALLED_APPS=[
            "django.contrib.contenttypes",
            "django.contrib.auth",
            "ninja_extra",
            "django_matt",
            "django_matt.contrib.events",
        ],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": "postgres",
                "USER": "postgres",
                "HOST": socket_directory(),
            }
        },
    )
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def main() -> None:
    """Print the figures."""
    for name, cost in measure().items():
        sys.stdout.write(
            f"{name:10} {EVENTS / cost.seconds:8,.0f} events/s, {1_000_000 * cost.cpu / EVENTS:6,.0f} µs of CPU and "
            f"{cost.statements / EVENTS:5.2f} statements an event, without BEGIN and COMMIT\n"
        )


if __name__ == "__main__":
    main()
