"""COPY: exports have the values of the CSV format, imports write all rows or none."""

import csv
import json
import socket
import tracemalloc
from contextlib import contextmanager
from datetime import UTC, datetime, time
from io import StringIO
from typing import Any

import pytest
from django.contrib.postgres import fields as pg
from django.db import connection, models
from django.db.models import F, Q
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ninja.orm import create_schema
from psycopg.types.range import Range

from django_matt import Schema
from django_matt.contrib.postgres.exports import acopy_out, copy_out
from django_matt.contrib.postgres.imports import acopy_in, copy_in
from django_matt.contrib.postgres.timeouts import statement_timeout
from django_matt.formats.csv import read_rows
from tests.project.models import Author, Everything

from .conftest import caller, new_api, postgres

pytestmark = [postgres, pytest.mark.django_db(transaction=True)]

TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
RISKY = st.sampled_from(["=1+1", "'=1", "-2", "\tx", "\uff1dx", "a,b", 'a"b', "a\r\nb", " ", "''+"])
WORDS = TEXTS | RISKY
JSONS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e9, 1e9) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
EVERYTHING = st.fixed_dictionaries(
    {
        "big": st.integers(-(2**63), 2**63 - 1),
        "boolean": st.booleans(),
        "maybe": st.booleans() | st.none(),
        "char": WORDS,
        "date": st.dates(),
        "moment": st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))
        | st.just(datetime(2026, 1, 1, 1, 2, 3, 400, tzinfo=UTC)),
        "decimal": st.decimals(-99999999, 99999999, places=4),
        "float": st.floats(),
        "address": st.ip_addresses().map(str).filter(lambda text: "::ffff" not in text),
        "document": JSONS.filter(lambda value: value is not None),
        "text": WORDS,
        "time": st.times() | st.just(time(1, 2, 3, 400)),
        "uuid": st.uuids(),
    }
)
FIELDS = [
    *("id", "big", "boolean", "maybe", "char", "date", "moment", "decimal", "email", "path"),
    *("float", "address", "integer", "document", "positive_big", "positive", "positive_small"),
    *("slug", "small", "text", "time", "url", "uuid", "colour", "level", "author"),
]


def parsed(body: bytes) -> list[dict[str, Any]]:
    """Return the rows as a client of our CSV reads them, with JSON and numbers parsed."""
    return [
        {name: _value(name, text) for name, text in row.items()}
        for row in read_rows(StringIO(body.decode(), newline=""))
    ]


def _value(name: str, text: str) -> Any:
    try:
        return (
            json.loads(text) if name in {"float", "document", "ids", "names", "numbers"} else text
        )
    except ValueError:
        return text


def body_of(response: Any) -> bytes:
    return b"".join(response) if response.streaming else response.content


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(rows=st.lists(EVERYTHING, min_size=1, max_size=5))
def test_an_export_has_the_values_of_the_csv_format(serve, rows):
    Everything.objects.all().delete()
    Everything.objects.bulk_create([Everything(**row) for row in rows])
    schema = create_schema(Everything, name="ExportedThing", fields=FIELDS)
    api = new_api()
    queryset = Everything.objects.order_by("pk")

    @api.get("/csv", response=list[schema])  # type: ignore[valid-type]
    def by_format(request):
        return queryset.all()

    @api.get("/copy")
    def by_copy(request):
        return copy_out(queryset.all(), schema)

    client = serve(api)
    expected = parsed(body_of(client.get("/api/csv", headers={"Accept": "text/csv"})))
    answer = client.get("/api/copy")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    body = answer.getvalue()
    assert len(body) == int(answer.headers["Content-Length"])
    assert parsed(body) == expected
    # No cell of text begins a formula.
    for row in csv.DictReader(StringIO(body.decode(), newline="")):
        assert row["char"][:1] not in {*"=+-@\t\r\n"} - {""}


