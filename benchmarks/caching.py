"""What a cached response costs beside a hello, and beside the same list from the database: medians of rounds in turn.

``python -m benchmarks.caching`` prints them, over a file of SQLite and the memory of the process. ``--redis URL`` uses a Redis.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import django
from django.conf import settings

__all__ = ["measure"]

ROUNDS, REQUESTS = 15, 300


def measure(folder: Path, redis: str | None) -> dict[str, float]:
    """Return the microseconds of each kind of request: the median of the rounds."""
    get = _serve(folder, redis)
    paths = ("/api/hello", "/api/groups", "/api/cached", "/api/mine")
    times: dict[str, list[float]] = {path: [] for path in paths}
    for path in paths:
        get(path)
        get(path)
    for _ in range(ROUNDS):
        for path in paths:
            begun = time.perf_counter()
            for _ in range(REQUESTS):
                get(path)
            times[path].append(1e6 * (time.perf_counter() - begun) / REQUESTS)
    return {path: statistics.median(found) for path, found in times.items()}


def _serve(folder: Path, redis: str | None) -> Callable[[str], Any]:
    backend = "redis.RedisCache" if redis else "locmem.LocMemCache"
    name, wal = str(folder / "db.sqlite3"), {"init_command": "PRAGMA journal_mode=WAL;"}
    settings.configure(
        SECRET_KEY="x" * 50,
        ALLOWED_HOSTS=["testserver"],
        ROOT_URLCONF="caching_urls",
        INSTALLED_APPS=[
            "django.contrib.contenttypes",
            "django.contrib.auth",
            "ninja_extra",
            "django_matt",
            "django_matt.contrib.caching",
        ],
        DATABASES={
            "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": name, "OPTIONS": wal}
        },
        CACHES={
            "default": {
                "BACKEND": f"django.core.cache.backends.{backend}",
                "LOCATION": redis or "",
            }
        },
    )
    django.setup()

    from django.contrib.auth.models import Group, User
    from django.core.handlers.wsgi import WSGIHandler
    from django.core.management import call_command
    from django.test import RequestFactory
    from django.urls import path as route

    from django_matt import MattAPI, ModelSchema
    from django_matt.contrib.caching import cached

    call_command("migrate", verbosity=0)
    Group.objects.bulk_create([Group(name=f"group {number}") for number in range(100)])
    user = User.objects.create(username="ada")
    api = MattAPI()

    class GroupOut(ModelSchema):
        class Meta:
            model = Group
            fields = ("id", "name")

    def authenticate(request: Any) -> Any:
        request.user = user
        return user

    def groups(request: Any) -> Any:
        return Group.objects.order_by("id")

    @api.get("/hello")
    def hello(request: Any) -> dict[str, str]:
        return {"hello": "world"}

    api.get("/groups", response=list[GroupOut])(groups)

    @api.get("/cached", response=list[GroupOut])
    @cached(seconds=600)
    def cached_groups(request: Any) -> Any:
        return groups(request)

    @api.get("/mine", response=list[GroupOut], auth=authenticate)
    @cached(seconds=600)
    def my_groups(request: Any) -> Any:
        return groups(request)

    urls: Any = ModuleType("caching_urls")
    urls.urlpatterns = [route("api/", api.urls)]
    sys.modules["caching_urls"] = urls
    handler, factory = WSGIHandler(), RequestFactory()

    def get(path: str) -> Any:
        response = handler.get_response(factory.get(path))
        assert response.status_code == 200
        return response

    return get


def main() -> None:
    """Print the medians, and each as a multiple of the hello."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--redis", help="the URL of a Redis server instead of the memory")
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder), parser.parse_args().redis)
    hello = found["/api/hello"]
    for path, microseconds in found.items():
        sys.stdout.write(
            f"{path:12} {microseconds:8.0f} µs  {microseconds / hello:5.2f} times a hello\n"
        )


if __name__ == "__main__":
    main()
