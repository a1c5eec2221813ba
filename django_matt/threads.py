"""The threads that requests under ASGI borrow for their synchronous work, each with its own database connections."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import partial
from typing import Any

__all__ = ["Lease", "Threads"]


class Threads:
    """At most ``limit`` long-lived threads that requests borrow, and one more that all open streams share.

    ``at_start`` runs in a thread before anything else of the request that borrows it, and ``at_return`` after all of it.
    In the shared thread ``before_shared`` and ``after_shared`` run around each call. ``at_end`` runs in each thread
    before it ends.
    """

    def __init__(
        self,
        limit: int,
        *,
        at_start: Callable[[], None],
        at_return: Callable[[], None],
        before_shared: Callable[[], None],
        after_shared: Callable[[], None],
        at_end: Callable[[], None],
    ) -> None:
        """Start no thread yet."""
        self.limit = limit
        self.at_start = at_start
        self.at_return = at_return
        self.before_shared = before_shared
        self.after_shared = after_shared
        self.at_end = at_end
        # A request may be served by one event loop and wait for a thread that a request of another returns.
        self.lock = threading.RLock()
        self._idle: list[ThreadPoolExecutor] = []
        self._lent = 0
        self._waiting: deque[Lease] = deque()
        self._shared: ThreadPoolExecutor | None = None
        self._streams = 0

    def take(self, lease: "Lease") -> ThreadPoolExecutor | None:
        """Return a thread, or None where all are lent: the lease then gets one later, by ``begin``."""
        if self._idle:
            # The one that was returned last: its caches are warm, and its connections are the youngest.
            self._lent += 1
            return self._idle.pop()
        if self._lent < self.limit:
            self._lent += 1
            return ThreadPoolExecutor(max_workers=1, thread_name_prefix="matt-request")
        self._waiting.append(lease)
        return None

    def give_back(self, thread: ThreadPoolExecutor) -> None:
        """Lend a thread to the request that has waited the longest, or keep it."""
        if self._waiting:
            self._waiting.popleft().begin(thread)
        else:
            self._lent -= 1
            self._idle.append(thread)

    def replace(self, lease: "Lease", heir: "Lease | None") -> None:
        """Let a request that ends no longer wait; ``heir`` takes its place in the queue."""
        if heir is None:
            self._waiting.remove(lease)
        else:
            self._waiting[self._waiting.index(lease)] = heir

    def open_stream(self) -> ThreadPoolExecutor:
        """Return the thread that all streams share."""
        if self._shared is None:
            self._shared = ThreadPoolExecutor(max_workers=1, thread_name_prefix="matt-streams")
        self._streams += 1
        return self._shared

    def close_stream(self) -> None:
        """Close the connections of the shared thread, and end it, once no stream uses it."""
        self._streams -= 1
        if self._streams == 0 and self._shared is not None:
            self._shared.submit(self.at_end)
            self._shared.shutdown(wait=False)
            self._shared = None

    def close(self) -> None:
        """End the threads that no request has borrowed; wait until their connections are closed."""
        with self.lock:
            threads, self._idle = self._idle, []
        for thread in threads:
            thread.submit(self.at_end)
        for thread in threads:
            thread.shutdown(wait=True)


class Lease(Executor):
    """What one request borrows: a thread from its first synchronous call on, the same one until the request ends."""

    def __init__(self, threads: Threads) -> None:
        """Borrow nothing yet."""
        self._threads = threads
        self._thread: ThreadPoolExecutor | None = None
        self._calls: list[Future[Any]] = []
        self._queue: list[tuple[Future[Any], Callable[[], Any]]] = []
        self._waits = self._shares = self._has_ended = False
        self._shared: ThreadPoolExecutor | None = None
        self.has_begun = False

    @property
    def is_used(self) -> bool:
        """Whether the request has a thread, or waits for one."""
        return self._thread is not None or self._waits

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """Run a function in the request's thread; it waits where all threads are lent."""
        with self._threads.lock:
            if self._shares:
                if self._shared is None:
                    self._shared = self._threads.open_stream()
                return self._shared.submit(self._run_shared, fn, *args, **kwargs)
            if self._thread is None and not self._waits:
                thread = self._threads.take(self)
                if thread is None:
                    self._waits = True
                else:
                    self.begin(thread)
            if self._thread is not None:
                return self._submit(self._thread, fn, *args, **kwargs)
            future: Future[Any] = Future()
            self._queue.append((future, partial(fn, *args, **kwargs)))
            return future

    def _submit(
        self, thread: ThreadPoolExecutor, fn: Any, /, *args: Any, **kwargs: Any
    ) -> "Future[Any]":
        """Run a function in a thread; its first call of this request takes ``at_start`` along."""
        calls = self._calls
        if calls and calls[-1].done() and not calls[-1].cancelled():
            calls.clear()  # The thread runs one after the other.
        if self.has_begun:
            future = thread.submit(fn, *args, **kwargs)
        else:
            self.has_begun = True
            future = thread.submit(self._begin_with, fn, *args, **kwargs)
        calls.append(future)
        return future

    def _begin_with(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Run the first call of a request; one trip to the thread for both."""
        self._threads.at_start()
        return fn(*args, **kwargs)

    def _run_shared(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Run a call of a stream in the thread that all streams share."""
        self._threads.before_shared()
        try:
            return fn(*args, **kwargs)
        finally:
            self._threads.after_shared()

    def begin(self, thread: ThreadPoolExecutor) -> None:
        """Use a thread from now on, first for the calls that have waited."""
        with self._threads.lock:
            self._thread, self._waits = thread, False
            for future, call in self._queue:
                self._submit(thread, _run, future, call)
            self._queue.clear()
            if self._has_ended:
                self.end()

    async def share(self, is_busy: Callable[[], bool]) -> None:
        """Use the thread of the streams from now on; keep the own one where ``is_busy`` says so in it."""
        thread = self._thread
        if thread is not None and await asyncio.wrap_future(thread.submit(is_busy)):
            return
        self.end()
        self._shares = True

    def end_sharing(self) -> None:
        """Borrow a thread of the request's own again at the next call."""
        if self._shares:
            self.end()

    def end(self) -> None:
        """Return whatever is borrowed. A later call borrows a thread again."""
        with self._threads.lock:
            if self._waits:
                self._threads.replace(self, self._heir())
            if self._thread is not None:
                self._return(self._thread)
            if self._shared is not None:
                self._threads.close_stream()
            self._thread = self._shared = None
            self._waits = self._shares = self.has_begun = False

    def _return(self, thread: ThreadPoolExecutor) -> None:
        """Return a thread, after what still runs in it: a client may leave a view that does not notice."""
        last = thread.submit(self._threads.at_return)
        if all(call.done() for call in self._calls):
            # Only the short `at_return` is before the next request, which need not wait for it in the loop.
            self._threads.give_back(thread)
        else:
            last.add_done_callback(partial(self._give_back, thread))
        self._calls = []

    def _give_back(self, thread: ThreadPoolExecutor, _: "Future[Any]") -> None:
        with self._threads.lock:
            self._threads.give_back(thread)

    def _heir(self) -> "Lease | None":
        """Return a lease for the calls of tasks that outlive this request; None where nobody waits for a call."""
        left = [(future, call) for future, call in self._queue if not future.cancelled()]
        self._queue.clear()
        if not left:
            return None
        heir = Lease(self._threads)
        heir._queue, heir._waits, heir._has_ended = left, True, True
        heir.has_begun = self.has_begun
        return heir


def _run(future: "Future[Any]", call: Callable[[], Any]) -> None:
    """Run a call that has waited for a thread, and tell its future."""
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(call())
    except BaseException as error:  # noqa: BLE001 - the future hands it to whoever waits
        future.set_exception(error)
