"""``django_matt.asgi`` as those see it who wrap Django's ASGI handler."""

import asyncio

from django.core.handlers.asgi import ASGIHandler

from django_matt.asgi import MattASGIHandler

SCOPE = {
    "type": "http",
    "method": "GET",
    "path": "/nothing",
    "query_string": b"",
    "headers": [(b"host", b"testserver")],
}


def test_what_an_error_tracker_puts_around_djangos_handler_is_called(monkeypatch):
    """Sentry replaces ``ASGIHandler.__call__``."""
    asked, sent = [], []
    original = ASGIHandler.__call__

    async def traced(self, scope, receive, send):
        asked.append(scope["path"])
        await original(self, scope, receive, send)

    async def send(message):
        sent.append(message)

    monkeypatch.setattr(ASGIHandler, "__call__", traced)
    application = MattASGIHandler()
    waiting = asyncio.Event()

    async def messages():
        if waiting.is_set():
            await asyncio.Event().wait()
        waiting.set()
        return {"type": "http.request", "body": b""}

    asyncio.run(application(SCOPE, messages, send))
    application.threads.close()
    assert asked == ["/nothing"]
    assert sent[0]["status"] == 404
