"""Async routes whose items are validated in a thread: a batch may be larger than the number of threads."""

import asyncio
import json
import threading
from typing import Any

from asgiref.testing import ApplicationCommunicator
from django.test import override_settings
from ninja import Schema
from pydantic import field_validator

from django_matt import MattAPI
from django_matt.asgi import MattASGIHandler
from django_matt.contrib.ml.fleets import serving
from django_matt.contrib.ml.served import Batch, Served

COUNT = 20


class Checked(Served):
    """Has a validator of its own, so that async routes read its items in a thread."""

    name = "checked"
    batch = Batch(size=32, queue_seconds=60, deadline=90)
    gate = threading.Event()

    class Input(Schema):
        number: int

        @field_validator("number")
        @classmethod
        def is_small(cls, value: int) -> int:
            if value > 1_000:
                raise ValueError("too large")
            return value

    class Output(Schema):
        number: int

    def predict(self, items: list[Any]) -> list[Any]:
        assert self.gate.wait(60)
        return [self.Output(number=item.number) for item in items]


async def post(application: Any, number: int) -> Any:
    body = json.dumps({"number": number}).encode()
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "path": "/api/ml/checked",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json"), (b"host", b"localhost")],
    }
    sent = ApplicationCommunicator(application, scope)
    await sent.send_input({"type": "http.request", "body": body})
    start = await sent.receive_output(60)
    parts = await sent.receive_output(60)
    await sent.wait()
    return start["status"], json.loads(parts["body"])


def test_a_batch_is_larger_than_the_number_of_threads(serve: Any, options: Any):
    options(ASYNC=True)

    async def ask() -> Any:
        application = MattASGIHandler()
        waiting = [asyncio.create_task(post(application, number)) for number in range(COUNT)]
        async with asyncio.timeout(60):
            while batcher.statistics()["queued"] + batcher.statistics()["running"] < COUNT:
                await asyncio.sleep(0.01)
            Checked.gate.set()
            found = await asyncio.gather(*waiting)
        application.threads.close()
        return found

    with override_settings(MATT={"ASGI_THREADS": 2}), serving(Checked) as fleet:
        batcher = fleet.find("checked").choose_live().batcher
        serve(MattAPI(urls_namespace="ml-threads", extensions=["matt_ml"]))
        assert asyncio.run(ask()) == [(200, {"number": number}) for number in range(COUNT)]
