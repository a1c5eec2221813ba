"""The ASGI application to serve: Django's own, without a new thread for each request.

Django's handler gives every request a thread of its own, which it starts at the first synchronous call and ends with the
request. A database connection belongs to a thread, so each request opens one as well. Here a request borrows one of a
bounded number of threads when it first needs one, and returns it: connections persist, and ``CONN_MAX_AGE`` works.
"""

import asyncio
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Generator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import Context, ContextVar
from functools import partial
from io import BytesIO
from typing import Any, TypeVar

import django
from asgiref.sync import SyncToAsync, ThreadSensitiveContext, sync_to_async
from django.core import signals
from django.core.cache import BaseCache, caches, close_caches
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.core.handlers.base import reset_urlconf
from django.db import close_old_connections, connections, reset_queries
from django.db.transaction import TransactionManagementError
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import set_script_prefix
from django.utils.functional import cached_property
from django.utils.module_loading import import_string

from django_matt.lifespans import LifespanError, apps_with_lifespan, run_lifespans
from django_matt.settings import get_settings
from django_matt.threads import Lease, Threads, run_in_thread

__all__ = ["MattASGIHandler", "get_asgi_application"]

Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
T = TypeVar("T")

_context_outside: ContextVar[ThreadSensitiveContext | None] = ContextVar(
    "context_outside", default=None
)


def get_asgi_application(*, sync: bool = False) -> "MattASGIHandler":
    """Return the ASGI application of the project, a replacement for Django's ``get_asgi_application``.

    A request uses a thread only if it needs one. ``MATT["ASGI_THREADS"]`` is the number of threads.

    Set ``sync`` if the views are synchronous: middleware and view then run in one thread, as under WSGI. ``async def``
    views work as well, and keep the thread while they wait.
    """
    django.setup(set_prefix=False)
    return MattASGIHandler(sync=sync)


