"""A project whose routes tell which thread and which connection they use, served by ``django_matt.asgi``."""

import asyncio
import os
import threading
import time
from collections.abc import AsyncIterator

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
                "CONN_MAX_AGE": None,
            }
        },
    )
    django.setup()

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.db import connection
from django.http import StreamingHttpResponse
from django.urls import path

from django_matt import MattAPI
from django_matt.asgi import get_asgi_application

SEEN: dict[str, int] = {"cancelled": 0, "middleware": 0}


def note_thread(get_response):
    """Count the requests, as a middleware that is both sync and async."""
    if iscoroutinefunction(get_response):

        async def middleware(request):
            SEEN["middleware"] += 1
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


@api.post("/length")
async def length(request):
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
