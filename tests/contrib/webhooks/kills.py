"""Kills workers while they send; tells as JSON what was lost, repeated, or sent by two at the same time.

Run with ``tests.contrib.webhooks.settings`` and an empty database: ``python -m tests.contrib.webhooks.kills 24 2``.
"""

import json
import subprocess
import sys
import threading
import time
from collections import Counter
from typing import Any

from .receivers import Got, receive


def start() -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "django", "matt_webhooks", "send"])


def wait_for(holds: Any) -> None:
    until = time.monotonic() + 90
    while not holds() and time.monotonic() < until:
        time.sleep(0.02)


def main(count: int, kills: int) -> dict[str, Any]:
    import django

    django.setup()
    from django.core.management import call_command

    from django_matt.contrib.events.services import give_positions, store_event
    from django_matt.contrib.webhooks.models import Delivery, State
    from django_matt.contrib.webhooks.services import create_endpoint

    call_command("migrate", run_syncdb=True, verbosity=0)
    lock, under_way, overlaps = threading.Lock(), Counter[str](), [0]
    may_answer = threading.Event()

    def answer(handler: Any, got: Got) -> None:
        key = got.headers["webhook-id"]
        with lock:
            under_way[key] += 1
            overlaps[0] += under_way[key] > 1
        may_answer.wait(1)
        with lock:
            under_way[key] -= 1
        handler.send_response(200)
        handler.end_headers()

    with receive() as receiver:
        receiver.answer = answer
        create_endpoint(url=receiver.url, topics=["order.paid"])
        ids = [
            str(store_event("order.paid", "{}", key="", tenant="", autocommit=True))
            for _ in range(count)
        ]
        give_positions()
        workers = [start(), start()]
        try:
            for _ in range(kills):
                # In the middle of a delivery: the receiver has it, and has not answered.
                wait_for(lambda: sum(under_way.values()))
                for worker in workers:
                    worker.kill()
                    worker.wait()
                may_answer.set()
                wait_for(lambda: not sum(under_way.values()))
                may_answer.clear()
                workers = [start()]
            may_answer.set()
            delivered = Delivery.objects.filter(state=State.DELIVERED)
            wait_for(lambda: delivered.count() == count)
        finally:
            for worker in workers:
                worker.terminate()
            codes = [worker.wait(30) for worker in workers]
        got = Counter(receiver.ids)
    return {
        "lost": len(set(ids) - got.keys()),
        "made up": len(got.keys() - set(ids)),
        "not delivered": Delivery.objects.exclude(state=State.DELIVERED).count(),
        "at the same time": overlaps[0],
        "repeated": sum(got.values()) - len(got),
        "ends of workers": codes,
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(int(sys.argv[1]), int(sys.argv[2]))) + "\n")
