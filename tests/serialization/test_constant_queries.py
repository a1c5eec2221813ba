"""However many rows there are, the queries stay the same: beyond generic relations, and inside of dictionaries."""

import itertools
import json
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test.utils import CaptureQueriesContext
from ninja import NinjaAPI, Schema
from ninja.pagination import CursorPagination, LimitOffsetPagination
from ninja.pagination import paginate as ninja_paginate
from pydantic import RootModel

from django_matt import MattAPI, needs
from tests.project.models import Author, Book, Film, Photo, Remark, Tag
from tests.serialization.conftest import in_order

namespaces = (f"constant{number}" for number in itertools.count())


class Named(Schema):
    name: str


class Bossed(Named):
    boss: Named | None


class RemarkOut(Schema):
    text: str
    author: Bossed


class Titled(Schema):
    title: str
    author: Bossed


class Tagged(Titled):
    tags: list[Named]


class PhotoOut(Tagged):
    remarks: list[RemarkOut]


class FilmOut(Titled):
    photos: list[Tagged]


class Target(Schema):
    text: str
    target: Tagged | FilmOut | None


class Deep(Schema):
    title: str
    remarks: list[Target]


class Declared(Schema):
    text: str
    boss: str

    @staticmethod
    @needs("target__author__boss")
    def resolve_boss(remark):
        return remark.target.author.boss.name if remark.target else ""


class Rack(Schema):
    label: str
    photos: list[PhotoOut]
    first: Titled | None = None


class Nested(Schema):
    rack: Rack
    more: list[Rack]


class ByName(RootModel[dict[str, list[PhotoOut]]]):
    pass


class Outer(Schema):
    by_name: dict[str, list[PhotoOut]]


def author(number):
    boss = Author.objects.create(name=f"boss{number}")
    return Author.objects.create(name=f"a{number}", boss=boss)


def fill(rows):
    """Make so many of everything, each with relations of its own."""
    for number in range(rows):
        photo = Photo.objects.create(title=f"p{number}", author=author(number))
        photo.tags.add(*(Tag.objects.create(name=f"t{number}{index}") for index in range(2)))
        film = Film.objects.create(title=f"f{number}", author=author(number))
        film.photos.add(photo)
        for target in (photo, film):
            Remark.objects.create(text=f"r{number}", author=author(number), target=target)
        Remark.objects.create(text="of nothing", author=author(number))


def ask(serve, response, view, url="", is_async=False, decorate=None):
    """Answer for few rows and for many by our API, and by Ninja's; return how many queries ours made each time."""
    counts = []
    for rows in (2, 4):
        fill(rows)
        answers = []
        for cls in (MattAPI, NinjaAPI):
            api: Any = cls(urls_namespace=next(namespaces))
            if is_async and cls is MattAPI:

                async def answer(request):
                    return await sync_to_async(view)(request)

            else:
                answer = decorate(view) if decorate else view  # type: ignore[assignment]
            api.get("/it", response=response)(answer)
            client = serve(api)
            ContentType.objects.clear_cache()
            with CaptureQueriesContext(connection) as queries:
                got = client.get("/api/it" + url)
                body = b"".join(got)  # a stream asks while it is read
            assert got.status_code == 200, body
            answers.append(in_order(json.loads(body)))
            if cls is MattAPI:
                counts.append(len(queries))
        assert answers[0] == answers[1]
    return counts


def photos(request=None, **kwargs):
    return Photo.objects.order_by("id")


def remarks(request=None, **kwargs):
    return Remark.objects.order_by("id")


