"""Requests over the batcher, sync and async: refusals before the body is read, deadlines, clients that leave, and health."""

import asyncio
import threading
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from ninja import Schema

from django_matt import MattAPI
from django_matt.contrib.ml.errors import ModelUnavailable, Overloaded
from django_matt.contrib.ml.fleets import Fleet, serving
from django_matt.contrib.ml.hooks import refuse_when_busy
from django_matt.contrib.ml.served import Batch, Served
from tests.waiting import wait_until


class Slow(Served):
    """Answers when the gate is open."""

    name = "slow"
    batch = Batch(size=2, queue_seconds=0.5, deadline=0.3)
    gate = threading.Event()

    class Input(Schema):
        number: int

    class Output(Schema):
        number: int

    def predict(self, items: list[Any]) -> list[Any]:
        assert self.gate.wait(90)
        return [self.Output(number=item.number) for item in items]


class Patient(Slow):
    name = "patient"
    batch = Batch(size=2, queue_seconds=60, deadline=120)


@pytest.fixture(autouse=True)
def gate() -> Any:
    Slow.gate.clear()
    yield Slow.gate
    Slow.gate.set()


def test_a_late_answer_is_a_504(call: Any, gate: Any):
    with serving(Slow) as fleet:
        found = call("/ml/slow", {"number": 1})
        assert found.status_code == 504
        assert "did not answer in time" in found.content.decode()
        gate.set()
        batcher = fleet.find("slow").choose_live().batcher
        wait_until(lambda: not batcher._running)
        # What comes too late is thrown away, and the next request is answered.
        assert batcher.submit(Slow.Input(number=2)).result(60).number == 2


def test_a_refusal_comes_before_the_body_is_read(call: Any, gate: Any):
    with serving(Slow) as fleet:
        batcher = fleet.find("slow").choose_live().batcher
        batcher.expected_wait = lambda more: 3.2  # type: ignore[method-assign, assignment] # whatever this machine needs
        found = call("/ml/slow", "this is no JSON")
        assert (found.status_code, found["Retry-After"]) == (503, "3")
        assert batcher.counts.refused == 1
        path = "/v2/models/slow/versions/1/infer"
        found = call(path, "this is no JSON", new=True, OPEN_INFERENCE="/v2")
        assert (found.status_code, found["Retry-After"]) == (503, "3")
        assert "more requests than it can answer" in found.json()["error"]
        batcher.problem = "it hangs"
        for path in (
            "/v2/health/ready",
            "/v2/models/slow/ready",
            "/v2/models/slow/versions/1/ready",
        ):
            found = call(path)
            assert (found.status_code, found.json()["ready"]) == (503, False)


def test_a_route_of_your_own_refuses_too(serve: Any):
    api = MattAPI(urls_namespace="own-route")

    @api.post("/own")
    @refuse_when_busy(Slow)
    def own(request: Any, item: Slow.Input) -> Any:
        return Slow.infer(item)

    with serving(Slow) as fleet:
        fleet.find("slow").choose_live().batcher.expected_wait = lambda more: 9  # type: ignore[method-assign, assignment]
        assert serve(api).post("/api/own", "x", content_type="application/json").status_code == 503


def test_clients_that_leave_are_not_predicted(gate: Any):
    async def leave() -> None:
        tasks = [
            asyncio.create_task(Patient.ainfer(Patient.Input(number=number)))
            for number in range(1_000)
        ]
        await asyncio.sleep(0)
        while batcher.statistics()["queued"] + batcher.statistics()["running"] < 1_000:
            await asyncio.sleep(0.01)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert all(task.cancelled() for task in tasks)

    with serving(Patient) as fleet:
        batcher = fleet.find("patient").choose_live().batcher
        threads = threading.active_count()
        async_to_sync(leave)()
        assert batcher.statistics()["queued"] == 0
        assert batcher.counts.cancelled >= 998
        gate.set()
        wait_until(lambda: not batcher._running)
        assert batcher.counts.batches <= 1
        assert threading.active_count() <= threads + 1


def test_a_model_that_does_not_answer_makes_the_server_unready(call: Any, gate: Any):
    with serving(Slow) as fleet:
        assert call("/health/ready").json()["checks"].get("models") == "ok"
        batcher = fleet.find("slow").choose_live().batcher
        batcher.problem = "the thread of the model hangs"
        assert call("/health/ready").json()["checks"]["models"] == "failing"
        found = call("/ml/slow", {"number": 1})
        assert (found.status_code, found["Retry-After"]) == (503, "30")


def test_a_model_that_is_being_loaded_is_a_503(call: Any, monkeypatch: Any):
    loads, loaded = threading.Event(), threading.Event()

    class Heavy(Patient):
        name = "heavy"

        def load(self, device: str) -> None:
            loads.set()
            assert loaded.wait(90)

    from django_matt.contrib.ml import fleets

    fleet = Fleet({"heavy": Heavy}, registry=False)
    monkeypatch.setattr(fleets, "_replaced", [fleet])
    Slow.gate.set()
    thread = threading.Thread(target=fleet.start)
    thread.start()
    assert loads.wait(90)
    found = call("/ml/heavy", {"number": 1})
    assert (found.status_code, found["Retry-After"]) == (503, "1")
    assert "being loaded" in found.content.decode()
    loaded.set()
    thread.join(90)
    assert call("/ml/heavy", {"number": 1}).status_code == 200
    fleet.close()


def test_without_a_lifespan_the_first_request_loads_the_models(call: Any, monkeypatch: Any):
    from django_matt.contrib.ml import fleets

    fleet = Fleet({"patient": Patient}, registry=False)
    monkeypatch.setattr(fleets, "_replaced", [fleet])
    Slow.gate.set()
    assert call("/ml/patient", {"number": 1}).json() == {"number": 1}
    assert fleet.is_started
    fleet.close()


def test_errors_name_themselves():
    assert Overloaded(2.4).headers == {"Retry-After": "3"}
    assert ModelUnavailable().status_code == 503
