"""Requests of two tenants over HTTP: what they read, page, stream, join, count and write."""

import copy
import functools
import io
import json
import pickle
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Annotated, Any, NamedTuple

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.apps import apps
from django.core.exceptions import SynchronousOnlyOperation
from django.core.paginator import Paginator
from django.db import connection, connections, transaction
from django.db.models import Case, Count, Exists, F, OuterRef, Prefetch, Q, Value, When
from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.template import engines
from django.template.response import SimpleTemplateResponse
from django.utils.functional import SimpleLazyObject
from ninja.errors import ConfigError
from ninja.pagination import LimitOffsetPagination, PageNumberPagination
from ninja.pagination import paginate as ninja_paginate

from django_matt import (
    JSONL,
    Event,
    MattAPI,
    ModelSchema,
    NinjaPaginationResponseSchema,
    PatchDict,
    Schema,
    paginate,
    tier,
)
from django_matt.checks import check_scopes
from django_matt.contrib.crud.services import bulk_update
from django_matt.hooks import OperationHook
from django_matt.scopes import KeyOf, OutOfScope, entered, narrowed, unscoped
from tests.scopes.models import Atlas, Booklet, Cover, Label, Note, Shelf, Tenant, Volume, Writer
from tests.scopes.tenants import tenants_api, two_tenants

pytestmark = pytest.mark.django_db


class LabelShown(Schema):
    name: str


class PublisherShown(Schema):
    name: str


class WriterShown(Schema):
    name: str
    publisher: PublisherShown | None


class VolumeShown(Schema):
    title: str


class VolumeWithWriter(Schema):
    title: str
    writer: WriterShown


class VolumeWithEditor(Schema):
    title: str
    editor: WriterShown | None


class VolumeWithLabels(Schema):
    title: str
    labels: list[LabelShown]


class ShelfShown(Schema):
    name: str
    volumes: list[VolumeWithLabels]


class Counted(Schema):
    name: str
    count: int


class Named(Schema):
    title: str
    named: str | None


# Made where there is no request.
EVERY_VOLUME = Volume.objects.order_by("id")
EVERY_LABEL = Label.objects.order_by("id")


@pytest.fixture
def made():
    return two_tenants()


def either(view, kind):
    """Return a view as it is, or as an async one that stays on the event loop unless it queries."""
    if kind == "sync":
        return view

    @functools.wraps(view)
    async def view_async(*arguments, **named):
        try:
            return view(*arguments, **named)
        except SynchronousOnlyOperation:
            return await sync_to_async(view)(*arguments, **named)

    return view_async


@pytest.fixture(params=["sync", "async"])
def ask(request, serve):
    """Return ``ask(view, response, …)``: the status and the JSON that a route gives a tenant; ``ask.text`` has the body."""

    def ask(view, response, *, tenant="red", query="", body=None, method="get", decorate=None):
        api = tenants_api()
        view = either(view, request.param)
        getattr(api, method)("/it", response=response)(view if decorate is None else decorate(view))
        client = serve(api)
        is_async = request.param == "async"
        send = getattr(client.async_client if is_async else client, method)
        more: dict[str, Any] = {"headers": {"X-Tenant": tenant} if tenant else {}}
        if body is not None:
            more |= {"data": json.dumps(body), "content_type": "application/json"}
        found = (async_to_sync(send) if is_async else send)(f"/api/it{query}", **more)
        ask.text, ask.headers = read(found), found.headers
        try:
            return found.status_code, json.loads(ask.text)
        except ValueError:
            return found.status_code, None

    ask.kind = request.param
    return ask


def read(response):
    if not response.streaming:
        return response.content.decode()
    if not response.is_async:
        return b"".join(response.streaming_content).decode()

    async def pieces():
        return b"".join([piece async for piece in response.streaming_content])

    return async_to_sync(pieces)().decode()


@async_to_sync
async def read_async(client):
    """Return the stream of a route for a tenant, read on the event loop that has called it."""
    response = await client.async_client.get("/api/it", headers={"X-Tenant": "red"})
    return b"".join([piece async for piece in response.streaming_content]).decode()


def labels_of(volumes):
    return [sorted(label["name"] for label in each["labels"]) for each in volumes]


def titles(name, count=4):
    return [f"{name} {n}" for n in range(count)]


def given(value):
    """Return a view that returns what a function does."""

    def view(request):
        return value()

    return view


def give_away(made):
    """Let a volume of red refer to writers and labels of blue, which no request can have done."""
    writer = made["blue"]["writers"][0]
    volume = made["red"]["volumes"][0]
    Volume.objects.filter(pk=volume.pk).update(writer=writer, editor=writer)
    volume.labels.add(*made["blue"]["labels"])
    return volume


# ---- what views return ----


def read_without_scopes():
    with unscoped():
        return Volume.objects.order_by("id")


QUERYSETS = {
    "of a manager": lambda: Volume.objects.order_by("id"),
    "made outside of the request": EVERY_VOLUME.all,
    "of the base manager": lambda: Volume._base_manager.order_by("id"),
    "of a related manager": lambda: Shelf.objects.get().volumes.order_by("id"),
    "combined": lambda: (
        Volume.objects.filter(title__contains="0")
        .union(EVERY_VOLUME.order_by().exclude(title__contains="0"))
        .order_by("title")
    ),
    "either of two": lambda: (
        Volume.objects.filter(title__contains="0") | EVERY_VOLUME.exclude(title__contains="0")
    ),
    "values": lambda: EVERY_VOLUME.values("title"),
    "read without scopes": read_without_scopes,
    "evaluated": lambda: list(Volume.objects.order_by("id")),
    "raw": lambda: Volume.objects.raw(
        "SELECT * FROM scopes_volume WHERE title LIKE %s ORDER BY id", ["red%"]
    ),
}


@pytest.mark.parametrize("level", ["rows", "instances", "pydantic"])
@pytest.mark.parametrize("name", [*QUERYSETS])
def test_a_list_has_the_rows_of_the_tenant_alone(ask, made, name, level):
    status, found = ask(lambda request: QUERYSETS[name](), list[VolumeShown], decorate=tier(level))
    assert (status, [each["title"] for each in found]) == (200, titles("red"))


