"""Ninja's ``CursorPagination`` on MattAPI: every row once, in both directions, and no cursor that is a 500."""

import datetime
from base64 import b64encode
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.db.models import F, Value
from django.db.models.functions import Coalesce
from ninja.pagination import CursorPagination
from ninja.pagination import paginate as ninja_paginate

from django_matt import MattAPI, Schema
from tests.project.models import Author, Everything, Keyed

pytestmark = pytest.mark.django_db(transaction=True)


class Out(Schema):
    pk: Any


def fill() -> None:
    authors = [Author.objects.create(name=name) for name in ("Ada", "Bob", "Cid")]
    Everything.objects.bulk_create(
        Everything(
            maybe=[None, True, False, None][n % 4],
            author=[None, *authors][n % 4],
            char=f"c{n % 3}",
            decimal=Decimal(n % 5) / 4,
            float=(n % 6) / 10,
            duration=datetime.timedelta(days=n % 3 - 1, seconds=n % 2, microseconds=n % 2),
            moment=datetime.datetime(2024, 2, 29, 12, n % 4, 0, n % 2, tzinfo=datetime.UTC),
            address=f"10.0.0.{n % 3}",
        )
        for n in range(23)
    )


def build(queryset: Any, ordering: tuple[str, ...], *, is_async: bool = False, **options: Any):
    api = MattAPI()

    if is_async:

        @api.get("/it", response=list[Out])
        @ninja_paginate(CursorPagination, ordering=ordering, **options)
        async def it(request):
            return queryset.all()

    else:

        @api.get("/it", response=list[Out])
        @ninja_paginate(CursorPagination, ordering=ordering, **options)
        def it(request):
            return queryset.all()

    return api


def walk(client: Any, link: str, follow: str) -> tuple[list[list[Any]], str]:
    """Return the keys on every page that a link leads to, and the last page's link."""
    pages = []
    url: str | None = link
    while url is not None:
        answer = client.get(url)
        assert answer.status_code == 200, answer.content
        page = answer.json()
        pages.append([row["pk"] for row in page["results"]])
        assert len(pages) < 200
        last, url = url, page[follow]
    return pages, last


ORDERINGS: list[tuple[str, ...]] = [
    ("maybe",),
    ("-maybe",),
    ("author_id",),
    ("-author_id", "char"),
    ("author__name", "-char"),
    ("author",),
    ("-author", "char"),
    ("-char", "maybe"),
    ("decimal",),
    ("-float",),
    ("duration",),
    ("-moment", "-maybe"),
    ("address",),
    ("-pk",),
    ("-uuid",),
    ("known",),
    ("-nothing",),
]


@pytest.mark.parametrize("ordering", ORDERINGS, ids=",".join)
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_pages_show_every_row_once_in_both_directions(serve, ordering, is_async):
    fill()
    queryset = Everything.objects.annotate(known=Coalesce("maybe", Value(True)), nothing=F("maybe"))
    client = serve(build(queryset, ordering, is_async=is_async, page_size=4))
    forwards, last = walk(client, "/api/it", "next")
    seen = [key for page in forwards for key in page]
    tie = "-pk" if ordering[-1].startswith("-") else "pk"
    assert seen == list(queryset.order_by(*ordering, tie).values_list("pk", flat=True))
    backwards, first = walk(client, last, "previous")
    assert [key for page in reversed(backwards) for key in page] == seen
    assert [key for page in walk(client, first, "next")[0] for key in page] == seen


@pytest.mark.parametrize("ordering", ["note", "-note"])
def test_more_equal_rows_than_ninja_counts_are_all_shown(serve, ordering):
    Keyed.objects.bulk_create(Keyed(note=None if n % 3 else "same") for n in range(330))
    client = serve(build(Keyed.objects, (ordering,), page_size=40))
    pages, last = walk(client, "/api/it", "next")
    seen = [key for page in pages for key in page]
    assert len(seen) == len(set(seen)) == 330
    assert [key for page in reversed(walk(client, last, "previous")[0]) for key in page] == seen


def test_a_row_that_is_added_or_removed_meanwhile_moves_no_other(serve):
    fill()
    client = serve(build(Everything.objects, ("maybe",), page_size=5))
    first = client.get("/api/it").json()
    Everything.objects.filter(pk__in=[row["pk"] for row in first["results"]]).delete()
    rest = [key for page in walk(client, first["next"], "next")[0] for key in page]
    assert sorted(rest) == sorted(Everything.objects.values_list("pk", flat=True))


def encode(**members: Any) -> str:
    return b64encode(urlencode(members).encode()).decode()


def test_a_cursor_that_ninja_made_is_still_good(serve):
    fill()
    client = serve(build(Everything.objects, ("char",), page_size=5))
    rows = list(Everything.objects.filter(char__gte="c1").order_by("char", "pk"))
    answer = client.get("/api/it", {"cursor": encode(p="c1", o=2)})
    assert [row["pk"] for row in answer.json()["results"]] == [row.pk for row in rows[2:7]]


WRONG: dict[str, list[str]] = {
    "integer": ["notint", "1.5", "", str(2**63), "9" * 5_000, "None", "1\0"],
    "big": [str(-(2**63) - 1)],
    "moment": ["now", "2024-13-01", "2024-01-01 10:00", "0001-01-01 00:00:00+14:00\0", "12"],
    "date": ["x", "2024-02-30", "0"],
    "time": ["25:00", "x"],
    "duration": ["x", "999999999999 days"],
    "decimal": ["x", "NaN", "Infinity", "1e999999", "1" * 40],
    "float": ["x", "nan", "inf", "1e999"],
    "uuid": ["x", "0" * 31],
    "boolean": ["maybe", "2"],
    "address": ["x", "1.2.3.4.5", "::g"],
    "text": ["a\0b"],
    "author_id": ["x", str(2**64)],
    "author__name": ["a\0b"],
}


@pytest.mark.parametrize("column", WRONG)
def test_a_position_that_does_not_fit_its_column_is_refused(serve, column):
    fill()
    client = serve(build(Everything.objects, (column,)))
    for text in WRONG[column]:
        answer = client.get("/api/it", {"cursor": encode(p=text)})
        assert answer.status_code == 422, (text, answer.content)
        assert answer.json()["detail"][0]["type"] == "cursor_invalid"


@pytest.mark.parametrize(
    "position",
    [
        "\0",
        "\0{}",
        "\0[]",
        '\0["1"]',
        '\0["1",2]',
        '\0["1",{}]',
        '\0["1","2","3"]',
        '\0["1",null]',
        '\0["\\ud800","1"]',
        "\0" + "[" * 9_000,
        "\0null",
    ],
)
def test_a_forged_position_is_refused(serve, position):
    fill()
    client = serve(build(Everything.objects, ("char",)))
    answer = client.get("/api/it", {"cursor": encode(p=position)})
    assert answer.status_code == 422, answer.content
    assert answer.json()["detail"][0]["loc"] == ["query", "cursor"]


def test_a_class_that_finds_its_positions_itself_keeps_them(serve):
    fill()

    class ByChar(CursorPagination):
        def _get_position(self, item):
            return item.char

    api = MattAPI()

    @api.get("/it", response=list[Out])
    @ninja_paginate(ByChar, ordering=("char",), page_size=5)
    def it(request):
        return Everything.objects.all()

    link = serve(api).get("/api/it").json()["next"]
    (cursor,) = parse_qs(urlsplit(link).query)["cursor"]
    assert ByChar.Cursor.from_encoded_param(cursor).p == "c0"
