"""The threads that requests under ASGI borrow for their synchronous work, each with its own database connections."""

import asyncio
import os
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from contextvars import Context, copy_context
from functools import partial
from typing import Any, TypeVar

from asgiref import sync
from asgiref.sync import AsyncToSync, SyncToAsync, sync_to_async

__all__ = ["Lease", "Threads", "release_thread", "run_in_thread"]

T = TypeVar("T")

# Private, and so looked up once: without it `run_in_thread` is `sync_to_async`.
_restore_context: Callable[[Context], None] | None = getattr(sync, "_restore_context", None)


async def run_in_thread(fn: Callable[..., T], /, *args: Any) -> T:
    """Run a function as ``sync_to_async(fn)(*args)`` does, at less cost where the request has a ``Lease``.

    Context variables, asgiref's locals and ``async_to_sync`` in the function work as they do there.
    """
    context = SyncToAsync.thread_sensitive_context.get(None)
    if context is not None and _restore_context is not None:
        lease = SyncToAsync.context_to_thread_executor.get(context)
        # Below a synchronous caller that waits for us in `async_to_sync`, that thread is the one to use.
        if type(lease) is Lease and getattr(AsyncToSync.executors, "current", None) is None:
            thread = lease.borrow()
            if thread is not None:
                return await lease.call(thread, fn, args)  # type: ignore[no-any-return]
    return await sync_to_async(fn)(*args)


def release_thread() -> None:
    """Return the thread that this request has borrowed, before a long wait; a later synchronous call borrows one again.

    The request keeps it while a call runs in it, and while something is left to do in it, such as a transaction.
    """
    context = SyncToAsync.thread_sensitive_context.get(None)
    lease = None if context is None else SyncToAsync.context_to_thread_executor.get(context)
    if type(lease) is Lease:
        lease.pause()


class Threads:
    """At most ``limit`` long-lived threads that requests borrow, and one more that all open streams share.

    ``at_start`` runs in a thread before anything else of the request that borrows it, and ``at_return`` after all of it.
    ``is_clean`` is asked in the thread after each call; ``at_return`` is left out where its last answer was True. In the
    shared thread ``before_shared`` and ``after_shared`` run around each call. ``at_end`` runs in each thread before it ends.
    """

    def __init__(
        self,
        limit: int,
        *,
        at_start: Callable[[], None],
        at_return: Callable[[], None],
        is_clean: Callable[[], bool],
        before_shared: Callable[[], None],
        after_shared: Callable[[], None],
        at_end: Callable[[], None],
    ) -> None:
        """Start no thread yet."""
        self.limit = limit
        self.at_start = at_start
        self.at_return = at_return
        self.is_clean = is_clean
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
        """Return a thread, or None if all are lent: the lease then gets one later, by ``begin``."""
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


class _Use:
    """What a lease has run in the thread that it borrowed; the thread writes it, one call after the other."""

    __slots__ = ("calls", "has_begun", "is_clean")

    def __init__(self, has_begun: bool = False) -> None:
        self.has_begun = has_begun
        self.is_clean = True
        # One entry for each call that has not ended. Adding to a list and taking from it needs no lock.
        self.calls: list[None] = []

    def add(self) -> "_Use":
        """Count a call that begins."""
        self.calls.append(None)
        self.is_clean = False
        return self