# Django counts what a query reads, and counts it back to nothing when the SQL has been made.
BY_WRITER = ["red 0", "red 2", "red 1", "red 3"]
USED_AGAIN = {
    "all": (lambda used: used.all(), BY_WRITER),
    "sliced": (lambda used: used.all()[:100], BY_WRITER),
    "ordered": (lambda used: used.order_by("-id"), titles("red")[::-1]),
    "ordered by a join": (lambda used: used.order_by("writer__id", "id").distinct(), BY_WRITER),
    "combined": (lambda used: used.order_by().union(used.order_by().all()).order_by("title"), titles("red")),
    "narrowed by hand": (lambda used: list(narrowed(used)), BY_WRITER),
}  # fmt: skip


@pytest.mark.parametrize("level", ["rows", "instances"])
@pytest.mark.parametrize("name", [*USED_AGAIN])
def test_a_queryset_that_has_been_evaluated_before_is_narrowed_like_others(ask, made, name, level):
    use, expected = USED_AGAIN[name]
    used = Volume.objects.order_by("writer__name", "id")
    assert len(used) == 8
    status, found = ask(lambda request: use(used), list[VolumeShown], decorate=tier(level))
    assert (status, [each["title"] for each in found]) == (200, expected)


@pytest.mark.parametrize(
    "paginator", [LimitOffsetPagination, PageNumberPagination], ids=lambda kind: kind.__name__
)
def test_a_page_and_its_count_are_of_the_tenant_alone(ask, made, paginator):
    for source in (Volume.objects.order_by, EVERY_VOLUME.order_by):
        _, found = ask(
            given(lambda source=source: source("id")),
            list[VolumeShown],
            query="?limit=3" if paginator is LimitOffsetPagination else "?page_size=3",
            decorate=ninja_paginate(paginator),
        )
        assert [each["title"] for each in found["items"]] == titles("red", 3)
        assert found["count"] == 4


def test_a_page_of_ninja_extra_and_its_count_are_of_the_tenant_alone(ask, made):
    _, found = ask(
        lambda request: EVERY_VOLUME,
        NinjaPaginationResponseSchema[VolumeShown],
        query="?limit=3",
        decorate=paginate,
    )
    assert [each["title"] for each in found["items"]] == titles("red", 3)
    assert found["count"] == 4


def test_a_slice_is_taken_of_what_the_tenant_has(ask, made):
    _, found = ask(
        lambda request: EVERY_VOLUME.order_by("-id")[:3], list[VolumeShown], tenant="red"
    )
    assert [each["title"] for each in found] == titles("red")[:0:-1]


@pytest.mark.parametrize("level", ["rows", "instances", "pydantic"])
def test_one_object_has_null_for_another_that_the_request_may_not_read(ask, made, level):
    key = give_away(made).pk
    for view in (
        lambda request: get_object_or_404(Volume, pk=key),
        lambda request: Volume.objects.filter(pk=key),
    ):
        status, found = ask(view, VolumeWithEditor, decorate=tier(level))
        assert (status, found) == (200, {"title": "red 0", "editor": None})
        assert ask(view, VolumeWithWriter, decorate=tier(level))[0] == 500
        assert "blue" not in ask.text


ONE = {
    "the queryset of one": lambda key: EVERY_VOLUME.filter(pk=key),
    "get_object_or_404": lambda key: get_object_or_404(Volume, pk=key),
    "a manager": lambda key: Volume.objects.get(pk=key),
}


@pytest.mark.parametrize("name", [*ONE])
def test_an_object_of_another_tenant_is_not_found(ask, made, name):
    def view(request, key: int):
        return ONE[name](key)

    assert ask(view, VolumeShown, query=f"?key={made['red']['volumes'][0].pk}")[0] == 200
    assert ask(view, VolumeShown, query=f"?key={made['blue']['volumes'][0].pk}")[0] == 404


def test_an_instance_that_the_request_may_not_read_is_refused_and_named_in_the_log(
    ask, made, caplog
):
    for value, response in (
        (lambda: EVERY_VOLUME.get(pk=made["blue"]["volumes"][0].pk), VolumeShown),
        (lambda: list(EVERY_VOLUME.all()), list[VolumeShown]),
        (lambda: EVERY_VOLUME.raw("SELECT * FROM scopes_volume"), list[VolumeShown]),
    ):
        status, _ = ask(given(value), response)
        assert status == 500
        assert "blue" not in ask.text
    assert "Volume that the request may not read" in caplog.text


def test_a_lazy_instance_is_what_is_inside_of_it(ask, made):
    """As ``request.user`` is one."""
    for name, status in (("red", 200), ("blue", 500)):
        key = made[name]["volumes"][0].pk
        lazy = SimpleLazyObject(lambda key=key: EVERY_VOLUME.get(pk=key))
        assert lazy.pk == key  # an async view cannot make Django find it
        assert ask(given(lambda lazy=lazy: lazy), VolumeShown)[0] == status
        assert "blue" not in ask.text


class Box(Schema):
    item: VolumeShown


class WithBest(VolumeShown):
    best: WriterShown


class Pair(NamedTuple):
    item: Any


@dataclass
class Held:
    item: Any


def of_blue():
    with unscoped():
        return list(Volume.objects.filter(title__startswith="blue").select_related("writer"))


def with_best():
    volume = Volume.objects.first()
    volume.best = of_blue()[0].writer
    return [volume]


HELD = {
    "a set": (lambda: set(of_blue()), list[VolumeShown]),
    "a generator": (lambda: (volume for volume in of_blue()), list[VolumeShown]),
    "an iterator": (EVERY_VOLUME.iterator, list[VolumeShown]),
    "a map": (lambda: map(copy.copy, EVERY_VOLUME.all()), list[VolumeShown]),
    "a generator in a dictionary": (lambda: {"items": EVERY_VOLUME.iterator()}, dict[str, list[VolumeShown]]),
    "a deque": (lambda: deque(of_blue()), list[VolumeShown]),
    "values": (lambda: dict(enumerate(of_blue())).values(), list[VolumeShown]),
    "a page": (lambda: Paginator(of_blue(), 2).page(1), list[VolumeShown]),
    "a named tuple": (lambda: Pair(of_blue()[0]), Box),
    "a dataclass": (lambda: Held(of_blue()[0]), Box),
    "a namespace": (lambda: SimpleNamespace(item=of_blue()[0]), Box),
    "an attribute": (with_best, list[WithBest]),
}  # fmt: skip