CASES: dict[str, tuple[Any, Any]] = {
    "generic relation": (list[PhotoOut], photos),
    "generic relation of instances": (list[PhotoOut], lambda request: list(photos())),
    "generic foreign key": (list[Target], remarks),
    "generic foreign key of instances": (list[Target], lambda request: list(remarks())),
    "generic foreign key beyond a relation": (list[Deep], photos),
    "generic foreign key of needs": (list[Declared], remarks),
    "own prefetch": (list[Target], lambda request: remarks().prefetch_related("target")),
    "own prefetch of lists": (list[Deep], lambda request: photos().prefetch_related("remarks")),
    "values of a dict": (
        dict[str, list[PhotoOut]],
        lambda request: {"a": list(photos()), "b": list(photos()[:1])},
    ),
    "querysets of a dict": (
        dict[str, list[PhotoOut]],
        lambda request: {"a": photos(), "b": photos()[:1]},
    ),
    "instances of a dict": (dict[str, Tagged], lambda request: {p.title: p for p in photos()}),
    "a root of a dict": (ByName, lambda request: {"a": photos()}),
    "a dict in a schema": (Outer, lambda request: {"by_name": {"a": list(photos())}}),
    "instances in dicts of a list": (
        list[Rack],
        lambda request: [{"label": "a", "photos": [p], "first": p} for p in photos()],
    ),
    "a dict below a schema below a list": (
        list[Nested],
        lambda request: [
            {"rack": {"label": "a", "photos": [p]}, "more": [{"label": "b", "photos": [p]}]}
            for p in photos()
        ],
    ),
    "instances of several models": (list[Titled], lambda request: [*photos(), *Film.objects.all()]),
}


@pytest.mark.django_db
@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_the_queries_do_not_grow_with_the_rows(serve, case, is_async):
    few, many = ask(serve, *CASES[case], is_async=is_async)
    assert few == many


@pytest.mark.django_db
@pytest.mark.parametrize("paginator", [LimitOffsetPagination, CursorPagination])
@pytest.mark.parametrize(("response", "view"), [(list[Target], remarks), (list[Deep], photos)])
def test_nor_do_they_under_a_paginator(serve, paginator, response, view):
    options = {"ordering": ("id",)} if paginator is CursorPagination else {}
    few, many = ask(serve, response, view, decorate=ninja_paginate(paginator, **options))
    assert few == many


@pytest.mark.django_db
def test_querysets_in_dicts_of_a_list_cost_their_own_query_and_no_more(serve):
    def view(request):
        return [{"label": "a", "photos": photos().filter(pk=photo.pk)} for photo in photos()]

    few, many = ask(serve, list[Rack], view)
    # Two rows at first, six afterwards.
    assert many - few == 4


@pytest.mark.django_db
def test_managers_in_dicts_of_a_list_cost_their_own_query_and_no_more(serve):
    class Wall(Schema):
        title: str
        photos: list[Tagged]

    def view(request):
        return [{"title": film.title, "photos": film.photos} for film in Film.objects.all()]

    few, many = ask(serve, list[Wall], view)
    assert many - few == 4


@pytest.mark.django_db
def test_one_object_asks_its_relations_by_one_query_each(serve):
    fill(3)
    api = MattAPI(urls_namespace=next(namespaces))
    api.get("/it", response=Target)(lambda request: Remark.objects.order_by("id")[0])
    client = serve(api)
    ContentType.objects.clear_cache()
    with CaptureQueriesContext(connection) as queries:
        assert client.get("/api/it").json()["target"]["tags"] == [{"name": "t00"}, {"name": "t01"}]
    # Itself, its content type, its target, the author of that, the boss, the tags.
    assert len(queries) == 6


@pytest.mark.django_db
def test_a_stream_fills_each_batch(serve, settings, monkeypatch):
    settings.MATT = {"STREAM_ROWS": 3}
    few, many = ask(serve, list[Target], remarks)
    api = MattAPI(urls_namespace=next(namespaces))
    api.get("/it", response=list[Target])(remarks)
    answer = serve(api).get("/api/it")
    assert answer.streaming
    assert few == many


@pytest.mark.django_db
def test_what_a_view_put_into_a_list_is_left_as_it_is(serve):
    photo = Photo(title="new", author=Author(name="a"))
    given = [{"label": "a", "photos": []}, {"label": "b", "photos": [], "first": photo}]
    api = MattAPI(urls_namespace=next(namespaces))
    api.get("/it", response=list[Rack])(lambda request: given)
    with CaptureQueriesContext(connection) as queries:
        answer = serve(api).get("/api/it")
    assert answer.json()[1]["first"] == {"title": "new", "author": {"name": "a", "boss": None}}
    assert given[1] == {"label": "b", "photos": [], "first": photo}
    assert len(queries) == 0


@pytest.mark.django_db
def test_books_below_a_generic_key_are_planned_by_their_own_model(serve):
    """A target whose class lacks an attribute of one schema of the union is judged by the other."""
    fill(1)
    book = Book.objects.create(title="b", author=author(9))
    Remark.objects.create(text="on a book", author=author(8), target=book)
    few, many = ask(serve, list[Target], remarks)
    assert few == many
