"""A project whose routes tell which thread and which connection they use, served by ``django_matt.asgi``."""

import asyncio
import contextvars
import os
import threading
import time
from collections.abc import AsyncIterator, Iterator

import django
from django.conf import settings

if not settings.configured:
    settings.configure(
        SECRET_KEY="only-for-tests-0123456789-0123456789-0123456789-01",
        ALLOWED_HOSTS=["127.0.0.1"],
        ROOT_URLCONF=__name__,
        USE_TZ=True,
        DATA_UPLOAD_MAX_MEMORY_SIZE=5_000_000,
        MIDDLEWARE=["tests.e2e.threaded.note_thread"],
        INSTALLED_APPS=["ninja_extra", "django_matt"],
        MATT={"ASGI_THREADS": 4},
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "HOST": os.environ["THREADED_POSTGRES"],
                "USER": "postgres",
                "NAME": os.environ["THREADED_DATABASE"],
                "CONN_MAX_AGE": 0 if os.environ.get("THREADED_MAX_AGE") == "0" else None,
            }
        },
    )
    django.setup()

from asgiref.sync import async_to_sync, iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.core.signals import request_finished, request_started
from django.db import connection, transaction
from django.dispatch import receiver
from django.http import StreamingHttpResponse
from django.urls import path
from django.utils.decorators import sync_and_async_middleware

from django_matt import MattAPI
from django_matt.asgi import get_asgi_application
from django_matt.threads import run_in_thread

SEEN: dict[str, int] = {
    "cancelled": 0,
    "middleware": 0,
    "timed": 0,
    "later": 0,
    "held": 0,
    "bodies": 0,
    "parts": 0,
    "ended": 0,
}
FLOOD = 20_000
TASKS: list["asyncio.Task[None]"] = []
RELEASED = threading.Event()
BOTH = threading.Barrier(2)
WORD = contextvars.ContextVar("word", default="none")

if os.environ.get("THREADED_RECEIVERS"):

    @receiver(request_started)
    def refuse_start(sender, scope=None, **kwargs):
        if b"refuse=start" in scope["query_string"]:
            raise RuntimeError("a receiver of request_started")

    @receiver(request_finished)
    def refuse_end(sender, **kwargs):
        if WORD.get() == "refused":
            raise RuntimeError("a receiver of request_finished")


@sync_and_async_middleware
def note_thread(get_response):
    """Count the requests, as a middleware that is both sync and async."""
    if iscoroutinefunction(get_response):

        async def middleware(request):
            SEEN["middleware"] += 1
            SEEN["timed"] += "seconds" in request.GET
            return await get_response(request)

        return markcoroutinefunction(middleware)
    return get_response


def backend() -> int:
    """Return the process of PostgreSQL that this thread's connection talks to."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


api = MattAPI()


@api.get("/nothing")
async def nothing(request):
    return {"thread": threading.get_ident()}


@api.get("/twice")
async def twice(request):
    def ask() -> tuple[int, int]:
        return threading.get_ident(), backend()

    return [await sync_to_async(ask)(), await sync_to_async(ask)()]


@api.get("/hop")
async def hop(request):
    """Run a function in the request's thread as MattAPI does for a queryset, and then one as views do."""

    async def loop_thread() -> int:
        return threading.get_ident()

    def work() -> list[object]:
        seen = WORD.get()
        WORD.set("after")
        return [threading.get_ident(), backend(), seen, async_to_sync(loop_thread)()]

    def fail() -> None:
        raise LookupError("in the thread")

    WORD.set("before")
    thread, process, seen, loop = await run_in_thread(work)
    word, raised = WORD.get(), ""
    try:
        await run_in_thread(fail)
    except LookupError as error:
        raised = str(error)
    return {
        "seen": [seen, word],
        "raised": raised,
        "in_loop": loop == threading.get_ident(),
        "kept": [thread, process]
        == await sync_to_async(lambda: [threading.get_ident(), backend()])(),
    }


def transaction_id() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT txid_current()")
        return int(cursor.fetchone()[0])


@api.get("/across")
async def across(request):
    """Keep a transaction across awaits, and then begin and end one in a single function."""

    def block() -> list[int]:
        with transaction.atomic():
            return [transaction_id(), transaction_id()]

    atomic = transaction.atomic()
    await sync_to_async(atomic.__enter__)()
    kept = []
    for _ in range(3):
        kept.append(await sync_to_async(transaction_id)())
        await asyncio.sleep(0.02)
    await sync_to_async(atomic.__exit__)(None, None, None)
    return {
        "kept": kept,
        "block": await sync_to_async(block)(),
        "backend": await sync_to_async(backend)(),
    }