@pytest.mark.parametrize("level", ["rows", "instances", "pydantic"])
@pytest.mark.parametrize("name", [*HELD])
def test_an_instance_is_refused_in_whatever_it_is_held(ask, made, name, level):
    view, response = HELD[name]
    status, _ = ask(lambda request: view(), response, decorate=tier(level))
    assert (status, "blue" in ask.text) == (500, False)


class Boxes(Schema):
    item: list[VolumeShown]


def may_read():
    return Volume.objects.order_by("id")


@pytest.mark.parametrize("level", ["rows", "instances", "pydantic"])
@pytest.mark.parametrize("hold", [Pair, Held, lambda found: SimpleNamespace(item=found)])
def test_a_queryset_is_narrowed_in_whatever_it_is_held(ask, made, hold, level):
    for found in (EVERY_VOLUME.all, may_read):
        view = given(lambda found=found: hold(found()))
        status, shown = ask(view, Boxes, decorate=tier(level))
        assert status == 200, ask.text
        assert [each["title"] for each in shown["item"]] == titles("red")


@pytest.mark.parametrize("level", ["rows", "instances", "pydantic"])
@pytest.mark.parametrize("hold", [set, deque, iter, lambda found: (each for each in found)])
def test_what_a_request_may_read_is_sent_in_whatever_it_is_held(ask, made, hold, level):
    status, shown = ask(lambda request: hold(may_read()), list[VolumeShown], decorate=tier(level))
    assert status == 200, ask.text
    assert sorted(each["title"] for each in shown) == titles("red")


class ShelfWithBest(Schema):
    name: str
    best_volumes: list[VolumeShown]


@pytest.mark.parametrize("level", ["rows", "instances", "pydantic"])
def test_a_queryset_in_an_attribute_is_narrowed(serve, made, level):
    def view(request):
        shelf = Shelf.objects.get()
        shelf.best_volumes = EVERY_VOLUME.all()
        return [shelf]

    api = tenants_api()
    api.get("/it", response=list[ShelfWithBest])(tier(level)(view))
    (found,) = serve(api).get("/api/it", headers={"X-Tenant": "red"}).json()
    assert [each["title"] for each in found["best_volumes"]] == titles("red")


@pytest.mark.parametrize("level", ["rows", "instances", "pydantic"])
def test_rows_do_not_show_whose_related_manager_has_found_them(ask, made, level):
    writer = made["blue"]["writers"][0]
    give_away(made)
    status, found = ask(
        lambda request: writer.edited.all(), list[VolumeWithEditor], decorate=tier(level)
    )
    assert (status, found) == (200, [{"title": "red 0", "editor": None}])
    mine = made["red"]["writers"][0]
    status, found = ask(
        lambda request: mine.edited.order_by("id"), list[VolumeWithEditor], decorate=tier(level)
    )
    assert {each["editor"]["name"] for each in found} == {"red writer 0"}


def test_an_instance_that_is_not_saved_is_no_row(ask, made):
    status, found = ask(lambda request: Volume(title="new"), VolumeShown)
    assert (status, found) == (200, {"title": "new"})


# ---- relations ----


@pytest.mark.parametrize("level", ["rows", "instances", "pydantic"])
def test_nested_lists_have_what_the_tenant_has(ask, made, level):
    give_away(made)
    status, found = ask(lambda request: Shelf.objects.all(), list[ShelfShown], decorate=tier(level))
    assert status == 200
    assert "blue" not in ask.text
    volumes = sorted(found[0]["volumes"], key=lambda volume: volume["title"])
    assert [volume["title"] for volume in volumes] == titles("red")
    assert labels_of(volumes) == [["red 0", "red 1"]] * 4


PREFETCHES = {
    "names": lambda: Volume.objects.prefetch_related("labels", "writer"),
    "a queryset": lambda: Volume.objects.prefetch_related(Prefetch("labels", EVERY_LABEL.all())),
    "loaded": lambda: list(Volume.objects.prefetch_related("labels")),
}


@pytest.mark.parametrize("name", [*PREFETCHES])
def test_prefetches_have_what_the_tenant_has(ask, made, name):
    give_away(made)
    status, found = ask(lambda request: PREFETCHES[name](), list[VolumeWithLabels])
    assert status == 200
    assert labels_of(found) == [["red 0", "red 1"]] * 4


def test_loaded_prefetches_that_were_made_elsewhere_are_refused(ask, made):
    give_away(made)

    def view(request):
        return list(Volume.objects.prefetch_related(Prefetch("labels", EVERY_LABEL.all())))

    assert ask(view, list[VolumeWithLabels])[0] == 500
    assert "blue" not in ask.text


JOINS: dict[str, Any] = {
    "all": Volume.objects.all,
    "select_related": lambda: Volume.objects.select_related("editor__publisher", "writer"),
    "select_related of all": Volume.objects.select_related,
    "one by one": lambda: list(Volume.objects.all()),
}


@pytest.mark.filterwarnings("ignore:Calling select_related")  # of Django 6.1
@pytest.mark.parametrize("level", ["rows", "instances", "pydantic"])
@pytest.mark.parametrize("name", [*JOINS])
def test_an_object_that_the_request_may_not_read_is_null_where_its_key_may_be(
    ask, made, name, level
):
    volume = give_away(made)
    status, found = ask(lambda request: JOINS[name](), list[VolumeWithEditor], decorate=tier(level))
    assert status == 200
    assert "blue" not in ask.text
    shown = {each["title"]: each["editor"] for each in found}
    assert shown.pop(volume.title) is None
    assert set(map(str, shown.values())) == {
        "{'name': 'red writer 0', 'publisher': {'name': 'red house'}}"
    }


