"""What waits for the answers of a model: a thread, a task of an event loop, or a future of your own code."""

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import suppress
from threading import Lock
from typing import Any

__all__ = ["Comparison", "FutureWaiter", "LoopWaiter", "ThreadWaiter", "Waiter", "wake_all"]


class Waiter:
    """The answers to the items of one request, and what waits for them.

    It is woken once: when all items are answered, or when the first one fails.
    """

    __slots__ = ("_is_ready", "error", "left", "results")

    def __init__(self, count: int = 1) -> None:
        """Wait for the answers to so many items."""
        self.results: list[Any] = [None] * count
        self.error: BaseException | None = None
        self.left = count
        """How many items have no answer yet."""
        self._is_ready = False

    def begin(self) -> bool:
        """Tell whether the answers are still wanted. It is called when an item leaves the queue."""
        return True

    def settle(self, index: int, result: Any, error: BaseException | None) -> bool:
        """Note the answer to an item, or why there is none; return whether to wake what waits. A batcher locks it."""
        self.left -= 1
        if error is None:
            self.results[index] = result
        else:
            self.error = self.error or error
        if self._is_ready or (self.left and error is None):
            return False
        self._is_ready = True
        return True

    def wake(self) -> None:
        """Wake what waits."""
        raise NotImplementedError


class ThreadWaiter(Waiter):
    """A thread that waits."""

    __slots__ = ("_lock",)

    def __init__(self, count: int) -> None:
        """Take a lock, which ``wake`` releases: the cheapest way to wait for another thread."""
        super().__init__(count)
        self._lock = Lock()
        self._lock.acquire()

    def wait(self, seconds: float) -> bool:
        """Wait for the answers; return whether they were there in time."""
        return self._lock.acquire(timeout=seconds)

    def wake(self) -> None:
        """Let the thread go on."""
        self._lock.release()


class LoopWaiter(Waiter):
    """A task of an event loop that waits."""

    __slots__ = ("future", "loop")

    def __init__(self, count: int) -> None:
        """Wait in the event loop that runs."""
        super().__init__(count)
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[bool] = self.loop.create_future()
        """Its result is whether the answers were there in time."""

    def wake(self) -> None:
        """Let the task go on; only its event loop may call this."""
        self.end(in_time=True)

    def end(self, *, in_time: bool = False) -> None:
        """End the wait; only its event loop may call this."""
        if not self.future.done():
            self.future.set_result(in_time)


class FutureWaiter(Waiter):
    """A future of the project's own code."""

    __slots__ = ("future",)

    def __init__(self) -> None:
        """Make the future of one answer."""
        super().__init__()
        self.future: Future[Any] = Future()

    def begin(self) -> bool:
        """Tell whether the future was not cancelled; from here on it cannot be."""
        return self.future.set_running_or_notify_cancel()

    def wake(self) -> None:
        """Give the future its result or its exception, unless it was cancelled."""
        with suppress(Exception):
            if self.error is not None:
                self.future.set_exception(self.error)
            else:
                self.future.set_result(self.results[0])


class Comparison:
    """The answers of two versions to one item, which are compared when both are there. Each version has a thread of its own."""

    def __init__(self, compare: Callable[["Comparison"], None]) -> None:
        """Take what is called with this object, by one of the two threads."""
        self.results: list[Any] = [None, None]
        self.errors: list[BaseException | None] = [None, None]
        self.halves = (_Half(self, 0), _Half(self, 1))
        self.left = 2
        self.lock = Lock()
        self.compare = compare


class _Half(Waiter):
    """One of the two answers."""

    __slots__ = ("_side", "_whole")

    def __init__(self, whole: Comparison, side: int) -> None:
        super().__init__()
        self._whole, self._side = whole, side

    def settle(self, index: int, result: Any, error: BaseException | None) -> bool:
        whole = self._whole
        with whole.lock:
            whole.results[self._side], whole.errors[self._side] = result, error
            whole.left -= 1
            return not whole.left

    def wake(self) -> None:
        with suppress(Exception):
            self._whole.compare(self._whole)


def wake_all(waiters: Iterable[Waiter]) -> None:
    """Wake what waits, and each event loop once for all of its tasks."""
    loops: dict[asyncio.AbstractEventLoop, list[LoopWaiter]] = {}
    for waiter in waiters:
        if isinstance(waiter, LoopWaiter):
            loops.setdefault(waiter.loop, []).append(waiter)
        else:
            waiter.wake()
    for loop, tasks in loops.items():
        with suppress(RuntimeError):  # the loop was closed
            loop.call_soon_threadsafe(_wake_tasks, tasks)


def _wake_tasks(tasks: list[LoopWaiter]) -> None:
    for each in tasks:
        each.wake()
