"""``django_matt.asgi`` as those see it who wrap Django's ASGI handler."""

import asyncio
import os
import subprocess
import sys

import pytest
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler, StaticFilesHandlerMixin
from django.core.handlers.asgi import ASGIHandler

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