class MattASGIHandler(ASGIHandler):
    """Django's ``ASGIHandler`` with threads that are kept, and with ASGI's lifespan protocol.

    Signals, middleware, context variables, streaming and the cancellation of views whose client left are Django's. A
    signal's receivers that have nothing to do without a database or cache connection are not called without one:
    Django's own ``close_old_connections``, ``reset_queries`` and ``close_caches``.
    """

    # Of the class, because Django's handler of static files initializes no other handler.
    _middleware_chain: Any
    _is_sync = False
    _is_lifespan_due = False
    _opened: asyncio.Future[None] | None = None
    _keeper: asyncio.Task[None] | None = None
    _cache_settings: Mapping[str, Any] | None = None
    _closes_caches = True

    def __init__(self, *, sync: bool = False) -> None:
        """Load the middleware; the lifespans of the installed apps are due where any has one."""
        self._is_sync = sync
        super().__init__()
        self._is_lifespan_due = bool(apps_with_lifespan())

    def load_middleware(self, is_async: bool = False) -> None:
        """Load the middleware, with ``sync`` as under WSGI.

        In an asynchronous chain each of Django's own middlewares makes two trips to the thread, in a synchronous one all
        of them and the view make one.
        """
        super().load_middleware(is_async=is_async and not self._is_sync)
        if self._is_sync:
            self._middleware_chain = partial(run_in_thread, self._middleware_chain)

    @cached_property
    def threads(self) -> Threads:
        """The threads that requests borrow; none is started before the first request needs it."""
        return Threads(
            get_settings().ASGI_THREADS,
            at_start=_begin,
            at_return=_finish,
            is_clean=_is_clean,
            before_shared=_close_old_connections,
            after_shared=_refuse_open_transactions,
            at_end=connections.close_all,
        )

    @cached_property
    def has_sockets(self) -> bool:
        """Whether an API of the project serves WebSockets; without one they are refused as by Django's handler."""
        # Here, as it imports Ninja, which reads the settings; an asgi.py names them after its imports.
        from django_matt.discovery import find_apis

        return any(getattr(api, "sockets", ()) for api, _ in find_apis())

    @asynccontextmanager
    async def share_thread(self) -> AsyncIterator[None]:
        """Run the synchronous calls of what is inside in the thread that all streams share."""
        lease = Lease(self.threads)
        async with ThreadSensitiveContext() as context:
            SyncToAsync.context_to_thread_executor[context] = lease
            try:
                await lease.share(_is_in_transaction)
                yield
            finally:
                SyncToAsync.context_to_thread_executor.pop(context, None)
                lease.end()

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Serve one HTTP request, one WebSocket, or the server's start and end (``lifespan``)."""
        if scope["type"] == "lifespan":
            await self.serve_lifespan(receive, send)
            return
        is_socket = scope["type"] == "websocket" and self.has_sockets
        if self._is_lifespan_due and (is_socket or scope["type"] == "http"):
            await self._open_late()
        if is_socket:
            from django_matt.sockets import serve_socket

            await serve_socket(self, scope, receive, send)
            return
        # A context that is there already wins over the one that Django makes now.
        token = _context_outside.set(SyncToAsync.thread_sensitive_context.get(None))
        try:
            await super().__call__(scope, receive, send)
        finally:
            _context_outside.reset(token)

    async def handle(self, scope: Any, receive: Receive, send: Send) -> None:
        """Serve one HTTP request, in a thread that it borrows."""
        lease = Lease(self.threads)
        context = SyncToAsync.thread_sensitive_context.get(None)
        borrows = context is not None and context is not _context_outside.get()
        if borrows:
            SyncToAsync.context_to_thread_executor[context] = lease  # type: ignore[index]
        try:
            await self._handle(lease, scope, receive, send)
        finally:
            if borrows:
                # A task that outlives its request gets a thread of its own, as in Django.
                SyncToAsync.context_to_thread_executor.pop(context, None)  # type: ignore[arg-type]
            lease.end()

    async def serve_lifespan(self, receive: Receive, send: Send) -> None:
        """Answer the server's start and end: the lifespans of the apps around all requests, the threads' end after them.

        Where an app fails the server is told which, with its traceback, and the exception is raised for who runs this.
        """
        part = "startup"
        try:
            async with AsyncExitStack() as stack:
                await receive()
                self._is_lifespan_due = False
                await stack.enter_async_context(run_lifespans())
                await send({"type": "lifespan.startup.complete"})
                part = "shutdown"
                await receive()
        except LifespanError as error:
            said = "".join(traceback.format_exception(error))
            await self._end_threads()
            await send({"type": f"lifespan.{part}.failed", "message": said})
            raise
        await self._end_threads()
        await send({"type": "lifespan.shutdown.complete"})

    async def _end_threads(self) -> None:
        await asyncio.to_thread(self.threads.close)

    async def _open_late(self) -> None:
        """Open the lifespans before the first request of a server that sends no lifespan messages.

        Requests that come in the meantime wait. Where an app fails so do they, and the next request tries again.
        """
        if self._opened is None:
            self._opened = asyncio.get_running_loop().create_future()
            # In a task that outlives this request, and sees nothing of its context.
            self._keeper = asyncio.create_task(self._keep_open(self._opened), context=Context())
        await asyncio.shield(self._opened)

    async def _keep_open(self, opened: "asyncio.Future[None]") -> None:
        """Keep the lifespans open until the event loop ends its tasks, as ``asyncio.run`` does."""
        try:
            async with run_lifespans():
                self._is_lifespan_due = False
                opened.set_result(None)
                await asyncio.get_running_loop().create_future()
        except LifespanError as error:
            # What fails at the end has been logged.
            if not opened.done():
                self._opened = None
                opened.set_exception(error)

    async def _handle(self, lease: Lease, scope: Any, receive: Receive, send: Send) -> None:
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        try:
            set_script_prefix(get_script_prefix(scope))
            if not _only_known(signals.request_started, _KNOWN_AT_START):
                lease.has_begun = True
                await signals.request_started.asend(sender=self.__class__, scope=scope)
            request, error_response = self.create_request(scope, body)
            if error_response is not None:
                await self.send_response(error_response, send)
                await self._close(error_response, lease)
                return
            response = await self._respond(request, receive, send, lease)
            if response is not None:
                await self._close(response, lease)
            elif lease.is_used or not _only_known(signals.request_finished, _KNOWN_AT_END):
                await signals.request_finished.asend(sender=self.__class__)
        finally:
            body.close()

    async def _respond(
        self, request: Any, receive: Receive, send: Send, lease: Lease
    ) -> HttpResponseBase | None:
        """Answer a request; return None if its client left before there was a response."""
        watch = _Disconnects(self.listen_for_disconnect, receive, lease)
        response: Any = None
        is_over = False

        async def respond() -> None:
            nonlocal response
            response = await self.run_get_response(request)
            content = send
            if response.streaming:
                content = await self._lend(response, send, lease)
            await self.send_response(response, content)

        try:
            await _Watched(respond(), watch.start)
            is_over = True
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if not watch.has_cancelled and task is not None and task.cancelling():
                raise
            is_over = True
        finally:
            await watch.stop()
            if response is not None:
                # The shared thread's connections are those of other streams as well: none is closed with this one.
                lease.end_sharing()
                if not is_over:
                    # What it has opened belongs to a thread that the next request uses.
                    lease.submit(response.close)
        return response  # type: ignore[no-any-return]

    async def _lend(self, response: Any, send: Send, lease: Lease) -> Send:
        """Return how to send a streaming response, so that a slow client does not keep a thread."""
        if getattr(response, "_matt_keeps_thread", False):
            return send
        if getattr(response, "is_async", False):
            await lease.share(_is_in_transaction)
            return send

        async def send_part(message: Message) -> None:
            if message["type"] == "http.response.body":
                # Django reads a synchronous iterator to its end before it sends the first part.
                lease.end()
            await send(message)

        return send_part

    async def read_body(self, receive: Receive) -> Any:
        """Return the body as a file: in memory where it comes in one message, else as Django keeps it."""
        message = await receive()
        if message["type"] == "http.request" and not message.get("more_body", False):
            return BytesIO(message.get("body", b""))
        first: Message | None = message

        async def replay() -> Message:
            nonlocal first
            message, first = first, None
            return await receive() if message is None else message

        return await super().read_body(replay)

    def _has_cache_to_close(self) -> bool:
        """Tell whether this request has used a cache whose connection Django closes at its end."""
        settings = caches.settings
        if settings is not self._cache_settings:
            # The first request, or settings that a test has overridden.
            self._cache_settings, self._closes_caches = settings, _close_something(settings)
        return self._closes_caches and bool(caches.all(initialized_only=True))

    async def _close(self, response: HttpResponseBase, lease: Lease) -> None:
        """Close a response: in the request's thread, where anything but Django has something to do at its end."""
        closers = response._resource_closers  # type: ignore[attr-defined]
        request = getattr(closers[0], "__self__", None) if len(closers) == 1 else None
        if (
            type(response).close is not HttpResponse.close
            or not hasattr(request, "_stream")
            or hasattr(request, "_files")
            or self._has_cache_to_close()
            or not _only_known(signals.request_finished, _KNOWN_AT_END)
        ):
            await sync_to_async(response.close)()
            return
        # What `response.close()` does, without a wait for the thread: nobody else looks at what it leaves.
        lease.end()
        closers[0]()
        closers.clear()
        response.closed = True
        reset_urlconf(sender=self.__class__)