@pytest.mark.filterwarnings("ignore:Calling select_related")  # of Django 6.1
@pytest.mark.parametrize("level", ["rows", "instances", "pydantic"])
@pytest.mark.parametrize("name", [*JOINS])
def test_an_object_that_the_request_may_not_read_is_refused_where_there_must_be_one(
    ask, made, name, level
):
    assert (
        ask(lambda request: JOINS[name](), list[VolumeWithWriter], decorate=tier(level))[0] == 200
    )
    give_away(made)
    assert (
        ask(lambda request: JOINS[name](), list[VolumeWithWriter], decorate=tier(level))[0] == 500
    )
    assert "blue" not in ask.text


def test_an_instance_with_a_joined_object_that_the_request_may_not_read_is_refused(ask, made):
    give_away(made)

    def view(request):
        return list(Volume.objects.select_related("editor"))

    assert ask(view, list[VolumeWithEditor])[0] == 500
    assert "blue" not in ask.text


NAMED: dict[str, Any] = {
    "values": lambda: EVERY_VOLUME.values("title", named=F("writer__name")),
    "an annotation": lambda: EVERY_VOLUME.annotate(named=F("writer__name")),
    "a joined annotation": lambda: Volume.objects.annotate(named=F("writer__publisher__name")),
}


@pytest.mark.parametrize("name", [*NAMED])
def test_columns_of_a_joined_object_that_the_request_may_not_read_are_null(ask, made, name):
    volume = give_away(made)
    status, found = ask(lambda request: NAMED[name](), list[Named])
    assert (status, len(found)) == (200, 4)
    named = {each["title"]: each["named"] for each in found}
    assert named.pop(volume.title) is None
    assert all(value.startswith("red") for value in named.values())


COUNTS = {
    "a list": (lambda: Shelf.objects.annotate(count=Count("volumes")), 4),
    "many to many": (lambda: Volume.objects.annotate(name=F("title"), count=Count("labels")), 2),
    "by a link": (
        lambda: (
            EVERY_VOLUME.filter(shelf=1).values(name=F("title")).annotate(count=Count("labels"))
        ),
        2,
    ),
    "a subquery": (
        lambda: Shelf.objects.annotate(
            count=Count("pk", filter=Exists(EVERY_VOLUME.filter(title__startswith="blue")))
        ),
        0,
    ),
}


@pytest.mark.parametrize("name", [*COUNTS])
def test_counts_are_of_what_the_request_may_read(ask, made, name):
    give_away(made)
    queryset, count = COUNTS[name]
    status, found = ask(lambda request: queryset(), list[Counted])
    assert status == 200
    assert {each["count"] for each in found} <= {count}


FILTERS = {
    "to-one": (lambda: Volume.objects.filter(writer__name="blue writer 0"), 0),
    "not to-one": (lambda: Volume.objects.exclude(editor__name="blue writer 0"), 4),
    "to-many": (lambda: Shelf.objects.filter(volumes__title="blue 0"), 0),
    "own to-many": (lambda: Shelf.objects.filter(volumes__title="red 0"), 1),
    "not to-many": (lambda: Shelf.objects.exclude(volumes__title="blue 0"), 1),
    "many-to-many": (lambda: Volume.objects.filter(labels__name="blue 0"), 0),
    "a subquery": (
        lambda: Shelf.objects.filter(volumes__in=EVERY_VOLUME.filter(title="blue 0")),
        0,
    ),
    "exists": (
        lambda: Shelf.objects.filter(
            Exists(EVERY_VOLUME.filter(shelf=OuterRef("pk"), title="blue 0"))
        ),
        0,
    ),
}


class Numbered(Schema):
    id: int


@pytest.mark.parametrize("name", [*FILTERS])
def test_filters_do_not_tell_of_what_the_request_may_not_read(ask, made, name):
    give_away(made)
    queryset, count = FILTERS[name]
    status, found = ask(lambda request: queryset(), list[Numbered])
    assert (status, len(found)) == (200, count)


def test_what_belongs_to_something_else_is_narrowed_by_it(ask, made):
    _, found = ask(lambda request: Note.objects.order_by("id"), list[Text])
    assert [each["text"] for each in found] == [f"red note {n}" for n in range(4)]
    _, found = ask(lambda request: Cover.objects.order_by("id"), list[Text])
    assert [each["text"] for each in found] == [f"red cover {n}" for n in range(4)]


class Text(Schema):
    text: str


def test_a_model_that_inherits_a_table_has_its_scope(ask, made):
    for name in ("red", "blue"):
        writer = made[name]["writers"][0]
        Atlas.objects.create(tenant=made[name]["tenant"], title=f"{name} atlas", writer=writer)
    _, found = ask(lambda request: Atlas.objects.all(), list[VolumeWithWriter])
    assert [each["title"] for each in found] == ["red atlas"]
    _, found = ask(lambda request: list(Atlas.objects.all()), list[VolumeWithWriter])
    assert [each["title"] for each in found] == ["red atlas"]


def test_a_proxy_has_the_scope_of_its_model(ask, made):
    _, found = ask(lambda request: Booklet.objects.order_by("id"), list[VolumeShown])
    assert [each["title"] for each in found] == titles("red")
    _, found = ask(lambda request: {"name": "", "count": Booklet._base_manager.count()}, Counted)
    assert found["count"] == 4


# ---- what views do themselves ----


def test_a_view_counts_what_the_request_may_read(ask, made):
    def view(request):
        return {
            "name": "volumes",
            "count": Volume.objects.count() + Shelf.objects.get().volumes.count(),
        }

    assert ask(view, Counted) == (200, {"name": "volumes", "count": 8})


def test_a_view_narrows_a_queryset_of_another_place_by_hand(ask, made):
    def view(request):
        return {"name": "", "count": narrowed(EVERY_VOLUME).count() + narrowed(Writer).count()}

    assert ask(view, Counted) == (200, {"name": "", "count": 6})