@api.get("/refused")
async def refused(request):
    """Answer; the receiver of ``request_finished`` raises afterwards."""
    WORD.set("refused")


@api.get("/sleep")
async def sleep(request, seconds: float):
    await asyncio.sleep(seconds)


@api.get("/flood")
async def flood(request):
    """Stream more than any client should be sent that does not read."""

    async def stream() -> AsyncIterator[bytes]:
        try:
            for _ in range(FLOOD):
                SEEN["parts"] += 1
                yield b"x" * 2**16
                await asyncio.sleep(0)
        finally:
            SEEN["ended"] += 1

    return StreamingHttpResponse(stream(), content_type="application/octet-stream")


@api.get("/sync")
def in_a_thread(request, seconds: float = 0):
    time.sleep(seconds)
    return [threading.get_ident(), backend()]


@api.get("/wait")
async def wait(request):
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        SEEN["cancelled"] += 1
        raise


@api.get("/hold")
def hold(request):
    """Keep the thread until another request releases it, whether the client is there or not."""
    SEEN["held"] += 1
    RELEASED.wait(60)
    SEEN["held"] -= 1
    return backend()


@api.get("/release")
async def release(request, again: bool = False):
    (RELEASED.clear if again else RELEASED.set)()


@api.get("/left-open")
async def left_open(request, seconds: float = 0):
    """Begin a transaction, and never end it."""
    await sync_to_async(transaction.atomic().__enter__)()
    await sync_to_async(backend)()
    await asyncio.sleep(seconds)


@api.get("/left-open-stream")
async def left_open_stream(request):
    async def stream() -> AsyncIterator[str]:
        try:
            await sync_to_async(transaction.atomic().__enter__)()
        except transaction.TransactionManagementError as error:
            yield str(error)
        yield str(await sync_to_async(lambda: connection.in_atomic_block)())

    return StreamingHttpResponse(stream(), content_type="text/plain")


@api.get("/open-transactions")
async def open_transactions(request):
    """Count the connections that wait in a transaction; over one that is no thread's of ours."""

    def count() -> int:
        try:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'"
                    " AND datname = current_database()"
                )
                return int(cursor.fetchone()[0])
        finally:
            connection.close()

    return {"count": await asyncio.to_thread(count)}


@api.get("/later")
async def later(request):
    """Answer at once, and leave a task behind that asks the database."""

    async def work() -> None:
        await sync_to_async(backend)()
        SEEN["later"] += 1

    TASKS.append(asyncio.create_task(work()))
    await asyncio.sleep(0)


@api.get("/parts")
def parts(request, together: bool = False, size: int = 10):
    """Stream from a synchronous iterator, which Django reads to its end before it sends the first part."""

    def stream() -> Iterator[bytes]:
        if together:
            BOTH.wait(60)
        yield from (b"x" * 100_000 for _ in range(size))

    return StreamingHttpResponse(stream(), content_type="text/plain")


@api.post("/length")
async def length(request):
    SEEN["bodies"] += 1
    return {"length": len(request.body)}


@api.get("/seen")
async def seen(request):
    names = [thread.name for thread in threading.enumerate()]
    return {**SEEN, "threads": sum(name.startswith("matt-") for name in names)}


@api.get("/connections")
def connections(request):
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        return {"count": cursor.fetchone()[0]}


@api.get("/events")
async def events(request, query: bool = False):
    await sync_to_async(backend)()

    async def stream() -> AsyncIterator[str]:
        while True:
            found = await sync_to_async(backend)() if query else 0
            yield f"data: {found}\n\n"
            await asyncio.sleep(60)

    return StreamingHttpResponse(stream(), content_type="text/event-stream")


@api.get("/broken")
async def broken(request):
    """Break the shared connection of the streams, as a restart of the database does."""

    async def stream() -> AsyncIterator[str]:
        for _ in range(3):
            try:
                found = await sync_to_async(backend)()
                yield f"data: {found}\n\n"
                await sync_to_async(end_connection)()
            except Exception as error:  # the connection is gone
                yield f"data: {type(error).__name__}\n\n"

    def end_connection() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    return StreamingHttpResponse(stream(), content_type="text/event-stream")


urlpatterns = [path("", api.urls)]
application = get_asgi_application()
