"""An API with the routes, the pages, users with addresses, and browsers that keep their cookies."""

import json
import re
import sqlite3
import threading
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.apps import apps
from django.contrib.auth import get_user_model
from django.core import mail
from django.db import connection, connections
from django.test import AsyncClient, Client
from django.urls import clear_url_caches, include, path

from django_matt import MattAPI

ROUTE, REDEEM, PAGE = "/api/sign-in/links", "/api/sign-in/links/redeem", "/sign-in/link"


@pytest.fixture
def project(settings: Any) -> Iterator[MattAPI]:
    """An API of this app alone, and its pages."""
    api = MattAPI(extensions=["matt_magic_links"])

    @api.get("/me")
    def me(request):
        return {"email": getattr(request.user, "email", None)}

    if apps.is_installed("django_matt.contrib.tokens"):
        from django_matt.contrib.tokens.authentication import TokenAuth

        @api.get("/token", auth=TokenAuth())
        def token(request):
            return {"email": request.user.email, "amr": list(request.auth.claims["amr"])}

    urlconf = types.ModuleType("urlconf_magic_links")
    urlconf.urlpatterns = [
        path("api/", api.urls),
        path("sign-in/", include("django_matt.contrib.magic_links.urls")),
    ]
    settings.ROOT_URLCONF = urlconf
    settings.MATT_MAGIC_LINKS = {"RECIPIENT_LIMIT": (100, 60), "CLIENT_LIMIT": (1000, 60)}
    clear_url_caches()
    yield api
    clear_url_caches()


@dataclass
class Mailed:
    """What the newest mail has."""

    to: str
    token: str
    code: str


def newest_mail() -> Mailed:
    message = mail.outbox[-1]
    body = str(message.body)
    token = re.search(r"/sign-in/link#(\S+)", body)
    code = re.search(r"^([0-9A-Z]{3}-[0-9A-Z]{3})$", body, re.M)
    return Mailed(message.to[0], token[1] if token else "", code[1] if code else "")


class Browser:
    """A client with cookies of its own, over WSGI or ASGI."""

    def __init__(self, kind: str, capture: Any, **options: Any) -> None:
        self.capture = capture
        made = AsyncClient if kind == "async" else Client
        self.client: Any = made(raise_request_exception=False, **options)

    def send(self, method: str, url: str, *args: Any, **options: Any) -> Any:
        call = getattr(self.client, method)
        with self.capture(execute=True):
            if isinstance(self.client, AsyncClient):
                return async_to_sync(call)(url, *args, **options)
            return call(url, *args, **options)

    def get(self, url: str, **options: Any) -> Any:
        return self.send("get", url, **options)

    def post(self, url: str, body: Any, **options: Any) -> Any:
        return self.send("post", url, json.dumps(body), content_type="application/json", **options)

    def submit(self, url: str, **fields: str) -> Any:
        return self.send("post", url, fields)

    def ask(self, email: str = "ada@example.com", **more: Any) -> Mailed:
        response = self.post(ROUTE, {"email": email, **more})
        assert response.status_code == 202, response.content
        return newest_mail()

    def redeem(self, **body: Any) -> Any:
        return self.post(REDEEM, body)

    def me(self) -> Any:
        return self.get("/api/me").json()["email"]


@pytest.fixture
def make_browser(
    request: Any, project: Any, db: None, django_capture_on_commit_callbacks: Any
) -> Callable[..., Browser]:
    """Return a function that opens a browser: of the sync or of the async client."""
    kind = getattr(request, "param", "sync")
    return lambda **options: Browser(kind, django_capture_on_commit_callbacks, **options)


@pytest.fixture
def browser(make_browser: Callable[..., Browser]) -> Browser:
    return make_browser()


@pytest.fixture
def other(make_browser: Callable[..., Browser]) -> Browser:
    """A browser that has requested nothing."""
    return make_browser()


@pytest.fixture
def ada(db: None) -> Any:
    return get_user_model().objects.create_user("ada", "ada@example.com", "secret")


@pytest.fixture
def real_database(
    transactional_db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """A database that threads share: PostgreSQL, or a file with the tables of SQLite's database in memory."""
    if connection.vendor != "sqlite":
        yield
        return
    connection.ensure_connection()
    file = sqlite3.connect(tmp_path / "shared.sqlite3")
    connection.connection.backup(file)
    file.close()
    in_memory = connections["default"]
    database = {
        **connections.settings["default"],
        "NAME": str(tmp_path / "shared.sqlite3"),
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 60},
    }
    monkeypatch.setitem(connections.settings, "default", database)
    connections["default"] = connections.create_connection("default")
    yield
    connections["default"].close()
    connections["default"] = in_memory


def at_once(count: int, act: Callable[[int], Any]) -> list[Any]:
    """Call a function from as many threads at the same time; return what each returned."""
    barrier, results = threading.Barrier(count), [None] * count

    def run(index: int) -> None:
        try:
            barrier.wait(60)
            results[index] = act(index)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(index,)) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(100)
    return results