def test_a_queryset_of_a_scope_is_narrowed_like_others_where_a_view_returns_it(serve, made):
    def narrow(request):
        request.writers = Writer.objects.all()
        return Q(writer__in=request.writers)

    api = MattAPI(urls_namespace="scopes-shared")
    api.add_scope(Volume, narrow)
    api.add_scope(Writer, lambda request: Q(name="red writer 0"))
    api.get("/volumes", response=list[VolumeShown])(lambda request: Volume.objects.all())

    @api.get("/writers", response=list[WriterShown])
    def writers(request):
        Volume.objects.count()
        return request.writers

    client = serve(api)
    assert len(client.get("/api/volumes").json()) == 8
    assert [each["name"] for each in client.get("/api/writers").json()] == ["red writer 0"]


@pytest.mark.parametrize(("path", "status"), [("/api/fails", 500), ("/api/other", 200)])
def test_a_request_leaves_nothing_to_the_next_one_of_its_thread(serve, made, path, status):
    class Answers(OperationHook):
        @classmethod
        def bind(cls, operation, api):
            return cls() if operation.view_func is answered else None

        def admitted(self, call):
            return HttpResponse("early")

    def fail(request):
        Volume.objects.count()
        raise ZeroDivisionError

    def answered(request):
        raise ZeroDivisionError

    api = tenants_api()
    api.add_hook(Answers)
    api.get("/fails")(fail)
    api.get("/other")(answered)
    assert serve(api).get(path, headers={"X-Tenant": "red"}).status_code == status
    assert Volume.objects.count() == 8


def test_a_view_may_look_at_everything(ask, made):
    def view(request):
        with unscoped():
            return {"name": "", "count": Volume.objects.count()}

    assert ask(view, Counted) == (200, {"name": "", "count": 8})


def test_a_resolver_reads_what_the_request_may_read(ask, made):
    class Resolved(Schema):
        title: str
        others: list[str]

        @staticmethod
        def resolve_others(volume):
            return sorted(each.title for each in volume.shelf.volumes.all())

    give_away(made)
    status, found = ask(lambda request: Volume.objects.all(), list[Resolved])
    assert status == 200
    assert [each["others"] for each in found] == [titles("red")] * 4


def test_a_scope_of_none_reads_everything(ask, made):
    _, found = ask(lambda request: EVERY_VOLUME, list[VolumeShown], tenant="*")
    assert len(found) == 8


def test_a_scope_that_raises_refuses_the_routes_that_read_its_model(ask, made):
    assert ask(lambda request: Volume.objects.all(), list[VolumeShown], tenant=None)[0] == 400
    assert ask(lambda request: {"title": "nothing is read"}, VolumeShown, tenant=None)[0] == 200


def test_an_api_without_scopes_reads_everything(serve, made):
    tenants_api()
    api = MattAPI(urls_namespace="scopes-free")
    api.get("/it", response=list[VolumeWithWriter])(lambda request: Volume.objects.all())
    assert len(serve(api).get("/api/it").json()) == 8
    assert Volume.objects.count() == 8


def test_managers_narrow_after_django_has_made_them_anew(ask, made):
    ask(lambda request: Volume.objects.all(), list[VolumeShown])
    apps.clear_cache()
    _, found = ask(lambda request: list(Volume._base_manager.all()), list[VolumeWithWriter])
    assert len(found) == 4


# ---- streams ----


@pytest.fixture
def few_rows(settings):
    settings.MATT = {"STREAM_ROWS": 2}


@pytest.mark.parametrize("level", ["rows", "instances", "pydantic"])
def test_a_long_list_is_streamed_with_what_the_request_may_read(
    ask, made, few_rows, monkeypatch, level
):
    monkeypatch.setattr("django_matt.rows.batches.BATCH", 1)
    give_away(made)
    status, found = ask(lambda request: EVERY_VOLUME, list[VolumeWithLabels], decorate=tier(level))
    assert status == 200
    assert [each["title"] for each in found] == titles("red")
    assert labels_of(found) == [["red 0", "red 1"]] * 4


def test_the_items_of_a_stream_are_what_the_request_may_read(serve, made):
    def view(request):
        yield from Volume.objects.order_by("id")

    give_away(made)
    api = tenants_api()
    api.get("/it", response=JSONL[VolumeWithLabels])(view)
    text = read(serve(api).get("/api/it", headers={"X-Tenant": "red"}))
    assert [json.loads(line)["title"] for line in text.splitlines()] == titles("red")
    assert "blue" not in text


def test_the_items_of_an_async_stream_are_what_the_request_may_read(serve, made):
    async def view(request):
        async for volume in Volume.objects.order_by("id"):
            yield {"title": volume.title}

    api = tenants_api()
    api.get("/it", response=JSONL[VolumeShown])(view)
    text = read_async(serve(api))
    assert [json.loads(line)["title"] for line in text.splitlines()] == titles("red")


class Shown(Schema):
    found: list[VolumeShown]


STREAMED = {
    "a queryset": lambda: {"found": EVERY_VOLUME.all()},
    "a queryset in an event": lambda: Event({"found": EVERY_VOLUME.all()}),
    "a generator": lambda: {"found": (each for each in Volume.objects.order_by("id"))},
}


@pytest.mark.parametrize("name", [*STREAMED])
def test_what_the_items_of_a_stream_hold_is_narrowed(serve, made, name):
    def view(request):
        yield STREAMED[name]()

    api = tenants_api()
    api.get("/it", response=JSONL[Shown])(view)
    text = read(serve(api).get("/api/it", headers={"X-Tenant": "red"}))
    assert [each["title"] for each in json.loads(text)["found"]] == titles("red"), text


def stream_of_titles():
    def titles_of():
        for volume in Volume.objects.order_by("id"):
            yield f"{volume.title},"

    return StreamingHttpResponse(titles_of())


def template_of_titles():
    shown = "{% for volume in shelf.volumes.all %}{{ volume.title }},{% endfor %}"
    template = engines["django"].from_string(shown)
    return SimpleTemplateResponse(template, {"shelf": Shelf.objects.get()})


@pytest.mark.parametrize("build", [stream_of_titles, template_of_titles])
def test_a_response_of_the_views_own_reads_later_what_the_request_may_read(ask, made, build):
    status, _ = ask(lambda request: build(), None)
    assert (status, sorted(ask.text.split(","))) == (200, ["", *titles("red")])
    assert Volume.objects.count() == 8


