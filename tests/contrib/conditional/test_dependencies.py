"""A validator made of a column says "unchanged" only where the column says all that the answer shows."""

import datetime
import itertools
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import connection
from django.db.models import DateTimeField, ExpressionWrapper, F
from django.db.models.functions import Now
from django.shortcuts import get_object_or_404
from django.test.utils import CaptureQueriesContext
from django.utils.http import http_date

from django_matt import MattAPI, ModelSchema, Schema, needs
from django_matt.contrib.conditional import check_preconditions, conditional
from tests.project.models import Author, Everything, Tag

pytestmark = pytest.mark.django_db

namespaces = (f"dependencies-{number}" for number in itertools.count())
MOMENT = datetime.datetime(2024, 2, 29, 1, 2, 3, 456000, datetime.UTC)
HOUR = datetime.timedelta(hours=1)
ROWS = conditional(last_modified="moment")


class PlainOut(ModelSchema):
    class Meta:
        model = Everything
        fields = ["id", "char", "author"]


class AuthorOut(Schema):
    name: str


class JoinedOut(Schema):
    char: str
    author: AuthorOut


class DottedOut(Schema):
    char: str
    author_name: str

    @staticmethod
    def resolve_author_name(row):
        return row.author.name


class TaggedOut(ModelSchema):
    class Meta:
        model = Everything
        fields = ["id", "tags"]


class LoudOut(Schema):
    char: str

    @staticmethod
    @needs("char")
    def resolve_char(row):
        return row.char.upper()


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def call(request, serve):
    """Serve a queryset as a list and as one object, and call it."""

    def made(schema: Any, find=lambda rows, request: rows):
        api = MattAPI(urls_namespace=next(namespaces))

        def rows(request):
            return find(Everything.objects.order_by("id"), request)

        def row(request):
            return Everything.objects.filter(char="a")

        def instance(request):
            return get_object_or_404(Everything, char="a")

        async def rows_async(request):
            return rows(request)

        async def row_async(request):
            return row(request)

        async def instance_async(request):
            return await Everything.objects.aget(char="a")

        views = [rows_async, row_async, instance_async] if made.is_async else [rows, row, instance]
        responses: list[Any] = [list[schema], schema, schema]
        for path, response, view in zip(
            ("/rows", "/row", "/instance"), responses, views, strict=True
        ):
            api.get(path, response=response)(ROWS(view))

        @api.put("/row", response=schema)
        @ROWS
        def change(request):
            row = get_object_or_404(Everything, char="a")
            check_preconditions(request, row)
            return row

        client = serve(api)

        def ask(path, method="get", **headers):
            headers = {name.replace("_", "-"): value for name, value in headers.items()}
            if made.is_async:
                return async_to_sync(getattr(client.async_client, method))(path, headers=headers)
            return getattr(client, method)(path, headers=headers)

        return ask

    made.is_async = request.param
    return made


@pytest.fixture(autouse=True)
def library():
    author = Author.objects.create(name="Ada")
    for char, hours in (("a", 1), ("b", 2)):
        row = Everything.objects.create(
            char=char, moment=MOMENT, duration=hours * HOUR, author=author
        )
        row.tags.add(Tag.objects.create(name=char))


def rename():
    Author.objects.update(name="Grace")


def untag():
    Everything.objects.get(char="a").tags.clear()


@pytest.mark.parametrize("path", ["/api/rows", "/api/row", "/api/instance"])
@pytest.mark.parametrize(
    ("schema", "change"),
    [(JoinedOut, rename), (DottedOut, rename), (TaggedOut, untag)],
    ids=["joined", "resolved", "many to many"],
)
def test_a_change_in_another_table_that_the_answer_shows_is_sent(call, path, schema, change):
    ask = call(schema)
    first = ask(path)
    assert first.status_code == 200
    assert ask(path, If_None_Match=first["ETag"]).status_code == 304
    change()
    again = ask(path, If_None_Match=first["ETag"])
    assert (again.status_code, again.json() != first.json()) == (200, True)
    assert again["ETag"] != first["ETag"]
    # Its date would tell a client that nothing has changed.
    assert "Last-Modified" not in again
    assert ask(path, If_Modified_Since=http_date(MOMENT.timestamp() + 9)).status_code == 200


@pytest.mark.parametrize(
    ("schema", "path"),
    [(PlainOut, "/api/rows"), (PlainOut, "/api/row"), (LoudOut, "/api/rows")],
    ids=["list", "object", "declared resolver"],
)
def test_columns_of_the_row_alone_cost_one_query_for_a_304(call, schema, path):
    ask = call(schema)
    tag = ask(path)["ETag"]
    with CaptureQueriesContext(connection) as queries:
        assert ask(path, If_None_Match=tag).status_code == 304
    assert len([q for q in queries if "project_everything" in q["sql"]]) == 1


def test_the_tag_of_an_answer_with_a_joined_row_allows_a_write_of_the_row(call):
    ask = call(JoinedOut)
    tag = ask("/api/row")["ETag"]
    rename()
    assert ask("/api/row", "put", If_Match=tag).status_code == 200
    Everything.objects.update(moment=MOMENT + HOUR)
    assert ask("/api/row", "put", If_Match=tag).status_code == 412


ENDS = ExpressionWrapper(F("moment") + F("duration"), output_field=DateTimeField())


def by_the_clock(rows, request):
    now = MOMENT + float(request.headers["X-Hours"]) * HOUR
    return rows.annotate(ends=ENDS).filter(ends__gt=now, ends__lte=now + HOUR)


def test_a_list_filtered_by_the_clock_is_sent_when_the_clock_finds_other_rows(call):
    ask = call(PlainOut, by_the_clock)
    first = ask("/api/rows", X_Hours="0.5")
    assert [row["char"] for row in first.json()] == ["a"]
    # The clock goes on, and finds the same.
    again = ask("/api/rows", X_Hours="0.6", If_None_Match=first["ETag"])
    assert again.status_code == 304
    later = ask("/api/rows", X_Hours="1.5", If_None_Match=first["ETag"])
    assert (later.status_code, [row["char"] for row in later.json()]) == (200, ["b"])
    assert "Last-Modified" not in later


@pytest.mark.parametrize(
    "find",
    [
        lambda rows, request: rows.filter(moment__lt=Now()),
        lambda rows, request: rows.order_by("?"),
        lambda rows, request: rows.order_by("author__name", "id"),
        lambda rows, request: rows.filter(author__name__gt="A"),
        lambda rows, request: rows.filter(author__in=Author.objects.filter(name__gt="A")),
        lambda rows, request: [{"id": 1, "char": "a", "author_id": 1, "moment": MOMENT}],
    ],
    ids=["now", "random", "order of a join", "filter of a join", "subquery", "dictionaries"],
)
def test_a_list_that_its_own_rows_do_not_decide_is_hashed(call, find):
    answer = call(PlainOut, find)("/api/rows")
    assert answer.status_code == 200
    assert answer["ETag"].startswith('"')
    assert "Last-Modified" not in answer


def test_what_a_queryset_joins_and_its_schema_does_not_read_is_no_part_of_the_answer(call):
    answer = call(PlainOut, lambda rows, request: rows.select_related("author"))("/api/rows")
    assert answer["ETag"].startswith('W/"')