def _close_something(caches_settings: Mapping[str, Any]) -> bool:
    """Tell whether a cache of the settings has something to close at the end of a request; most have not."""
    try:
        backends = [import_string(settings["BACKEND"]) for settings in caches_settings.values()]
    except (ImportError, KeyError):
        return True
    return any(backend.close is not BaseCache.close for backend in backends)


_KNOWN_AT_START = frozenset(map(id, (close_old_connections, reset_queries)))
_KNOWN_AT_END = frozenset(map(id, (close_old_connections, close_caches, reset_urlconf)))


def _only_known(signal: Any, known: frozenset[int]) -> bool:
    """Tell whether a signal has no other receivers than Django's own, whose work needs a connection."""
    for receiver in signal.receivers:  # noqa: SIM110 - a generator costs each request more than the loop
        if receiver[0][0] not in known:
            return False
    return True


def _begin() -> None:
    """Do in a thread that a request borrows what Django does at the start of the request."""
    receivers = {key[0] for key, *_ in signals.request_started.receivers}
    closes, resets = id(close_old_connections) in receivers, id(reset_queries) in receivers
    for connection in connections.all(initialized_only=True):
        if resets:
            connection.queries_log.clear()
        if closes:
            connection.close_if_unusable_or_obsolete()


def _finish() -> None:
    """Do in that thread what Django does at the end of the request, and leave no transaction to the next one."""
    _drop_open_transactions()
    if id(close_old_connections) in {key[0] for key, *_ in signals.request_finished.receivers}:
        close_old_connections()