def test_an_async_response_of_the_views_own_reads_later_what_the_request_may_read(serve, made):
    api = tenants_api()

    @api.get("/it")
    async def it(request):
        async def titles_of():
            async for volume in Volume.objects.order_by("id"):
                yield f"{volume.title},"

        return StreamingHttpResponse(titles_of())

    assert read_async(serve(api)) == "".join(f"{title}," for title in titles("red"))


def test_a_response_that_was_rendered_late_can_be_pickled_for_a_cache(ask, made):
    def view(request):
        made = template_of_titles()
        made.add_post_render_callback(lambda response: pickle.dumps(response) and None)
        return made

    status, _ = ask(view, None)
    assert status == 200


def test_a_file_is_sent_as_it_is(ask, made):
    status, _ = ask(lambda request: FileResponse(io.BytesIO(b"red 0")), None)
    assert (status, ask.text) == (200, "red 0")


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_stream_ends_before_an_instance_that_the_request_may_not_read(serve, made, kind):
    def view(request):
        yield from EVERY_VOLUME.all()

    async def view_async(request):
        async for volume in EVERY_VOLUME.all():
            yield volume

    api = tenants_api()
    api.get("/it", response=JSONL[VolumeShown])(view if kind == "sync" else view_async)
    client = serve(api)
    text = (
        read(client.get("/api/it", headers={"X-Tenant": "red"}))
        if kind == "sync"
        else read_async(client)
    )
    assert text.count('"red ') == 4
    assert "blue" not in text
    assert '"status": 500' in text or '"status":500' in text


# ---- writes ----


class VolumeWritten(ModelSchema):
    class Meta:
        model = Volume
        fields = ["title", "writer", "editor", "labels"]
        fields_optional = ["editor", "labels"]


def body_of(owner, other, **more):
    return {
        "title": "new",
        "writer_id": owner["writers"][0].pk,
        "labels": [each.pk for each in owner["labels"]],
        **more,
    }


def test_a_key_of_another_tenant_is_answered_as_one_that_does_not_exist(ask, made):
    written = []

    def view(request, volume: VolumeWritten):
        written.append(volume)
        return {"title": volume.title}

    red, blue = made["red"], made["blue"]

    def post(**more):
        return ask(view, VolumeShown, method="post", body=body_of(red, blue, **more))

    assert post()[0] == 200
    assert len(written) == 1
    foreign = post(writer_id=blue["writers"][0].pk)
    assert foreign[0] == 409
    assert foreign == post(writer_id=987_654)
    assert foreign[1]["detail"] == "The object that writer_id refers to does not exist."
    assert post(editor_id=blue["writers"][0].pk) == post(editor_id=987_654)
    labels = post(labels=[red["labels"][0].pk, blue["labels"][0].pk])
    assert labels[0] == 409
    assert labels == post(labels=[987_654])
    assert len(written) == 1


def test_keys_are_checked_in_patches_lists_and_fields_that_say_they_are_keys(ask, made):
    class Invitation(Schema):
        writer: Annotated[int, KeyOf(Writer)]

    class Invitations(Schema):
        invited: list[Invitation]
        labels: Annotated[list[int], KeyOf(Label)] = []

    def patch(request, changes: PatchDict[VolumeWritten]):
        return changes

    def put(request, volumes: list[VolumeWritten]):
        return {"title": str(len(volumes))}

    def post(request, invitations: Invitations):
        return {"title": str(len(invitations.invited))}

    red, blue = made["red"]["writers"][0].pk, made["blue"]["writers"][0].pk
    assert ask(patch, VolumeShown, method="patch", body={"title": "a"})[0] == 200
    assert ask(patch, VolumeShown, method="patch", body={"title": "a", "editor_id": red})[0] == 200
    assert ask(patch, VolumeShown, method="patch", body={"editor_id": blue})[0] == 409
    rows = [{"title": "a", "writer_id": red, "labels": []}]
    assert ask(put, VolumeShown, method="put", body=rows)[0] == 200
    rows.append({"title": "a", "writer_id": blue, "labels": []})
    assert ask(put, VolumeShown, method="put", body=rows)[0] == 409
    body = {"invited": [{"writer": red}]}
    assert ask(post, VolumeShown, method="post", body=body)[0] == 200
    body["invited"].append({"writer": blue})
    assert ask(post, VolumeShown, method="post", body=body)[0] == 409
    body = {"invited": [], "labels": [made["blue"]["labels"][0].pk]}
    assert ask(post, VolumeShown, method="post", body=body)[0] == 409


WriterKey = Annotated[int, KeyOf(Writer)]


class KeysEverywhere(Schema):
    maybe: WriterKey | None = None
    either: WriterKey | str = "nobody"
    listed: list[WriterKey] = []
    all_listed: Annotated[list[int], KeyOf(Writer)] | None = None
    maybe_listed: list[WriterKey | None] | None = None
    named: dict[str, WriterKey] = {}
    numbered: tuple[int, WriterKey] | None = None
    many: tuple[WriterKey, ...] = ()
    below: list["KeysEverywhere"] = []


KEYS = {
    "maybe": lambda key: {"maybe": key},
    "either": lambda key: {"either": key},
    "listed": lambda key: {"listed": [key]},
    "all listed": lambda key: {"all_listed": [key]},
    "maybe listed": lambda key: {"maybe_listed": [None, key]},
    "named": lambda key: {"named": {"a": key}},
    "numbered": lambda key: {"numbered": [1_000, key]},
    "many": lambda key: {"many": [key]},
    "below": lambda key: {"below": [{"below": [{"maybe": key}]}]},
}


@pytest.mark.parametrize("name", [*KEYS])
def test_a_key_is_checked_wherever_the_type_of_a_field_says_that_it_is_one(ask, made, name):
    def view(request, body: KeysEverywhere):
        return {}

    for owner, status in (("red", 200), ("blue", 409)):
        body = KEYS[name](made[owner]["writers"][0].pk)
        assert ask(view, None, method="post", body=body)[0] == status, owner
    assert ask(view, None, method="post", body={})[0] == 200
    assert ask(view, None, method="post", body={"maybe": None, "either": "ada"})[0] == 200


