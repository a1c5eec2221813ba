"""``django_matt.asgi`` as those see it who wrap Django's ASGI handler."""

import asyncio
import json
import os
import subprocess
import sys
import threading
from contextvars import ContextVar
from typing import ClassVar

import pytest
from asgiref.sync import markcoroutinefunction, sync_to_async
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler, StaticFilesHandlerMixin
from django.core.handlers.asgi import ASGIHandler
from django.http import JsonResponse, StreamingHttpResponse
from django.urls import path
from django.utils.deprecation import MiddlewareMixin

from django_matt.asgi import MattASGIHandler

SCOPE = {
    "type": "http",
    "method": "GET",
    "path": "/nothing",
    "query_string": b"",
    "headers": [(b"host", b"testserver")],
}


class StaticFilesOfOurs(StaticFilesHandlerMixin, MattASGIHandler):
    """Django's ``ASGIStaticFilesHandler`` with our handler below it: it initializes no handler."""

    __init__ = ASGIStaticFilesHandler.__init__


class Remembers:
    """A middleware as most of Django's are: on an event loop it is called in the request's thread."""

    threads: ClassVar[list[int]] = []
    sync_capable = async_capable = True

    def __init__(self, get_response):
        self.inner = MiddlewareMixin(get_response)
        self.inner.process_request = lambda request: self.threads.append(threading.get_ident())
        if self.inner.async_mode:
            markcoroutinefunction(self)

    def __call__(self, request):
        return self.inner(request)


async def read_async(request):
    await asyncio.sleep(0)
    return JsonResponse({"thread": threading.get_ident(), "context": kept.get()})


def read(request):
    kept.set("of the view")
    return JsonResponse({"thread": threading.get_ident()})


def fail(request):
    raise ZeroDivisionError


async def stream(request):
    async def parts():
        yield b"1"
        yield await sync_to_async(kept.get)()

    return StreamingHttpResponse(parts())


kept: ContextVar[str] = ContextVar("kept", default="of the server")
urlpatterns = [path(each.__name__, each) for each in (read, read_async, fail, stream)]


@pytest.fixture
def sync_application(settings):
    settings.ROOT_URLCONF = __name__
    settings.MIDDLEWARE = [f"{__name__}.Remembers", *settings.MIDDLEWARE]
    Remembers.threads.clear()
    return MattASGIHandler(sync=True)


def body_of(sent):
    assert sent[0]["status"] == 200
    return b"".join(message.get("body", b"") for message in sent)


def test_with_sync_the_middleware_and_the_view_run_in_one_thread(sync_application):
    found = json.loads(body_of(ask(sync_application, {**SCOPE, "path": "/read"})))
    assert [found["thread"]] == Remembers.threads
    assert found["thread"] != threading.get_ident()


def test_with_sync_an_async_view_runs_in_the_event_loop(sync_application):
    found = json.loads(body_of(ask(sync_application, {**SCOPE, "path": "/read_async"})))
    assert found == {"thread": threading.get_ident(), "context": "of the server"}


def test_with_sync_an_exception_is_a_500(sync_application):
    assert ask(sync_application, {**SCOPE, "path": "/fail"})[0]["status"] == 500


def test_with_sync_a_stream_is_sent_in_parts(sync_application):
    sent = ask(sync_application, {**SCOPE, "path": "/stream"})
    parts = [message["body"] for message in sent if message.get("body")]
    assert parts == [b"1", b"of the server"]


def ask(application, scope=SCOPE):
    """Return what an application sends for one request without a body."""
    sent = []

    async def run():
        asked = False

        async def receive():
            nonlocal asked
            if asked:
                await asyncio.Event().wait()
            asked = True
            return {"type": "http.request", "body": b""}

        async def send(message):
            sent.append(message)

        await application(scope, receive, send)

    asyncio.run(run())
    application.threads.close()
    return sent


def test_what_an_error_tracker_puts_around_djangos_handler_is_called(monkeypatch):
    """Sentry replaces ``ASGIHandler.__call__``."""
    asked = []
    original = ASGIHandler.__call__

    async def traced(self, scope, receive, send):
        asked.append(scope["path"])
        await original(self, scope, receive, send)

    monkeypatch.setattr(ASGIHandler, "__call__", traced)
    sent = ask(MattASGIHandler())
    assert asked == ["/nothing"]
    assert sent[0]["status"] == 404


def test_djangos_handler_of_static_files_may_have_our_handler_below_it():
    handler = StaticFilesOfOurs(MattASGIHandler())
    assert ask(handler, {**SCOPE, "path": "/static/nothing"})[0]["status"] == 404


@pytest.mark.parametrize("name", ["asgi", "wsgi"])
def test_it_is_imported_before_the_settings_are_named(name):
    """As in the file that Django's startproject writes: the import comes first, then DJANGO_SETTINGS_MODULE."""
    code = (
        f"from django_matt.{name} import get_{name}_application\nimport os\n"
        "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'tests.project.settings')\n"
        f"get_{name}_application()"
    )
    environment = {k: v for k, v in os.environ.items() if k != "DJANGO_SETTINGS_MODULE"}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment, timeout=60)
