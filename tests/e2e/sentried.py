"""A project with the same routes on ``NinjaExtraAPI`` and ``MattAPI``, watched by Sentry: ``python -m tests.e2e.sentried asgi``.

It serves itself on a port of its own, sends itself some requests, and prints what Sentry would have been sent.
"""

import http.client
import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import django
import sentry_sdk
from django.conf import settings
from django.urls import include, path

SENT: list[dict[str, Any]] = []


class Recording(sentry_sdk.transport.Transport):
    """Keeps what would be sent."""

    def capture_envelope(self, envelope: Any) -> None:
        """Keep the event or the transaction of an envelope."""
        SENT.extend(item.payload.json for item in envelope.items if item.payload.json)


def configure() -> None:
    """Set Django and Sentry up."""
    settings.configure(
        SECRET_KEY="x" * 50,
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=__name__,
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "ninja_extra"],
        MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
        LOGGING_CONFIG=None,
    )
    sentry_sdk.init(
        dsn="http://public@127.0.0.1:9/1",
        transport=Recording,
        traces_sample_rate=1.0,
        auto_session_tracking=False,
    )
    django.setup()


def add_routes(api: Any, *, is_async: bool) -> Any:
    """Add the same routes to an API."""
    from ninja import Router
    from ninja_extra import api_controller, http_get

    def fail() -> Any:
        raise LookupError("deliberate")

    router = Router()

    if is_async:

        @api.get("/hello")
        async def hello(request):
            return {"hello": "world"}

        @api.get("/items/{number}")
        async def item(request, number: int):
            return {"number": number}

        @router.get("/fails")
        async def fails(request):
            fail()
    else:

        @api.get("/hello")
        def hello(request):
            return {"hello": "world"}

        @api.get("/items/{number}")
        def item(request, number: int):
            return {"number": number}

        @router.get("/fails")
        def fails(request):
            fail()

    @api_controller("/shops")
    class ShopController:
        @http_get("/{name}")
        def shop(self, name: str):
            return {"name": name}

    api.add_router("/inner", router)
    api.register_controllers(ShopController)
    return api


URLS = [
    "/hello",
    "/items/7",
    "/items/seven",
    "/inner/fails",
    "/shops/berlin",
    "/nothing",
]


def make_urls(*, is_async: bool) -> list[Any]:
    """Mount both APIs, each below an ``include`` with a parameter as well."""
    from ninja_extra import NinjaExtraAPI

    from django_matt import MattAPI

    found = []
    for name, kind in (("plain", NinjaExtraAPI), ("matt", MattAPI)):
        api = add_routes(kind(urls_namespace=name), is_async=is_async)
        inner = add_routes(kind(urls_namespace=f"inner-{name}"), is_async=is_async)
        found.append(path(f"{name}/", api.urls))
        found.append(path(f"<slug:tenant>/{name}/", include([path("v2/", inner.urls)])))
    return found


@contextmanager
def serve(kind: str) -> Iterator[int]:
    """Serve the project by one application; yield the port."""
    if kind.endswith("wsgi"):
        from django.core import wsgi as django_wsgi

        from django_matt import wsgi as matt_wsgi

        made = (matt_wsgi if kind == "matt-wsgi" else django_wsgi).get_wsgi_application()

        class Quiet(WSGIRequestHandler):
            def log_message(self, *arguments: Any) -> None:
                pass

        server = make_server("127.0.0.1", 0, made, handler_class=Quiet)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()
        server.server_close()
        return
    import uvicorn
    from django.core import asgi as django_asgi

    from django_matt import asgi as matt_asgi

    application = (matt_asgi if kind == "matt-asgi" else django_asgi).get_asgi_application()
    config = uvicorn.Config(application, host="127.0.0.1", port=0, log_config=None, lifespan="off")
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    while not running.started:
        time.sleep(0.02)
    yield running.servers[0].sockets[0].getsockname()[1]
    running.should_exit = True
    thread.join(20)


def ask(port: int, url: str) -> int:
    """Send one request, and return the status."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", url)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


def main(kind: str) -> None:
    """Print the status of each request, and what Sentry was told of it."""
    configure()
    globals()["urlpatterns"] = make_urls(is_async=kind.endswith("asgi"))
    found = []
    with serve(kind) as port:
        for prefix in ("/{}", "/acme/{}/v2"):
            for name in ("plain", "matt"):
                for url in URLS:
                    SENT.clear()
                    status = ask(port, prefix.format(name) + url)
                    give_up = time.monotonic() + 5
                    while not any(each.get("type") == "transaction" for each in SENT):
                        if time.monotonic() > give_up:
                            break
                        time.sleep(0.01)
                    found.append([name, prefix.format("API") + url, status, [*SENT]])
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1])
