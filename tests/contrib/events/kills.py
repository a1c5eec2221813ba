"""Kills workers while events are published and processed; tells as JSON what was lost, repeated or made up.

Run with ``tests.contrib.events.settings`` and an empty database: ``python -m tests.contrib.events.kills 300 6``.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any


def publish_orders(numbers: range, committed: set[int]) -> None:
    from django.db import connections, transaction

    from django_matt.contrib.events.services import publish

    from .shop.consumers import Ordered
    from .shop.models import Order

    for number in numbers:
        is_kept = number % 10 != 0
        with transaction.atomic():
            Order.objects.create(number=number)
            publish(Ordered(number=number), key=f"order:{number % 7}" if number % 2 else "")
            transaction.set_rollback(not is_kept)
        if is_kept:
            committed.add(number)
        time.sleep(random.uniform(0, 0.04))
    connections.close_all()


def start(action: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "django", "matt_events", action])


def main(count: int, kills: int) -> dict[str, Any]:
    os.environ["SHOP_PAUSE"] = "0.004"
    os.environ["SHOP_FILE"] = tempfile.mkstemp(prefix="matt-outside-")[1]
    import django

    django.setup()
    from django.core.management import call_command

    from django_matt.contrib.events.consumers import consumers
    from django_matt.contrib.events.models import Delivery, Event
    from django_matt.contrib.events.standings import standings
    from django_matt.contrib.events.subscriptions import subscribe

    from .shop.models import Effect, Order

    call_command("migrate", run_syncdb=True, verbosity=0)
    subscribe(consumers.values())
    committed = set[int]()
    middle = count // 2
    publishers = [
        threading.Thread(target=publish_orders, args=(numbers, committed))
        for numbers in (range(middle), range(middle, count))
    ]
    workers = [start("work"), start("work"), start("relay")]
    try:
        for each in publishers:
            each.start()
        for number in range(kills):
            # Not while Django starts.
            time.sleep(random.uniform(0.8, 1.6))
            workers[number % 2].kill()
            workers[number % 2].wait()
            workers[number % 2] = start("work")
        for each in publishers:
            each.join()
        before, until = None, time.monotonic() + 60
        while time.monotonic() < until:
            found = (
                Event.objects.filter(position=None).count(),
                Delivery.objects.count(),
                sum(each.behind for each in standings()),
            )
            if not any(found):
                break
            if found != before:  # however slow the machine is
                before, until = found, time.monotonic() + 60
            time.sleep(0.1)
    finally:
        for worker in workers:
            worker.terminate()
        codes = [worker.wait(30) for worker in workers]
    effects = Counter(Effect.objects.values_list("number", flat=True))
    path = Path(os.environ["SHOP_FILE"])
    outside = Counter(map(int, path.read_text().split()))
    path.unlink()
    assert committed == set(Order.objects.values_list("number", flat=True))
    return {
        "committed": len(committed),
        "kills": kills,
        "lost": len(committed - effects.keys()) + len(committed - outside.keys()),
        "phantoms": len((effects.keys() | outside.keys()) - committed),
        "effects twice": sum(n - 1 for n in effects.values()),
        "outside twice": sum(n - 1 for n in outside.values()),
        "dead": sum(each.dead for each in standings()),
        "ends of workers": codes,
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(int(sys.argv[1]), int(sys.argv[2]))) + "\n")
