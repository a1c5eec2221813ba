"""Processes events by consumers that end their process; tells as JSON what became of the events.

Run with ``tests.contrib.events.settings`` and empty tables: ``python -m tests.contrib.events.deaths``.
"""

import json
import os
import signal
import sys
from typing import Any

POISON = 3


def drain_in_another_process(consumer: Any) -> bool:
    """Tell whether the process has survived."""
    from django.db import connections

    from django_matt.contrib.events.workers import drain

    connections.close_all()
    child = os.fork()
    if not child:
        drain([consumer])
        connections.close_all()
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


def run(name: str, *, once: bool, retries: int, end: Any) -> dict[str, Any]:
    from django.db import connection, transaction

    from django_matt.contrib.events.consumers import consumer, consumers
    from django_matt.contrib.events.models import NOW, Delivery
    from django_matt.contrib.events.services import publish
    from django_matt.contrib.events.subscriptions import subscribe

    from .shop.consumers import Ordered
    from .shop.models import Effect

    calls_read, calls = os.pipe()

    @consumer(name, Ordered, once=once, retries=retries)
    def handle(event: Ordered, context: Any) -> None:
        if event.number == POISON:
            os.write(calls, bytes([context.attempt]))
            if connection.in_atomic_block:
                Effect.objects.create(number=event.number)
            end()
        Effect.objects.create(number=event.number)

    Effect.objects.all().delete()
    subscribe([consumers[name]])
    with transaction.atomic():
        for number in range(1, 7):
            publish(Ordered(number=number), key="a" if number in (POISON, POISON + 1) else "")
    deaths = 0
    while not drain_in_another_process(consumers[name]) and deaths < 10:
        deaths += 1
        # As if the leases had ended.
        Delivery.objects.filter(consumer=name, dead=False).update(due_at=NOW)
    os.close(calls)
    with os.fdopen(calls_read, "rb") as pipe:
        attempts = [*pipe.read()]
    left = Delivery.objects.filter(consumer=name).select_related("event")
    return {
        "deaths": deaths,
        "attempts": attempts,
        "effects": sorted(Effect.objects.values_list("number", flat=True)),
        "left": [[each.event.data["number"], each.dead, each.error.strip()] for each in left],
    }


def main() -> dict[str, Any]:
    import django

    django.setup()

    def leave() -> None:
        os._exit(1)

    def kill() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    return {
        f"{kind} {retries}": run(f"{kind} {retries}", once=kind == "once", retries=retries, end=end)
        for kind, retries, end in (
            ("once", 0, kill),
            ("once", 2, leave),
            ("leased", 0, leave),
            ("leased", 2, kill),
        )
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main()) + "\n")