class Lease(Executor):
    """What one request borrows: a thread from its first synchronous call on, the same one until the request ends."""

    # Of the class, because most requests of an async API change none of them.
    _thread: ThreadPoolExecutor | None = None
    _shared: ThreadPoolExecutor | None = None
    _waits = _shares = _has_ended = False
    has_begun = False
    answer: "asyncio.Future[Any] | None" = None
    """What the request waits for while a function of ``run_in_thread`` runs."""
    _use: "_Use"

    def __init__(self, threads: Threads) -> None:
        """Borrow nothing yet."""
        self._threads = threads
        self._queue: list[tuple[Future[Any], Callable[[], Any]]] = []

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
            thread = self.borrow()
            if thread is not None:
                return self._submit(thread, fn, *args, **kwargs)
            future: Future[Any] = Future()
            self._queue.append((future, partial(fn, *args, **kwargs)))
            return future

    def borrow(self) -> ThreadPoolExecutor | None:
        """Return the request's thread; None if it waits for one, or uses the thread that all streams share."""
        with self._threads.lock:
            if self._thread is None and not self._waits and not self._shares:
                thread = self._threads.take(self)
                if thread is None:
                    self._waits = True
                else:
                    self.begin(thread)
            return self._thread

    async def call(
        self, thread: ThreadPoolExecutor, fn: Callable[..., Any], args: tuple[Any, ...]
    ) -> Any:
        """Run a function in a thread that this lease has borrowed, with the context variables of the caller."""
        loop = asyncio.get_running_loop()
        context, answer, tasks = copy_context(), loop.create_future(), list[asyncio.Task[Any]]()

        def enter() -> Any:
            # What `async_to_sync` and asgiref's locals look for in a thread.
            local = SyncToAsync.threadlocal
            local.main_event_loop, local.task_context = loop, tasks
            local.main_event_loop_pid = os.getpid()
            _restore_context(context)  # type: ignore[misc]
            return fn(*args)

        def work(use: _Use) -> None:
            try:
                value, error = self._work(use, context.run, enter), None
            except BaseException as found:  # noqa: BLE001 - the future passes it to the caller
                value, error = None, found
            # The loop may have ended, and the request with it.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(_tell, answer, value, error)

        with self._threads.lock:
            submitted = thread.submit(work, self._use.add())
        self.answer = answer
        try:
            return await answer
        except asyncio.CancelledError:
            submitted.cancel()
            for task in tasks:
                task.cancel()
            raise
        finally:
            _restore_context(context)  # type: ignore[misc]

    def _submit(
        self, thread: ThreadPoolExecutor, fn: Any, /, *args: Any, **kwargs: Any
    ) -> "Future[Any]":
        return thread.submit(self._work, self._use.add(), fn, *args, **kwargs)

    def _work(self, use: "_Use", fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Run a call in the thread; the first one takes ``at_start`` along, as one trip to the thread."""
        try:
            if not use.has_begun:
                use.has_begun = True
                self._threads.at_start()
            return fn(*args, **kwargs)
        except StopIteration as error:
            raise _no_result() from error
        finally:
            use.is_clean = self._threads.is_clean()
            use.calls.pop()

    def _run_shared(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Run a call of a stream in the thread that all streams share."""
        self._threads.before_shared()
        try:
            return fn(*args, **kwargs)
        except StopIteration as error:
            raise _no_result() from error
        finally:
            self._threads.after_shared()

    def begin(self, thread: ThreadPoolExecutor) -> None:
        """Use a thread from now on, first for the calls that have waited."""
        with self._threads.lock:
            self._thread, self._waits, self._use = thread, False, _Use(self.has_begun)
            for future, call in self._queue:
                self._submit(thread, _resolve, future, call)
            self._queue.clear()
            if self._has_ended:
                self.end()

    async def share(self, is_busy: Callable[[], bool]) -> None:
        """Use the thread of the streams from now on; keep the own one if ``is_busy`` returns True in it."""
        thread = self._thread
        if thread is not None and await asyncio.wrap_future(thread.submit(is_busy)):
            return
        self.end()
        self._shares = True

    def end_sharing(self) -> None:
        """Borrow a thread of the request's own again at the next call."""
        if self._shares:
            self.end()

    def pause(self) -> None:
        """Return the thread if nothing runs in it, and nothing is left to do in it. A later call borrows one again."""
        with self._threads.lock:
            if self._thread is not None and not self._use.calls and self._use.is_clean:
                self.end()

    def end(self) -> None:
        """Return whatever is borrowed. A later call borrows a thread again."""
        # In this order: another thread may end the wait, and sets the thread first.
        if not self._waits and self._thread is None and not self._shares:
            self.has_begun = False
            return
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
        if self._use.calls:
            last = thread.submit(self._threads.at_return)
            last.add_done_callback(partial(self._give_back, thread))
            return
        if not self._use.is_clean:
            # Only this is before the next request, which need not wait for it in the loop.
            thread.submit(self._threads.at_return)
        self._threads.give_back(thread)

    def _give_back(self, thread: ThreadPoolExecutor, _: "Future[Any]") -> None:
        with self._threads.lock:
            self._threads.give_back(thread)

    def _heir(self) -> "Lease | None":
        """Return a lease for the calls of tasks that outlive this request; None if nobody waits for a call."""
        left = [(future, call) for future, call in self._queue if not future.cancelled()]
        self._queue.clear()
        if not left:
            return None
        heir = Lease(self._threads)
        heir._queue, heir._waits, heir._has_ended = left, True, True
        heir.has_begun = self.has_begun
        return heir


def _no_result() -> RuntimeError:
    """Return the replacement of a ``StopIteration``, which no future accepts: its caller would wait forever."""
    return RuntimeError("A function in a thread raised StopIteration.")


def _tell(answer: "asyncio.Future[Any]", value: Any, error: BaseException | None) -> None:
    """Answer who waits in the event loop, if anyone still does."""
    if answer.done():
        return
    if error is None:
        answer.set_result(value)
    else:
        answer.set_exception(error)


def _resolve(future: "Future[Any]", call: Callable[[], Any]) -> None:
    """Run a call that has waited for a thread, and tell its future."""
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(call())
    except BaseException as error:  # noqa: BLE001 - the future passes it to the caller
        future.set_exception(error)
