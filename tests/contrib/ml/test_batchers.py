"""The batcher: batches, refusals, deadlines, cancellation, items that fail, and threads that hang or die."""

import gc
import threading
import weakref
from concurrent.futures import Future, ThreadPoolExecutor
from time import monotonic
from typing import Any

import pytest
from ninja import Schema

from django_matt.contrib.ml.batchers import Batcher
from django_matt.contrib.ml.errors import (
    DeadlineExceeded,
    ModelUnavailable,
    Overloaded,
    ReplicaClosed,
)
from django_matt.contrib.ml.fleets import serving
from django_matt.contrib.ml.served import Batch, Served
from django_matt.errors.exceptions import ServiceUnavailable
from tests.waiting import wait_until


class Item(Schema):
    number: int = 0


class Doubler(Served):
    """Doubles numbers. While the gate is closed it does not answer; it notes the batches that it gets."""

    name = "doubler"
    batch = Batch(size=8, queue_seconds=60, deadline=120)
    Input = Output = Item

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Semaphore(0)
        self.batches: list[list[int]] = []

    def predict(self, items: list[Any]) -> list[Any]:
        self.batches.append([item.number for item in items])
        self.entered.release()
        assert self.gate.wait(120)
        return [Item(number=2 * self.value(item.number)) for item in items]

    def value(self, number: int) -> int:
        return number


class Picky(Doubler):
    def value(self, number: int) -> int:
        if number == 13:
            raise ValueError("no 13")
        return number


def start(kind: Any = Doubler, **batch: Any) -> tuple[Any, Batcher]:
    model = kind()
    if batch:
        model.batch = Batch(**{"size": 8, "queue_seconds": 60, "deadline": 120, **batch})
    return model, Batcher(model)


def block(model: Any, batcher: Batcher) -> "Future[Any]":
    """Let the model work at one item until its gate is opened."""
    model.gate.clear()
    future = batcher.submit(Item(number=0))
    model.entered.acquire()
    return future


def test_what_is_queued_is_predicted_at_once():
    model, batcher = start()
    first = block(model, batcher)
    futures = [batcher.submit(Item(number=number)) for number in range(1, 20)]
    model.gate.set()
    assert [each.result(60).number for each in [first, *futures]] == [2 * n for n in range(20)]
    assert [len(each) for each in model.batches] == [1, 8, 8, 3]
    assert batcher.statistics()["answered"] == 20
    assert batcher.close(60)


def test_items_of_another_bucket_are_in_another_batch():
    class Bucketed(Doubler):
        def bucket(self, item: Any) -> Any:
            return item.number % 2

    model, batcher = start(Bucketed)
    block(model, batcher)
    futures = [batcher.submit(Item(number=number)) for number in range(1, 9)]
    model.gate.set()
    assert [each.result(60).number for each in futures] == [2 * n for n in range(1, 9)]
    assert model.batches == [[0], [1, 3, 5, 7], [2, 4, 6, 8]]
    batcher.close(60)


def test_sixteen_threads_get_their_own_answers():
    _, batcher = start()
    with ThreadPoolExecutor(24) as pool:
        numbers = range(3_000)
        found = pool.map(lambda n: batcher.submit(Item(number=n)).result(60).number, numbers)
        assert [*found] == [2 * n for n in numbers]
    assert batcher.counts.answered == 3_000
    batcher.close(60)


def test_a_bad_item_fails_alone():
    model, batcher = start(Picky)
    block(model, batcher)
    futures = [batcher.submit(Item(number=number)) for number in (11, 12, 13, 14)]
    model.gate.set()
    assert [futures[n].result(60).number for n in (0, 1, 3)] == [22, 24, 28]
    with pytest.raises(ValueError, match="no 13"):
        futures[2].result(60)
    assert model.batches == [[0], [11, 12, 13, 14], [11], [12], [13], [14]]
    batcher.close(60)


def test_a_server_that_cannot_be_reached_is_not_asked_for_each_item():
    class Far(Doubler):
        def value(self, number: int) -> int:
            if number:
                raise ServiceUnavailable
            return number

    model, batcher = start(Far)
    block(model, batcher)
    futures = [batcher.submit(Item(number=number)) for number in (1, 2, 3)]
    model.gate.set()
    for each in futures:
        assert isinstance(each.exception(60), ServiceUnavailable)
    assert model.batches == [[0], [1, 2, 3]]
    batcher.close(60)


def test_a_batch_without_memory_makes_smaller_ones():
    class Large(Doubler):
        def predict(self, items: list[Any]) -> list[Any]:
            if len(items) > 4:
                raise MemoryError
            return super().predict(items)

    model, batcher = start(Large)
    first = block(model, batcher)
    futures = [batcher.submit(Item(number=number)) for number in range(1, 17)]
    model.gate.set()
    assert [each.result(60).number for each in [first, *futures]] == [2 * n for n in range(17)]
    assert [len(each) for each in model.batches] == [1, *[1] * 8, 4, 4]
    batcher.close(60)


