"""What an answer reads of an object is read once, also where its values fall to pydantic."""

from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.functional import cached_property
from ninja import Field, NinjaAPI, Schema

from django_matt import MattAPI
from django_matt.serialization.plan import ResponsePlan
from tests.project.models import Author, Book, Tag
from tests.serialization.conftest import ENCODERS, operation


class Reads:
    """Objects that count how often each attribute is read."""

    def __init__(self, total=1, below=None):
        self.kept = "kept"
        self._total = total
        self._below = below
        self.reads = Counter[str]()

    @property
    def name(self):
        self.reads["name"] += 1
        return "a"

    @property
    def nothing(self):
        self.reads["nothing"] += 1

    @property
    def total(self):
        self.reads["total"] += 1
        return self._total

    @property
    def below(self):
        self.reads["below"] += 1
        return self._below

    @property
    def tags(self):
        self.reads["tags"] += 1
        return [self._below] if self._below else []

    @cached_property
    def once(self):
        self.reads["once"] += 1
        return 1

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        self.reads[name] += 1
        return 1


class Below(Schema):
    name: str
    total: int


class Out(Below):
    kept: str
    nothing: str | None
    below: Below | None
    tags: list[Below]
    other: int = Field(alias="dynamic")
    once: int


NAMES = {"name", "total", "nothing", "below", "tags", "dynamic", "once"}


@pytest.mark.parametrize("encoder", ENCODERS.values(), ids=list(ENCODERS))
@pytest.mark.parametrize("total", [1, Decimal(1), "1"])
@pytest.mark.parametrize("many", [False, True])
def test_an_attribute_of_code_is_read_once(encoder, total, many):
    response = list[Out] if many else Out
    plan = ResponsePlan(operation(response).response_models[200], encoder=encoder)
    below = Reads(total)
    objects = [Reads(1, Reads()), Reads(total, below), Reads(total)]
    if not many:
        objects = objects[1:2]
    _, tier = plan.encode_with_tier(objects if many else objects[0])
    assert tier == ("instances" if total == 1 and type(total) is int else "pydantic")
    for each in objects:
        assert each.reads == dict.fromkeys(NAMES, 1)
    # As a relation, and as an item.
    assert below.reads["name"] == 2


@pytest.mark.parametrize("encoder", ENCODERS.values(), ids=list(ENCODERS))
def test_what_was_read_is_not_taken_for_another_object(encoder):
    plan = ResponsePlan(operation(list[Below]).response_models[200], encoder=encoder)

    def objects():
        return [Reads(1), Reads(Decimal(2)), Reads(3)]

    assert plan.encode(objects()) == (
        b'[{"name":"a","total":1},{"name":"a","total":2},{"name":"a","total":3}]'
    )


class StaffedOut(Schema):
    name: str
    total: int


class TagOut(Schema):
    name: str


class BookOut(Schema):
    tags: list[TagOut]
    price: int


def queries(serve, response, view):
    found = []
    for cls in (MattAPI, NinjaAPI):
        api: Any = cls(urls_namespace=f"reads{id(view)}{cls.__name__}")
        api.get("/it", response=response)(view)
        client = serve(api)
        with CaptureQueriesContext(connection) as made:
            found.append((client.get("/api/it").json(), len(made)))
    (ours, our_queries), (theirs, their_queries) = found
    assert ours == theirs
    return our_queries, their_queries


def test_a_property_that_queries_costs_what_it_costs_with_ninja(serve, db, monkeypatch):
    total = property(lambda author: Decimal(author.books.count()))
    monkeypatch.setattr(Author, "total", total, raising=False)
    for number in range(3):
        Author.objects.create(name=f"A{number}")
    everyone = Author.objects.order_by("id")
    assert queries(serve, list[StaffedOut], lambda request: everyone.all()) == (4, 4)
    assert queries(serve, StaffedOut, lambda request: everyone.first()) == (2, 2)


def test_a_relation_of_one_instance_is_asked_once(serve, db):
    book = Book.objects.create(title="B", author=Author.objects.create(name="A"), price=2)
    book.tags.add(Tag.objects.create(name="t"))
    one = Book.objects.order_by("id")
    assert queries(serve, BookOut, lambda request: one.first()) == (2, 2)
