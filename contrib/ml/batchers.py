"""The batcher of one loaded version: a thread that takes what is queued, and tells new requests how long they would wait."""

import logging
import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from dataclasses import asdict, dataclass
from time import monotonic
from typing import Any

from django_matt.contrib.ml.errors import (
    DeadlineExceeded,
    ModelUnavailable,
    Overloaded,
    ReplicaClosed,
)
from django_matt.contrib.ml.served import Served
from django_matt.contrib.ml.waiters import FutureWaiter, Waiter, wake_all
from django_matt.errors.exceptions import Problem

__all__ = ["Batcher", "Counts"]

logger = logging.getLogger(__name__)

_LEARNING = 0.3
"""How much of the difference between the expected and the measured time of a batch is learned."""
_LOST_AFTER = 2
"""After how many deadlines a running batch is given up."""
_THREADS = 2
"""How many threads a version may lose, the first one included."""


@dataclass(slots=True)
class Counts:
    """What a version has done since it was loaded."""

    answered: int = 0
    failed: int = 0
    refused: int = 0
    expired: int = 0
    """Items whose deadline passed while they were queued."""
    cancelled: int = 0
    batches: int = 0
    items: int = 0
    """Items in these batches: divided by ``batches``, the mean size."""
    waited_seconds: float = 0.0
    """The sum of what these items waited in the queue."""
    run_seconds: float = 0.0


@dataclass(slots=True, eq=False)
class _Job:
    item: Any
    waiter: Waiter
    index: int
    """Which of the waiter's items it is."""
    queued: float
    expires: float
    key: Any
    also: Waiter | None = None
    """What else gets the answer: a comparison with another version."""