@pytest.fixture
def shelves(make_table: Any) -> Any:
    class Shelf(models.Model):
        code = models.CharField(max_length=9, unique=True)
        size = models.IntegerField(default=7)
        price = models.DecimalField(max_digits=6, decimal_places=2, null=True)
        author = models.ForeignKey(Author, models.CASCADE, null=True, related_name="+")
        ids = pg.ArrayField(models.IntegerField(), default=list)
        names = pg.ArrayField(models.CharField(max_length=9), default=list)
        numbers = pg.IntegerRangeField(null=True)
        at = pg.ArrayField(models.DateTimeField(), default=list)
        made = models.DateTimeField(auto_now_add=True)

        class Meta:
            app_label = "project"
            constraints = [models.CheckConstraint(condition=Q(size__gte=0), name="matt_shelf_size")]

    return make_table(Shelf)


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_arrays_ranges_and_annotations_are_exported(serve, shelves, kind):
    shelves.objects.create(code="a", size=3, ids=[1, 2], names=["=x", "ä,"], numbers=Range(1, 5))
    shelves.objects.create(code="b")
    model = create_schema(shelves, name="ShelfRow", fields=["code", "ids", "names", "numbers"])

    class ShelfOut(model):  # type: ignore[valid-type]
        twice: int

    api, rows = new_api(), shelves.objects.annotate(twice=F("size") * 2).order_by("code")
    if kind == "sync":

        @api.get("/copy")
        def export(request):
            return copy_out(rows.all(), ShelfOut, filename="shelves.csv")
    else:

        @api.get("/copy")
        async def export(request):
            return await acopy_out(rows.all(), ShelfOut, filename="shelves.csv")

    answer = caller(serve(api), kind)("get", "/api/copy")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="shelves.csv"'
    body = answer.getvalue() if kind == "sync" else _joined(answer)
    assert parsed(body) == [
        {
            "code": "a",
            "ids": [1, 2],
            "names": ["=x", "ä,"],
            "numbers": {"lower": 1, "upper": 5, "bounds": "[)"},
            "twice": "6",
        },
        {"code": "b", "ids": [], "names": [], "numbers": "", "twice": "14"},
    ]


def _joined(answer: Any) -> bytes:
    from asgiref.sync import async_to_sync

    async def read() -> bytes:
        return b"".join([block async for block in answer])

    return async_to_sync(read)()


def test_an_export_that_could_differ_is_refused(shelves):
    refused = {
        "binary": "needs pydantic",
        "duration": "DurationField",
        "file": "FileField",
    }
    for field, reason in refused.items():
        schema = create_schema(Everything, name=f"Refused{field}", fields=[field])
        with pytest.raises(TypeError, match=reason):
            copy_out(Everything.objects.all(), schema)
    with pytest.raises(TypeError, match="ArrayField"):
        copy_out(shelves.objects.all(), create_schema(shelves, name="RefusedAt", fields=["at"]))

    class AuthorShout(Schema):
        shout: str

    class BossedAuthor(Schema):
        boss: AuthorShout

    class PriceNeeded(Schema):
        price: float

    for rows, schema, reason in (
        (Author.objects.all(), AuthorShout, "no column"),
        (Author.objects.all(), BossedAuthor, "written differently"),
        (shelves.objects.all(), PriceNeeded, "written differently"),
        (Author.objects.distinct(), AuthorShout, "distinct"),
    ):
        with pytest.raises(TypeError, match=reason):
            copy_out(rows, schema)


class AuthorCells(Schema):
    id: int
    name: str


def test_a_scope_and_a_time_limit_apply_to_an_export(serve):
    Author.objects.create(name="mine")
    Author.objects.create(name="other")
    api = new_api()
    api.add_scope(Author, lambda request: Q(name="mine"))
    rows = Author.objects.order_by("pk")

    @api.get("/copy")
    def export(request):
        return copy_out(rows, AuthorCells)

    @api.get("/slow")
    @statement_timeout(100)
    def slow(request):
        sleeps = models.Func(models.Value(30), function="pg_sleep", output_field=models.TextField())
        return copy_out(rows.annotate(slept=sleeps).filter(slept__isnull=False), AuthorCells)

    client = serve(api)
    assert [row["name"] for row in parsed(client.get("/api/copy").getvalue())] == ["mine"]
    assert client.get("/api/slow").status_code == 503


def test_an_empty_queryset_has_a_header(serve):
    assert copy_out(Author.objects.none(), AuthorCells).getvalue() == b"id,name\r\n"


@pytest.mark.exhaustive
def test_a_large_export_stays_in_a_file(serve):
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO project_author (name) SELECT repeat('x', 60) || n FROM generate_series(1, 200000) n"
        )
    tracemalloc.start()
    try:
        size = sum(map(len, copy_out(Author.objects.all(), AuthorCells)))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert size > 14_000_000
    assert peak < 8 * 1024 * 1024


# Imports


@contextmanager
def importing(serve: Any, shelves: Any, kind: str = "sync", **options: Any) -> Any:
    """Serve an import; yield what sends a body to it and returns the response."""
    schema = create_schema(shelves, name="ShelfIn", fields=["code", "size", "price", "author"])
    api = new_api()
    if kind == "sync":

        @api.post("/import")
        def load(request):
            return {"rows": copy_in(request, shelves, schema, **options)}
    else:

        @api.post("/import")
        async def load(request):
            return {"rows": await acopy_in(request, shelves, schema, **options)}

    call = caller(serve(api), kind)

    def send(body: str | bytes, content_type: str = "text/csv", **headers: str) -> Any:
        return call("post", "/api/import", data=body, content_type=content_type, headers=headers)

    yield send


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_rows_are_imported_with_the_defaults_of_the_model(serve, shelves, kind):
    author = Author.objects.create(name="Jane")
    with importing(serve, shelves, kind) as send:
        answer = send(f"\ufeffcode,size,price,author_id\r\na,1,2.50,{author.pk}\r\n'=b,2,,\r\n")
        assert (answer.status_code, answer.json()) == (200, {"rows": 2}), answer.content
        answer = send('{"code": "c"}\n\n{"code": "d", "price": null}\n', "application/jsonl")
        assert (answer.status_code, answer.json()) == (200, {"rows": 2}), answer.content
    stored = shelves.objects.order_by("code").values_list("code", "size", "price", "author")
    found = [
        (code, size, None if price is None else str(price), key)
        for code, size, price, key in stored
    ]
    assert found == [
        ("=b", 2, None, None),
        ("a", 1, "2.50", author.pk),
        ("c", 7, None, None),
        ("d", 7, None, None),
    ]
    assert all(each.made and each.ids == [] for each in shelves.objects.all())