def test_a_key_in_a_query_that_may_be_left_out_is_checked(ask, made):
    def view(request, writer: WriterKey = None):  # type: ignore[assignment]
        return {}

    assert ask(view, None, query="")[0] == 200
    for owner, status in (("red", 200), ("blue", 409)):
        assert ask(view, None, query=f"?writer={made[owner]['writers'][0].pk}")[0] == status


class VolumeChanged(ModelSchema):
    class Meta:
        model = Volume
        fields = ["id", "title"]


@pytest.mark.parametrize(
    "source", [EVERY_VOLUME.all, Volume.objects.all], ids=["outside", "inside"]
)
def test_rows_of_another_tenant_are_not_changed_by_their_keys(ask, made, source):
    def view(request, volumes: list[VolumeChanged]):
        return bulk_update(source(), volumes)

    red, blue = made["red"]["volumes"][0].pk, made["blue"]["volumes"][0].pk
    found = ask(view, list[VolumeShown], method="patch", body=[{"id": red, "title": "mine"}])
    assert found == (200, [{"title": "mine"}])
    for key in (blue, 987_654):
        rows = [{"id": red, "title": "no"}, {"id": key, "title": "stolen"}]
        assert ask(view, list[VolumeShown], method="patch", body=rows)[0] == 404
    assert not Volume.objects.filter(title__in=["no", "stolen"]).exists()


def test_a_view_neither_changes_nor_deletes_what_the_request_may_not_read(ask, made):
    key = made["blue"]["volumes"][0].pk

    def view(request):
        changed = Volume.objects.filter(pk=key).update(title="stolen")
        gone, _ = Volume.objects.filter(pk=key).delete()
        return {"name": "", "count": changed + gone}

    assert ask(view, Counted, method="post") == (200, {"name": "", "count": 0})

    def save(request):
        with unscoped():
            volume = Volume.objects.get(pk=key)
        volume.title = "stolen"
        with transaction.atomic():
            volume.save()

    assert ask(save, None, method="post")[0] >= 400
    assert Volume.objects.get(pk=key).title == "blue 0"


# ---- apps and checks ----


def test_an_operation_renders_what_the_request_may_read(made, rf):
    api = tenants_api()
    api.get("/it", response=list[VolumeShown])(lambda request: [])
    (operation,) = (each for each in api.operations() if each.path.endswith("/it"))
    request = rf.get("/it", headers={"X-Tenant": "blue"})
    for rendered in (
        operation.render(EVERY_VOLUME, request),
        async_to_sync(operation.arender)(EVERY_VOLUME, request),
    ):
        assert [each["title"] for each in json.loads(rendered.body)] == titles("blue")
    with pytest.raises(OutOfScope, match="pass the request"):
        operation.render(EVERY_VOLUME)


def test_a_socket_or_a_task_enters_the_scopes_by_itself(made, rf):
    api = tenants_api()
    with entered(api, rf.get("/", headers={"X-Tenant": "blue"})):
        assert Volume.objects.count() == 4
    assert Volume.objects.count() == 8


def test_the_plan_of_a_route_is_made_without_a_request(made):
    api = tenants_api()
    api.get("/it", response=list[VolumeWithLabels])(lambda request: Volume.objects.all())
    (operation,) = (each for each in api.operations() if each.path.endswith("/it"))
    (reads,) = operation.reads(Volume)
    assert reads.tier == "rows"


def test_lists_and_nested_lists_of_a_scoped_model_come_from_rows(ask, made, settings):
    settings.DEBUG = True
    ask(lambda request: Volume.objects.all(), list[VolumeWithLabels])
    assert ask.headers["X-Matt-Tier"] == "rows"


async def narrow_async(request):
    return None


def narrow_nothing():
    return None


@pytest.mark.parametrize(
    ("model", "narrow", "words"),
    [
        ("Volume", lambda request: None, "which is not a model"),
        (Volume, None, "is not callable"),
        (Volume, narrow_async, "async"),
        (Volume, narrow_nothing, "does not take the request"),
    ],
)
def test_a_wrong_scope_is_a_system_check_and_the_api_answers_nothing(serve, model, narrow, words):
    api = MattAPI(urls_namespace=f"scopes-wrong-{words}")
    api.add_scope(model, narrow)
    api.get("/it", response=list[VolumeShown])(lambda request: Volume.objects.all())
    client = serve(api)
    (error,) = check_scopes()
    assert error.id == "matt.E007"
    assert words in error.msg
    assert error.hint
    assert client.get("/api/it").status_code == 500


def test_a_scope_that_returns_something_else_is_an_error(serve, made):
    api = MattAPI(urls_namespace="scopes-odd")
    api.add_scope(Volume, lambda request: True)  # type: ignore[arg-type,return-value]
    api.get("/it", response=list[VolumeShown])(lambda request: Volume.objects.all())
    assert serve(api).get("/api/it").status_code == 500


def test_a_scope_comes_before_the_api_is_bound(serve):
    api = tenants_api()
    serve(api)
    with pytest.raises(ConfigError, match="too late"):
        api.add_scope(Volume, lambda request: None)


def test_scopes_of_one_model_must_all_be_met(serve, made):
    api = tenants_api()
    api.add_scope(Volume, lambda request: Q(title__endswith="0"))
    api.get("/it", response=list[VolumeShown])(lambda request: Volume.objects.all())
    found = serve(api).get("/api/it", headers={"X-Tenant": "red"}).json()
    assert found == [{"title": "red 0"}]