def _is_clean() -> bool:
    """Tell whether ``_finish`` would do nothing in this thread: the usual case, where connections persist."""
    return not any(
        connection.in_atomic_block
        or connection.errors_occurred
        or connection.autocommit != connection.settings_dict["AUTOCOMMIT"]
        or (connection.close_at is not None and time.monotonic() >= connection.close_at)
        for connection in connections.all(initialized_only=True)
        if connection.connection is not None
    )


def _drop_open_transactions() -> list[str]:
    """Close the connections of this thread that have an open transaction, which rolls it back; return their aliases."""
    found = [each.alias for each in connections.all(initialized_only=True) if each.in_atomic_block]
    for alias in found:
        connection = connections[alias]
        # A connection that is closed in a transaction stays unusable: the next query makes another.
        del connections[alias]
        connection.close()
    return found


def _refuse_open_transactions() -> None:
    """Raise if a stream leaves a transaction open in the thread that other streams use as well."""
    if found := _drop_open_transactions():
        raise TransactionManagementError(
            f"A transaction on {', '.join(map(repr, found))} was left open in a stream, and is rolled back. "
            "Begin and end a transaction in one synchronous function: other streams use the same connection."
        )


def _is_in_transaction() -> bool:
    """Tell whether a connection of this thread has an open transaction."""
    return any(connection.in_atomic_block for connection in connections.all(initialized_only=True))


def _close_old_connections() -> None:
    """Close what an error has left unusable, or ``CONN_MAX_AGE`` calls too old; have the others' health checked.

    As Django does before a request. An age of 0 means until its end, which here is that of the last stream.
    """
    for connection in connections.all(initialized_only=True):
        lives_on = connection.settings_dict["CONN_MAX_AGE"] == 0 and not connection.errors_occurred
        if not connection.in_atomic_block and not lives_on:
            connection.close_if_unusable_or_obsolete()


class _Disconnects:
    """Waits for the client to leave while a response is made, and then cancels the task that makes it."""

    def __init__(
        self,
        listen: Callable[[Receive], Coroutine[Any, Any, None]],
        receive: Receive,
        lease: Lease,
    ) -> None:
        self._until_gone, self._receive, self._lease = listen, receive, lease
        self._task: asyncio.Task[None] | None = None
        self._maker: asyncio.Task[Any] | None = None
        self.has_cancelled = False

    def start(self, waits_for: Any) -> None:
        """Begin to listen; called whenever the response waits for something.

        Not while a queryset is written in the thread of the request: a cancellation would not stop the thread, and a
        task for each such request costs more than the trip to the thread.
        """
        if self._task is None and waits_for is not self._lease.answer:
            self._maker = asyncio.current_task()
            self._task = asyncio.create_task(self._listen(self._maker))

    async def _listen(self, maker: Any) -> None:
        try:
            await self._until_gone(self._receive)
        except (RequestAborted, AssertionError) as found:
            self.has_cancelled = True
            maker.cancel()
            if isinstance(found, AssertionError):
                raise

    async def stop(self) -> None:
        """Stop listening; raise what the server sent against the protocol."""
        if self._task is None:
            return
        self._task.cancel()
        try:
            await self._task
        except asyncio.CancelledError:
            pass
        finally:
            if self.has_cancelled and self._maker is not None:
                self._maker.uncancel()


class _Watched(Awaitable[T]):
    """Awaits a coroutine, and calls ``start`` with what it waits for: most responses are made without waiting."""

    def __init__(self, coroutine: Coroutine[Any, Any, T], start: Callable[[Any], None]) -> None:
        self._coroutine = coroutine
        self._start = start

    def __await__(self) -> Generator[Any, Any, T]:
        coroutine, start = self._coroutine, self._start
        try:
            waits_for = coroutine.send(None)
            while True:
                start(waits_for)
                try:
                    value = yield waits_for
                except GeneratorExit:
                    coroutine.close()
                    raise
                except BaseException as error:  # noqa: BLE001 - whatever it is, it is the coroutine's
                    waits_for = coroutine.throw(error)
                else:
                    waits_for = coroutine.send(value)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]