def test_rows_that_exist_are_updated_or_left_out(serve, shelves):
    shelves.objects.create(code="a", size=1, price=1)
    with importing(serve, shelves, unique=["code"]) as send:
        assert send("code,size\na,5\nb,6\n").json() == {"rows": 1}
    with importing(serve, shelves, unique=["code"], update=["size"]) as send:
        assert send("code,size\na,9\nc,8\n").json() == {"rows": 2}
        answer = send("code,size\na,1\nd,1\na,2\n")
        assert answer.status_code == 409
        assert answer.json()["detail"][0]["loc"] == ["body", 2]
    assert dict(shelves.objects.values_list("code", "size")) == {"a": 9, "b": 6, "c": 8}
    assert shelves.objects.get(code="a").price == 1


REFUSED = [
    ("code,size\na,1\nb,x\n", 422, ["body", 1, "size"]),
    ("code,size\na,1\nb,2147483648\n", 422, ["body", 1, "size"]),
    ("code,size\na,1\nb,2\nb,3\n", 409, ["body", 2, "code"]),
    ("code,size\nnew,1\ntaken,2\n", 409, ["body", 1, "code"]),
    ("code,size\na,1\nb,-1\nc,2\n", 422, ["body", 1, "size"]),
    ("code,author_id\na,\nb,4711\n", 409, ["body", 1, "author"]),
]


def test_a_refused_row_is_named_by_its_number_and_nothing_is_written(serve, shelves):
    shelves.objects.create(code="taken")
    with importing(serve, shelves) as send:
        for body, status, place in REFUSED:
            answer = send(body)
            assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (status, place), (
                answer.content
            )
    assert shelves.objects.count() == 1


UNREADABLE = [
    ("size\n1\n", "text/csv", {}, 422),
    ("code,size\na\n", "text/csv", {}, 400),
    ('code,size\n"a,1\n', "text/csv", {}, 400),
    ("code,code\na,b\n", "text/csv", {}, 400),
    ("code\na\0\n", "text/csv", {}, 400),
    (b"code\n\xff\n", "text/csv", {}, 400),
    ("code\n" + "x" * (1024 * 1024 + 1), "text/csv", {}, 413),
    ("{", "application/jsonl", {}, 400),
    ('{"code": "a\\u0000"}', "application/jsonl", {}, 400),
    ("code\na\n", "text/csv", {"Content-Encoding": "gzip"}, 415),
    ("code\na\n", "text/plain", {}, 415),
    ("code\na\nb\nc\n", "text/csv", {}, 413),
]


def test_what_is_no_import_is_refused(serve, shelves, settings):
    settings.MATT_POSTGRES = {"MAX_IMPORT_ROWS": 2}
    with importing(serve, shelves) as send:
        for body, kind, headers, status in UNREADABLE:
            answer = send(body, kind, **headers)
            assert answer.status_code == status, (body[:40], answer.content)
        assert send("code\n").json() == {"rows": 0}
    assert not shelves.objects.exists()


def test_a_client_that_disconnects_writes_nothing(serve, shelves, live_server, settings):
    with importing(serve, shelves):
        host, port = live_server.thread.host, live_server.thread.port
        with socket.create_connection((host, port), timeout=30) as client:
            head = f"POST /api/import HTTP/1.1\r\nHost: {host}\r\nContent-Type: text/csv\r\nContent-Length: 900000\r\n\r\n"
            rows = "".join(f"code{number},1\n" for number in range(3_000))
            client.sendall(f"{head}code,size\n{rows}".encode())
            client.shutdown(socket.SHUT_WR)
            answer = b"".join(iter(lambda: client.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 400"), answer[:300]
    assert not shelves.objects.exists()


def test_a_field_that_is_no_column_is_a_mistake_in_the_code(rf, shelves):
    class Unknown(Schema):
        colour: str

    with pytest.raises(TypeError, match="no column colour"):
        copy_in(rf.post("/"), shelves, Unknown)
