"""Lists through the rows tier beside hand-written Django and NinjaExtraAPI: ``python -m benchmarks.rows``.

CPU time of this process for whole requests, the cases in turn, the minimum of the rounds; only the ratios mean
something. ``MATT_TEST_DATABASE=postgres`` measures on PostgreSQL.
"""

import argparse
import datetime
import json
import os
import time
import types
import uuid
from decimal import Decimal
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.project.settings")
django.setup()

import orjson  # noqa: E402
from django.conf import settings  # noqa: E402
from django.core.handlers.wsgi import WSGIHandler  # noqa: E402
from django.db import connection, models  # noqa: E402
from django.http import HttpResponse  # noqa: E402
from django.test import RequestFactory  # noqa: E402
from django.urls import path  # noqa: E402
from ninja import Schema  # noqa: E402
from ninja_extra import NinjaExtraAPI  # noqa: E402

from django_matt import MattAPI  # noqa: E402
from tests.project.models import Author, Book, Tag  # noqa: E402


class Flat(models.Model):
    """Twelve columns."""

    class Meta:
        app_label = "project"

    name = models.CharField(max_length=50)
    email = models.EmailField()
    about = models.TextField()
    stock = models.IntegerField()
    views = models.BigIntegerField()
    score = models.FloatField()
    active = models.BooleanField()
    price = models.DecimalField(max_digits=10, decimal_places=2)
    key = models.UUIDField()
    at = models.DateTimeField()
    day = models.DateField()


class FlatOut(Schema):
    """What is answered of it."""

    id: int
    name: str
    email: str
    about: str
    stock: int
    views: int
    score: float
    active: bool
    price: Decimal
    key: uuid.UUID
    at: datetime.datetime
    day: datetime.date


class Named(Schema):
    """A tag or an author."""

    id: int
    name: str


class BookOut(Schema):
    """A book with a foreign key and a many-to-many relation."""

    id: int
    title: str
    price: Decimal
    author: Named
    tags: list[Named]


def fill() -> None:
    """Store 1,000 flat rows, and 100 books with three tags each."""
    Flat.objects.bulk_create(
        Flat(
            name=f"name {n}",
            email=f"n{n}@example.org",
            about="about " * 5,
            stock=n,
            views=n * 10**9,
            score=n / 7,
            active=n % 2 == 0,
            price=Decimal(n) / 4,
            key=uuid.UUID(int=n),
            at=datetime.datetime(2024, 1, 1, 1, 2, 3, n, tzinfo=datetime.UTC),
            day=datetime.date(2024, 1, 1),
        )
        for n in range(1000)
    )
    tags = [Tag.objects.create(name=f"t{n}") for n in range(5)]
    authors = [Author.objects.create(name=f"a{n}") for n in range(10)]
    for n in range(100):
        Book.objects.create(title=f"b{n}", author=authors[n % 10]).tags.set(tags[n % 3 : n % 3 + 3])


def hand_flat(request: Any) -> HttpResponse:
    """Hand-written Django: ``values()`` and orjson."""
    rows = list(Flat.objects.order_by("id").values())
    for row in rows:
        row["price"] = str(row["price"])
    return HttpResponse(orjson.dumps(rows), content_type="application/json")


def hand_nested(request: Any) -> HttpResponse:
    """Hand-written Django: joins, a prefetch, dictionaries, orjson."""
    rows = [
        {
            "id": book.id,
            "title": book.title,
            "price": str(book.price),
            "author": {"id": book.author.id, "name": book.author.name},
            "tags": [{"id": tag.id, "name": tag.name} for tag in book.tags.all()],
        }
        for book in Book.objects.order_by("id").select_related("author").prefetch_related("tags")
    ]
    return HttpResponse(orjson.dumps(rows), content_type="application/json")


def routes(cls: Any, name: str) -> Any:
    """Return an API with both lists."""
    api = cls(urls_namespace=name)
    api.get("/flat", response=list[FlatOut])(lambda request: Flat.objects.order_by("id"))
    api.get("/nested", response=list[BookOut])(
        lambda request: (
            Book.objects.order_by("id").select_related("author").prefetch_related("tags")
        )
    )
    return api.urls


def main() -> None:
    """Measure each list on each stack in turn."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=15)
    rounds = arguments.parse_args().rounds
    settings.MIDDLEWARE = []
    urlconf: Any = types.ModuleType("benchmark_urls")
    urlconf.urlpatterns = [
        path("matt/", routes(MattAPI, "matt")),
        path("extra/", routes(NinjaExtraAPI, "extra")),
        path("hand/flat", hand_flat),
        path("hand/nested", hand_nested),
    ]
    settings.ROOT_URLCONF = urlconf
    name = connection.creation.create_test_db(verbosity=0, serialize=False)
    try:
        with connection.schema_editor() as editor:
            if Flat._meta.db_table not in connection.introspection.table_names():
                editor.create_model(Flat)
        fill()
        handler, factory = WSGIHandler(), RequestFactory()
        for kind in ("flat", "nested"):
            best: dict[str, tuple[float, float]] = {}
            answers = {}
            for _ in range(rounds):
                for stack in ("hand", "matt", "extra"):
                    request = factory.get(f"/{stack}/{kind}")
                    wall, cpu = time.perf_counter(), time.process_time()
                    answers[stack] = handler.get_response(request).content
                    spent = time.perf_counter() - wall, time.process_time() - cpu
                    known = best.get(stack, spent)
                    best[stack] = min(known[0], spent[0]), min(known[1], spent[1])
            assert json.loads(answers["matt"]) == json.loads(answers["extra"])
            print(f"{kind} on {connection.vendor}")
            for stack, (wall, cpu) in best.items():
                ratio = wall / best["matt"][0]
                print(f"  {stack:6}{wall * 1000:9.2f} ms wall {cpu * 1000:9.2f} CPU {ratio:6.2f}x")
    finally:
        connection.creation.destroy_test_db(name, verbosity=0)


if __name__ == "__main__":
    main()