@pytest.mark.parametrize("results", [lambda items: items[1:], lambda items: None, iter])
def test_a_wrong_number_of_results_is_an_error(results: Any):
    class Short(Doubler):
        def predict(self, items: list[Any]) -> Any:
            return results(items)

    _, batcher = start(Short)
    with pytest.raises(RuntimeError, match=r"predict\(\) returned"):
        batcher.submit(Item()).result(60)
    batcher.close(60)


def test_requests_that_would_wait_too_long_are_refused():
    model, batcher = start(queue_seconds=1.0)
    batcher._alone = batcher._full = 0.6  # what a batch costs, whatever this machine needs
    block(model, batcher)
    accepted: list[Any] = []
    with pytest.raises(Overloaded) as refused:
        accepted.extend(batcher.submit(Item(number=number)) for number in range(100))
    # One full batch in front of it takes 0.6 seconds, and two take more than one.
    assert len(accepted) in (8, 16)
    assert refused.value.headers["Retry-After"] == "1"
    assert batcher.counts.refused == 1
    model.gate.set()
    assert batcher.close(60)


def test_what_is_expected_follows_what_is_measured():
    _, batcher = start()
    for _ in range(40):
        batcher._learn(1, 0.01)
        batcher._learn(8, 0.024)
    assert batcher._cost(1) == pytest.approx(0.01, rel=0.05)
    assert batcher._cost(8) == pytest.approx(0.024, rel=0.05)
    assert batcher._cost(4) == pytest.approx(0.016, rel=0.05)


def test_cancelled_items_leave_the_queue_and_nothing_behind():
    model, batcher = start(size=4)
    block(model, batcher)
    items = [Item(number=number) for number in range(1_000)]
    watched = [weakref.ref(each) for each in items]
    futures = [batcher.submit(each) for each in items]
    del items
    assert all(each.cancel() for each in futures)
    assert batcher.statistics()["queued"] == 0
    assert batcher.counts.cancelled == 1_000
    del futures
    gc.collect()
    assert [each for each in watched if each() is not None] == []
    model.gate.set()
    assert batcher.submit(Item(number=4)).result(60).number == 8
    # None of them was predicted.
    assert model.batches == [[0], [4]]
    batcher.close(60)


def test_an_item_whose_deadline_has_passed_is_not_predicted():
    model, batcher = start(deadline=30)
    block(model, batcher)
    future = batcher.submit(Item(number=5))
    [job] = batcher._queue.values()
    job.expires = monotonic() - 1
    model.gate.set()
    assert isinstance(future.exception(60), DeadlineExceeded)
    assert model.batches == [[0]]
    assert batcher.counts.expired == 1
    batcher.close(60)


def test_a_thread_that_hangs_is_replaced_once():
    model, batcher = start(deadline=30)
    hung = block(model, batcher)
    batcher._since -= 61
    waiting = batcher.submit(Item(number=3))
    assert isinstance(hung.exception(60), DeadlineExceeded)
    model.entered.acquire()  # another thread has taken the next item
    assert batcher.problem is None
    batcher._since -= 61
    batcher.watch()
    assert isinstance(waiting.exception(60), DeadlineExceeded)
    assert "hangs" in str(batcher.problem)
    with pytest.raises(ModelUnavailable):
        batcher.submit(Item(number=4))
    # Those that come back after all are used again.
    model.gate.set()
    wait_until(lambda: batcher.problem is None)
    assert batcher.submit(Item(number=6)).result(60).number == 12
    batcher.close(60)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_ends_is_replaced_once_and_then_reported():
    class Fragile(Doubler):
        def value(self, number: int) -> int:
            if number == 13:
                raise SystemExit
            return number

    _, batcher = start(Fragile)
    for problem in (False, True):
        future = batcher.submit(Item(number=13))
        thread = batcher._thread
        assert isinstance(future.exception(60), SystemExit)
        assert thread is not None
        thread.join(60)
        batcher.watch()
        assert (batcher.problem is not None) is problem
    with pytest.raises(ModelUnavailable):
        batcher.submit(Item())
    batcher.close(60)


def test_a_closed_batcher_answers_what_is_queued_and_frees_the_model():
    model, batcher = start()
    block(model, batcher)
    futures = [batcher.submit(Item(number=number)) for number in range(20)]
    threading.Timer(0.05, model.gate.set).start()
    assert batcher.close(60)
    assert [each.result(0).number for each in futures] == [2 * n for n in range(20)]
    with pytest.raises(ReplicaClosed):
        batcher.submit(Item())
    watched = weakref.ref(model)
    del model, futures
    gc.collect()
    assert watched() is None


def test_the_class_is_used_from_your_own_code():
    from asgiref.sync import async_to_sync

    class Own(Doubler):
        name = "own"

    with serving(Own):
        assert Own.infer(Item(number=4)).number == 8
        assert async_to_sync(Own.ainfer)(Item(number=5)).number == 10
        assert Own.submit(Item(number=6)).result(60).number == 12