def test_a_scope_that_looks_at_a_table_asks_about_the_row_itself(serve, made):
    noted = Exists(Note.objects.filter(volume=OuterRef("pk"), text="blue note 1"))
    api = MattAPI(urls_namespace="scopes-exists")
    api.add_scope(Volume, lambda request: Q(noted))
    api.get("/list", response=list[VolumeShown])(lambda request: EVERY_VOLUME)
    api.get("/nested", response=list[ShelfShown])(lambda request: Shelf.objects.all())
    api.get("/count", response=list[Counted])(
        lambda request: Shelf.objects.annotate(count=Count("volumes"))
    )
    api.get("/inside", response=list[Counted])(
        lambda request: Shelf.objects.filter(
            Exists(EVERY_VOLUME.filter(shelf=OuterRef("pk")))
        ).annotate(count=Count("volumes", filter=Q(volumes__in=EVERY_VOLUME.order_by())))
    )
    client = serve(api)
    assert client.get("/api/list").json() == [{"title": "blue 1"}]
    (shelf,) = client.get("/api/nested").json()
    assert [each["title"] for each in shelf["volumes"]] == ["blue 1"]
    assert client.get("/api/count").json() == [{"name": "all", "count": 1}]
    assert client.get("/api/inside").json() == [{"name": "all", "count": 1}]


def writes(title):
    return Exists(Volume.objects.filter(writer=OuterRef("pk"), title__endswith=title))


# Each is true of the first writer of both tenants. None of them can be asked of a row without a subquery that names the row.
ASKING = {
    "a negated relation": lambda request: ~Q(volumes__title__endswith="1"),
    "a subquery": lambda request: Q(writes("0")),
    "no subquery": lambda request: ~Q(writes("1")),
    "a subquery in a case": lambda request: Q(Case(When(writes("0"), then=Value(True)), default=Value(False))),
    "a subquery of the same table": lambda request: Q(
        Exists(Writer.objects.filter(pk=OuterRef("pk"), name__endswith="0"))
    ),
}  # fmt: skip
EVERY_WRITER = Writer.objects.order_by("id")
EVERY_FIRST = [f"{name} {number}" for name in ("red", "blue") for number in (0, 2)]
INSIDE = {
    "in": lambda: Volume.objects.filter(writer__in=Writer.objects.all()),
    "in what was made outside": lambda: EVERY_VOLUME.filter(writer__in=EVERY_WRITER.all()),
    "exists": lambda: Volume.objects.filter(Exists(Writer.objects.filter(pk=OuterRef("writer")))),
    "two levels": lambda: Volume.objects.filter(
        pk__in=Volume.objects.filter(writer__in=Writer.objects.filter(pk__in=Writer.objects.all()))
    ),
    "joined below": lambda: Volume.objects.filter(
        pk__in=EVERY_VOLUME.filter(editor__isnull=False, writer__name__contains="writer")
    ),
    "evaluated": lambda: list(Volume.objects.filter(writer__in=Writer.objects.all())),
}


@pytest.mark.parametrize("asked", [*ASKING])
@pytest.mark.parametrize("name", [*INSIDE])
def test_a_scope_that_asks_a_subquery_is_obeyed_inside_of_other_queries(serve, made, name, asked):
    api = MattAPI(urls_namespace=f"asking-{name}-{asked}")
    api.add_scope(Writer, ASKING[asked])
    api.get("/it", response=list[VolumeShown])(given(INSIDE[name]))
    found = serve(api).get("/api/it")
    assert found.status_code == 200
    assert sorted(each["title"] for each in found.json()) == sorted(EVERY_FIRST)


def test_migrations_see_the_managers_as_they_were_written(made):
    from django.contrib.auth.models import UserManager

    from django_matt.scopes.managers import _scoped_class

    manager, same = UserManager(), UserManager()
    same.__class__ = _scoped_class(UserManager)
    assert manager == same
    assert same == manager
    assert manager.deconstruct() == same.deconstruct()


# ---- many requests ----


def test_what_is_asked_of_a_scope_is_asked_once_a_request(serve, made):
    asked = []

    def narrow(request):
        asked.append(request)
        return Q(tenant__name="red")

    api = MattAPI(urls_namespace="scopes-once")
    api.add_scope(Volume, narrow)
    api.add_scope(Writer, narrow)
    api.get("/it", response=list[VolumeWithWriter])(lambda request: list(Volume.objects.all()))
    assert len(serve(api).get("/api/it").json()) == 4
    assert len(asked) == 1


def test_kept_sql_does_not_grow_with_the_number_of_tenants(serve):
    api = tenants_api()
    api.get("/it", response=list[VolumeWithLabels])(lambda request: Volume.objects.all())
    client = serve(api)
    for number in range(20):
        Tenant.objects.create(name=str(number))
        assert client.get("/api/it", headers={"X-Tenant": str(number)}).json() == []
    (operation,) = (each for each in api.operations() if each.path.endswith("/it"))
    (row_plan,) = operation._answer.tiers[200].rows._row_plans.values()
    assert len(row_plan.cached_sql) <= 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="threads share no database in memory")
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_two_tenants_in_sixteen_threads_never_meet(serve, made, kind, settings):
    settings.MATT = {"STREAM_ROWS": 2}
    api = tenants_api()
    for name, source, response in (
        ("rows", lambda: EVERY_VOLUME, list[VolumeWithLabels]),
        ("nested", Shelf.objects.all, list[ShelfShown]),
        ("joined", lambda: Volume.objects.select_related("writer"), list[VolumeWithWriter]),
        ("loaded", lambda: list(Volume.objects.all()), list[VolumeWithEditor]),
    ):
        api.get(f"/{name}", response=response)(either(given(source), kind))
    client = serve(api)

    def ask(number):
        name, path = (
            ("red", "blue")[number % 2],
            ("rows", "nested", "joined", "loaded")[number // 2 % 4],
        )
        other = "blue" if name == "red" else "red"
        try:
            text = get(f"/api/{path}", name)
            return path, text.count(f"{name} 3") == 1, other in text
        finally:
            connections.close_all()

    def get(path, name):
        if kind == "sync":
            return read(client.get(path, headers={"X-Tenant": name}))

        async def get():
            response = await client.async_client.get(path, headers={"X-Tenant": name})
            if not response.streaming:
                return response.content.decode()
            pieces = [piece async for piece in response.streaming_content]
            return b"".join(pieces).decode()

        return async_to_sync(get)()

    with ThreadPoolExecutor(16) as threads:
        found = list(threads.map(ask, range(320)))
    assert [each for each in found if each[1:] != (True, False)] == []
    assert len(found) == 320
