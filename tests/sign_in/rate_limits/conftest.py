"""The stores of rate limits, each new for a test, and an API with limited routes."""

import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model
from django.http import HttpRequest

from django_matt import MattAPI
from django_matt.authentication import APIKeyAuthenticator
from django_matt.contrib.rate_limits import services
from django_matt.contrib.rate_limits.stores import MemoryStore, chosen_store
from tests.sign_in.rate_limits.redis_servers import RedisServer, run_redis

_numbers = itertools.count()


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    with run_redis() as server:
        yield server


@pytest.fixture(autouse=True)
def new_counters(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing is counted yet, and nothing was logged."""
    chosen_store.cache_clear()
    monkeypatch.setattr(services, "_once_a_minute", MemoryStore())
    yield
    chosen_store.cache_clear()


@pytest.fixture(params=["memory", "database", "redis"])
def store(request: pytest.FixtureRequest) -> str:
    """The ``STORE`` of the settings."""
    if request.param != "redis":
        return str(request.param)
    import redis

    server: RedisServer = request.getfixturevalue("redis_server")
    with redis.from_url(server.url) as client:
        client.flushall()
    return server.url


class Named(APIKeyAuthenticator):
    """The user whose name a client sends; wrong without one of these names."""

    def authenticate(self, request: HttpRequest, credentials: Any) -> Any:
        if credentials.value not in ("ada", "grace"):
            return None
        return get_user_model().objects.get_or_create(username=credentials.value)[0]


class _From:
    """The handler of an ``AsyncClient``, for requests from an address."""

    def __init__(self, handler: Any, address: str) -> None:
        self.handler, self._address = handler, address

    async def __call__(self, scope: Any) -> Any:
        return await self.handler({**scope, "client": [self._address, 1]})


class Limited:
    """An API of one kind, and a client."""

    def __init__(self, serve: Callable[..., Any], kind: str) -> None:
        self.api = MattAPI(
            urls_namespace=f"limited-{next(_numbers)}",
            auth=Named(),
            extensions=["matt_rate_limits"],
        )
        self.kind = kind
        self._serve = serve
        self._client: Any = None

    def add(
        self, mark: Callable[[Any], Any] | None = None, path: str = "/it", **route: Any
    ) -> None:
        view: Any
        if self.kind == "sync":

            def view(request: HttpRequest, number: int = 0) -> Any:
                return {}
        else:

            async def view(request: HttpRequest, number: int = 0) -> Any:
                return {}

        view.__qualname__ = f"view_{next(_numbers)}"
        self.api.get(path, **route)(view if mark is None else mark(view))

    def get(self, path: str = "/it", user: str | None = "ada", **more: Any) -> Any:
        if self._client is None:
            self._client = self._serve(self.api)
        client = self._client.async_client if self.kind == "asgi" else self._client
        headers = {**({} if user is None else {"X-API-Key": user}), **more.pop("headers", {})}
        if self.kind == "asgi":
            # Its factory sets the address of the client itself.
            address = more.pop("REMOTE_ADDR", "127.0.0.1")
            client.handler = _From(client.handler, address)
            try:
                return async_to_sync(client.get)(f"/api{path}", headers=headers, **more)
            finally:
                client.handler = client.handler.handler
        return client.get(f"/api{path}", headers=headers, **more)

    def statuses(self, number: int, path: str = "/it", **more: Any) -> list[int]:
        return [self.get(path, **more).status_code for _ in range(number)]


@pytest.fixture(params=["sync", "async", "asgi"])
def limited(request: pytest.FixtureRequest, serve: Any, db: None) -> Limited:
    return Limited(serve, request.param)


@pytest.fixture
def sync_limited(serve: Any, db: None) -> Limited:
    """For what does not depend on the kind of route."""
    return Limited(serve, "sync")


def posted(client: Any, path: str, body: Any, **more: Any) -> Any:
    """Send a JSON body."""
    return client.post(path, json.dumps(body), content_type="application/json", **more)
