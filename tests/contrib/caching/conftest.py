"""An API with cached routes, for a sync and an async client, over a cache of the test's own."""

import functools
import inspect
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth import get_user_model
from django.core.cache import caches
from django.http import HttpRequest

from django_matt import MattAPI
from django_matt.authentication import APIKeyAuthenticator
from django_matt.contrib.caching import stores, validity, writes
from tests.project.models import Author, Book
from tests.sign_in.rate_limits.redis_servers import RedisServer, run_redis

APP = "django_matt.contrib.caching"
_numbers = itertools.count()


class Named(APIKeyAuthenticator):
    """The user whose name a client sends."""

    def authenticate(self, request: HttpRequest, credentials: Any) -> Any:
        return get_user_model().objects.filter(username=credentials.value).first()


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    with run_redis() as server:
        yield server


def caches_of(kind: str, redis_url: str = "") -> dict[str, Any]:
    backends = {
        "locmem": ("locmem.LocMemCache", f"test-{next(_numbers)}"),
        "redis": ("redis.RedisCache", redis_url),
        "database": ("db.DatabaseCache", "matt_test_cache"),
        "dummy": ("dummy.DummyCache", ""),
    }
    backend, location = backends[kind]
    made: dict[str, Any] = {
        "BACKEND": f"django.core.cache.backends.{backend}",
        "LOCATION": location,
    }
    if kind == "locmem":
        # The first load reads a token of each table, and the tests have hundreds.
        made["OPTIONS"] = {"MAX_ENTRIES": 10_000}
    return {"default": made}


class Cached:
    """An API whose routes count how often their views run."""

    def __init__(self, serve: Callable[..., Any], kind: str, **options: Any) -> None:
        self.kind = kind
        self.api = MattAPI(
            urls_namespace=f"cached-{next(_numbers)}",
            extensions=["matt_caching", "matt_conditional"],
            **options,
        )
        self.loads: list[Any] = []
        self._serve, self._client = serve, None

    def add(self, view: Callable[..., Any], *marks: Any, path: str = "/it", **route: Any) -> None:
        """Serve what a sync function returns, in a route of the kind of the test."""
        loads = self.loads

        def run(request: HttpRequest, **values: Any) -> Any:
            loads.append(values)
            return view(request, **values)

        made: Any
        if self.kind == "sync":

            @functools.wraps(view)
            def made(request: HttpRequest, **values: Any) -> Any:
                return run(request, **values)
        else:

            @functools.wraps(view)
            async def made(request: HttpRequest, **values: Any) -> Any:
                return await sync_to_async(run)(request, **values)

        made.__signature__ = inspect.signature(view)
        made.__qualname__ = made.__name__ = f"view_{next(_numbers)}"
        del made.__wrapped__
        for mark in marks:
            made = mark(made)
        self.api.get(path, **route)(made)

    def get(self, path: str = "/it", method: str = "get", **headers: str) -> Any:
        if self._client is None:
            self._client = self._serve(self.api)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.kind == "sync":
            return getattr(self._client, method)(f"/api{path}", headers=sent)
        client: Any = self._client.async_client  # type: ignore[attr-defined]
        return async_to_sync(getattr(client, method))(f"/api{path}", headers=sent)


@pytest.fixture(autouse=True)
def installed(settings: Any) -> Iterator[None]:
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, APP]
    yield
    stores._stores.clear()
    validity._owed.clear()


@pytest.fixture(params=["locmem", "redis", "database"])
def cache(request: Any, settings: Any, transactional_db: None) -> str:
    """Each of the caches that keep the promise, empty."""
    url = ""
    if request.param == "redis":
        url = request.getfixturevalue("redis_server").url
    settings.CACHES = caches_of(request.param, url)
    if request.param == "database":
        from django.core.management import call_command

        call_command("createcachetable", verbosity=0)
    caches["default"].clear()
    writes._release()  # what a test that was rolled back has written
    return str(request.param)


@pytest.fixture
def locmem(settings: Any, transactional_db: None) -> None:
    """The memory of this process."""
    settings.CACHES = caches_of("locmem")
    writes._release()


@pytest.fixture(params=["sync", "async"])
def cached_api(request: Any, serve: Any, settings: Any) -> Callable[..., Cached]:
    settings.DEBUG = True
    return lambda **options: Cached(serve, request.param, **options)


def titles(request: HttpRequest) -> list[str]:
    return [book.title for book in Book.objects.order_by("pk")]


def a_book(title: str = "Emma") -> Book:
    author = Author.objects.create(name="Jane")
    return Book.objects.create(title=title, author=author)


__all__ = ["APP", "Cached", "Named", "a_book", "caches_of", "titles"]