class Batcher:
    """Queues items, and predicts as many at once as are queued when the model is free.

    The expected wait of a request is the rest of the running batch and the full batches in front of it. The times of a batch of one
    item and of a full one are learned from every batch; those between are on the line between them.
    """

    def __init__(self, model: Served) -> None:
        """Take a loaded model. The thread starts with the first item."""
        self.counts = Counts()
        self.problem: str | None = None
        """Why no request can be answered; ``None`` while all is well."""
        self._model: Served | None = model
        self._name = f"{model.name}:{model.version}"
        self._batch = model.batch
        self._size = model.batch.size
        self._has_buckets = type(model).bucket is not Served.bucket
        self._condition = threading.Condition()
        # Its first item is found at once; a dict looks at all that were before it.
        self._queue: OrderedDict[int, _Job] = OrderedDict()
        self._next = 0
        self._running: list[_Job] = []
        self._since = 0.0
        self._alone = self._full = 0.0
        self._thread: threading.Thread | None = None
        self._generation = 0
        self._lost = 0
        self._is_closed = False

    # ---- what requests call -----------------------------------------------------------------------------------------

    def expected_wait(self, more: int = 0) -> float:
        """Return how many seconds a new item would wait before its batch begins, behind ``more`` others. It takes no lock."""
        running = len(self._running)
        rest = max(0.0, self._cost(running) - (monotonic() - self._since)) if running else 0.0
        return rest + (len(self._queue) + more) // self._size * self._full

    def refuse(self, more: int = 0) -> None:
        """Raise ``Overloaded`` if a new item would wait too long, and ``ModelUnavailable`` if nothing is answered.

        ``more`` is how many items of the same request are queued before it.
        """
        if self.problem is not None:
            raise ModelUnavailable
        excess = self.expected_wait(more) - self._batch.queue_seconds
        if excess > 0:
            self.counts.refused += 1
            raise Overloaded(excess)

    def queue(
        self,
        items: Sequence[Any],
        waiter: Waiter,
        also: Sequence[Waiter] | None = None,
    ) -> range:
        """Queue the items of a request, all or none; return their numbers, for ``cancel``.

        ``also`` is what else gets the answer to each item. Raises what ``refuse`` raises, and ``ReplicaClosed``.
        """
        self.watch()
        model = self._model
        buckets = self._has_buckets and model is not None
        keys = [model.bucket(item) for item in items] if buckets else None  # type: ignore[union-attr]
        self.refuse(len(items) - 1)
        now = monotonic()
        expires = now + self._batch.deadline
        with self._condition:
            if self._is_closed:
                raise ReplicaClosed
            if self.problem is not None:
                raise ModelUnavailable
            first = self._next
            for index, item in enumerate(items):
                key = None if keys is None else keys[index]
                more = None if also is None else also[index]
                self._queue[first + index] = _Job(item, waiter, index, now, expires, key, more)
            self._next = first + len(items)
            if self._thread is None:
                self._start()
            self._condition.notify()
        return range(first, self._next)

    def submit(self, item: Any) -> "Future[Any]":
        """Queue an item, and return the future of its answer. Raises what ``queue`` raises."""
        waiter = FutureWaiter()
        numbers = self.queue([item], waiter)

        def forget(future: "Future[Any]") -> None:
            if future.cancelled():
                self.cancel(numbers)

        waiter.future.add_done_callback(forget)
        return waiter.future

    def cancel(self, numbers: Iterable[int]) -> None:
        """Remove items from the queue that nobody waits for any more; those that are predicted already are not counted."""
        with self._condition:
            for number in numbers:
                if self._queue.pop(number, None) is not None:
                    self.counts.cancelled += 1

    def watch(self) -> None:
        """Give up a thread that hangs or has ended, and start another one in its place, once."""
        if not self._looks_lost():
            return
        with self._condition:
            why = None if self._is_closed else self._looks_lost()
            # Otherwise another request has seen it before.
            ready = [] if why is None else self._replace(why)
        wake_all(ready)

    def _looks_lost(self) -> str | None:
        thread = self._thread
        if thread is None or self._is_closed or self.problem is not None:
            return None
        if self._running and monotonic() - self._since > _LOST_AFTER * self._batch.deadline:
            return "hangs"
        return None if thread.is_alive() else "has ended"

    # ---- what the app calls -----------------------------------------------------------------------------------------

    def warm(self, items: Sequence[Any]) -> None:
        """Predict items before the first request, alone and as a full batch, and learn how long that takes."""
        if not items or self._model is None:
            return
        full = [items[number % len(items)] for number in range(self._size)]
        for batch in (items[:1], full, items[:1], full):
            begun = monotonic()
            check_results(self._model.predict(list(batch)), len(batch))
            seconds = monotonic() - begun
            if len(batch) == 1:
                self._alone = seconds
            self._full = max(seconds, self._alone)

    def close(self, seconds: float) -> bool:
        """Answer what is queued, end the thread, and free the model. Return whether that took less than ``seconds``."""
        with self._condition:
            self._is_closed = True
            self._condition.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join(seconds)
        with self._condition:
            ready = self._give_up()
            self._model = None
        wake_all(ready)
        return thread is None or not thread.is_alive()

    def statistics(self) -> dict[str, Any]:
        """Return the counts, and how many items are queued now."""
        return {**asdict(self.counts), "queued": len(self._queue), "running": len(self._running)}

    # ---- the thread -------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        # A daemon: a model that hangs does not keep the process from ending.
        self._thread = threading.Thread(
            target=self._work, args=(self._generation,), name=f"matt-ml-{self._name}", daemon=True
        )
        self._thread.start()

    def _work(self, generation: int) -> None:
        while True:
            with self._condition:
                while not (jobs := self._take()):
                    if self._is_closed or generation != self._generation:
                        return
                    self._condition.wait()
                self._running, self._since = jobs, monotonic()
            self._predict(jobs, generation)
            with self._condition:
                if generation != self._generation:
                    self._come_back()
                    return
                self._running = []
            # A finished batch must not be kept alive until the next one.
            del jobs

    def _take(self) -> list[_Job]:
        """Remove the next batch from the queue: the first items, or those in the bucket of the first. The lock is taken."""
        now = monotonic()
        jobs: list[_Job] = []
        numbers = [*self._queue] if self._has_buckets else iter(self._first, None)
        for number in numbers:
            job = self._queue[number]
            if jobs and job.key != jobs[0].key:
                continue
            del self._queue[number]
            if not job.waiter.begin():
                self.counts.cancelled += 1
                continue
            if now > job.expires:
                self.counts.expired += 1
                wake_all(self._settle(job, None, DeadlineExceeded()))
                continue
            self.counts.waited_seconds += now - job.queued
            jobs.append(job)
            if len(jobs) == self._size:
                break
        return jobs

    def _first(self) -> int | None:
        return next(iter(self._queue), None)

    def _predict(self, jobs: list[_Job], generation: int) -> None:
        begun = monotonic()
        try:
            results = self._call(jobs)
        except Exception as error:  # noqa: BLE001 - the model is the project's own code; its request gets it
            self._fail(jobs, error, generation)
        except BaseException as error:
            self._answer(jobs, None, error, generation)
            raise
        else:
            self._learn(len(jobs), monotonic() - begun)
            self._answer(jobs, results, None, generation)
        self.counts.batches += 1
        self.counts.items += len(jobs)
        self.counts.run_seconds += monotonic() - begun

    def _call(self, jobs: list[_Job]) -> Sequence[Any]:
        model = self._model
        if model is None:
            raise ModelUnavailable
        return check_results(model.predict([job.item for job in jobs]), len(jobs))

    def _fail(self, jobs: list[_Job], error: Exception, generation: int) -> None:
        """Predict the items of a failed batch alone, so that only those fail that are at fault."""
        if _is_out_of_memory(error):
            self._size = max(1, len(jobs) // 2)
            logger.warning("%s: out of memory; batches have %d items now.", self._name, self._size)
        is_shared = isinstance(error, Problem) and error.status_code >= 500
        if len(jobs) == 1 or is_shared:
            self._answer(jobs, None, error, generation)
            return
        logger.info(
            "%s: a batch failed, its items are predicted alone.", self._name, exc_info=error
        )
        for job in jobs:
            self._since = monotonic()
            if self._since > job.expires:
                self._answer([job], None, DeadlineExceeded(), generation)
                continue
            try:
                results = self._call([job])
            except Exception as alone:  # noqa: BLE001 - as above
                self._answer([job], None, alone, generation)
            else:
                self._answer([job], results, None, generation)

    def _answer(
        self,
        jobs: Sequence[_Job],
        results: Sequence[Any] | None,
        error: BaseException | None,
        generation: int,
    ) -> None:
        """Give jobs their results, or an error; nothing if this thread was given up, as they have been answered then."""
        ready: list[Waiter] = []
        with self._condition:
            if generation != self._generation:
                return
            if results is None:
                self.counts.failed += len(jobs)
            else:
                self.counts.answered += len(jobs)
            for number, job in enumerate(jobs):
                ready += self._settle(job, None if results is None else results[number], error)
            # From here on, nobody who gives up this thread answers them again.
            self._running = [] if jobs is self._running else [*set(self._running).difference(jobs)]
        # Without the lock: a callback of a future may take its time, and an event loop is woken by a system call.
        wake_all(ready)

    def _settle(self, job: _Job, result: Any, error: BaseException | None) -> list[Waiter]:
        """Answer a job, and return what to wake; the lock is taken."""
        ready = [job.waiter] if job.waiter.settle(job.index, result, error) else []
        if job.also is not None and job.also.settle(0, result, error):
            ready.append(job.also)
        return ready

    # ---- times ------------------------------------------------------------------------------------------------------

    def _cost(self, count: int) -> float:
        """Return the expected seconds of a batch."""
        return self._alone + (self._full - self._alone) * self._weight(count)

    def _weight(self, count: int) -> float:
        return min(1.0, (count - 1) / (self._size - 1)) if self._size > 1 else 1.0

    def _learn(self, count: int, seconds: float) -> None:
        weight = self._weight(count)
        if not self._full:  # nothing is known: no warm()
            self._alone = seconds / max(1.0, count / 4)
            self._full = seconds * self._size / count
            return
        error = _LEARNING * (seconds - self._cost(count))
        self._alone = max(0.0, self._alone + error * (1 - weight))
        self._full = max(self._alone, self._full + error * weight)

    # ---- threads that are lost --------------------------------------------------------------------------------------

    def _replace(self, why: str) -> list[Waiter]:
        """Give up the thread; the lock is taken. Return what to wake."""
        self._lost += 1
        self._generation += 1
        given_up, self._running = self._running, []
        logger.error("%s: the thread of the model %s.", self._name, why)
        self.counts.failed += len(given_up)
        ready = [each for job in given_up for each in self._settle(job, None, DeadlineExceeded())]
        if self._lost < _THREADS:
            self._start()
            return ready
        self.problem = f"the thread of the model {why}, and so did the one before it"
        return ready + self._give_up()

    def _give_up(self) -> list[Waiter]:
        """Empty the queue; the lock is taken. Return what to wake."""
        left = [*self._queue.values()]
        self._queue.clear()
        return [
            each
            for job in left
            if job.waiter.begin()
            for each in self._settle(job, None, ModelUnavailable())
        ]

    def _come_back(self) -> None:
        """Note that a thread that was given up has ended its batch after all; the lock is taken."""
        self._lost -= 1
        if self.problem is not None and not self._is_closed:
            self.problem = None
            self._start()


def check_results(results: Any, count: int) -> Sequence[Any]:
    """Return the results of a batch; raise ``RuntimeError`` if ``predict`` did not return one per item."""
    found = len(results) if hasattr(results, "__len__") else type(results).__name__
    if found != count:
        raise RuntimeError(f"predict() returned {found} results for {count} items.")
    return results  # type: ignore[no-any-return]


def _is_out_of_memory(error: Exception) -> bool:
    # torch.OutOfMemoryError, without an import of torch.
    return isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
