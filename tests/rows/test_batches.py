"""Long lists in parts: the same answer as in one piece, whatever writes it, in constant memory."""

import csv
import gzip
import io
import json
import logging
from decimal import Decimal
from typing import Annotated, Any

import pytest
from annotated_types import MaxLen, MinLen
from asgiref.sync import async_to_sync
from django.db import connection
from django.db.models import F, Value
from django.http import HttpResponse
from django.middleware.gzip import GZipMiddleware
from django.test.utils import CaptureQueriesContext
from ninja import Schema, Status
from ninja.pagination import paginate
from pydantic import ConfigDict, computed_field

from django_matt import MattAPI
from django_matt.formats.json import JSON
from django_matt.formats.streams import BrokenStream
from django_matt.rows import batches as streams
from tests.project.models import Author, Book, Everything, Seat, Tag
from tests.rows.test_rows import BookOut, EverythingOut

pytestmark = pytest.mark.django_db
ROWS = 7


@pytest.fixture(autouse=True)
def few(settings, monkeypatch):
    """Stream from four rows on, three at a time."""
    settings.MATT = {"STREAM_ROWS": 3}
    settings.DEBUG = True
    monkeypatch.setattr(streams, "BATCH", 3)


@pytest.fixture
def books():
    tags = [Tag.objects.create(name=f"t{index}") for index in range(3)]
    author = Author.objects.create(name="Ada")
    for number in range(ROWS):
        editor = author if number % 2 else None
        # One or none: the order of several is nobody's, and PostgreSQL's changes with its plan.
        Book.objects.create(title=f"=B{number}", author=author, editor=editor).tags.set(
            tags[number % 4 : number % 4 + 1]
        )


class Loud(Schema):
    title: str
    shout: str

    @staticmethod
    def resolve_shout(book, context):
        return book.title.upper() + context["request"].method


class Short(Schema):
    id: int
    title: str


def every():
    return Book.objects.order_by("id")


def routes(api, response, make):
    @api.get("/sync", response=response)
    def in_sync(request):
        return make()

    @api.get("/async", response=response)
    async def in_async(request):
        return make()


@pytest.fixture(params=["/api/sync", "/api/async"])
def path(request):
    return request.param


@pytest.fixture(params=["wsgi", "asgi"])
def get(request, serve, path):
    """Return ``get(response, make, **request)``: the answer to a list, by each kind of route and server."""

    def send(response, make, method="get", middleware=None, **more) -> Any:
        api = MattAPI()
        routes(api, response, make)
        client = serve(api)
        client.raise_request_exception = client.async_client.raise_request_exception = True
        if request.param == "wsgi":
            return getattr(client, method)(path, **more)
        return async_to_sync(getattr(client.async_client, method))(path, **more)

    return send


def chunks(answer) -> list[bytes]:
    if not answer.is_async:
        return list(answer.streaming_content)

    async def read():
        return [chunk async for chunk in answer.streaming_content]

    found: list[bytes] = async_to_sync(read)()
    return found


def body(answer) -> bytes:
    return b"".join(chunks(answer)) if answer.streaming else answer.content


@pytest.mark.parametrize(
    ("response", "tier"),
    [(list[BookOut], "rows, streamed"), (list[Loud], "pydantic, streamed")],
)
def test_it_is_what_it_would_be_in_one_piece(get, books, settings, response, tier):
    answer = get(response, every)
    assert answer.headers["X-Matt-Tier"].startswith(tier)
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert "Content-Length" not in answer.headers
    assert "Accept" in answer.headers["Vary"]
    pieces = chunks(answer)
    assert len(pieces) == 4
    settings.MATT = {"STREAM_ROWS": None}
    whole = get(response, every)
    assert not whole.streaming
    assert b"".join(pieces) == whole.content


def test_instances_stream_where_rows_are_closed(get, books, settings):
    def make():
        return every().only("title")

    answer = get(list[BookOut], make)
    assert answer.headers["X-Matt-Tier"].startswith("instances, streamed; the view chose columns")
    streamed = json.loads(body(answer))
    settings.MATT = {"STREAM_ROWS": None}
    assert streamed == get(list[BookOut], make).json()


def test_dictionaries_stream(get, books):
    answer = get(list[Short], lambda: every().values("id", "title"))
    assert answer.headers["X-Matt-Tier"].startswith("instances, streamed")
    assert len(json.loads(body(answer))) == ROWS


@pytest.mark.parametrize("response", [list[BookOut], list[Loud]])
@pytest.mark.parametrize("kind", ["application/jsonl", "application/x-ndjson"])
def test_lines(get, books, settings, response, kind):
    answer = get(response, every, headers={"accept": kind})
    assert answer.streaming
    assert answer.headers["Content-Type"] == "application/jsonl; charset=utf-8"
    lines = body(answer)
    assert lines.endswith(b"\n")
    settings.MATT = {"STREAM_ROWS": None}
    whole = get(response, every, headers={"accept": kind})
    assert whole.content == lines
    assert [json.loads(line) for line in lines.splitlines()] == get(response, every).json()


@pytest.mark.parametrize("response", [list[BookOut], list[Loud]])
def test_csv_has_one_header_and_no_formula(get, books, settings, response):
    answer = get(response, every, headers={"accept": "text/csv"})
    assert answer.streaming
    rows = cells(body(answer))
    assert [row["title"] for row in rows] == [f"'=B{number}" for number in range(ROWS)]
    settings.MATT = {"STREAM_ROWS": None}
    assert cells(get(response, every, headers={"accept": "text/csv"}).content) == rows


def cells(table):
    """Return the rows of a CSV, the tags of each in order: no query asks for one."""
    rows = list(csv.DictReader(io.StringIO(table.decode())))
    for row in rows:
        if "tags" in row:
            row["tags"] = sorted(json.loads(row["tags"]), key=str)
    return rows


def test_a_page_of_lines_and_of_anything_else(get, books):
    answer = get(list[int], lambda: [1, 2], headers={"accept": "application/jsonl"})
    assert answer.content == b"1\n2\n"
    assert get(int, lambda: 1, headers={"accept": "application/jsonl"}).status_code == 406


def test_the_columns_of_csv_are_those_of_the_schema(get, books):
    class Named(Schema):
        model_config = ConfigDict(extra="ignore")
        title: str
        editor_id: int | None

        @computed_field
        def twice(self) -> str:
            return self.title * 2

    answer = get(list[Named], every, headers={"accept": "text/csv"})
    assert body(answer).splitlines()[0] == b"title,editor_id,twice"


def test_short_lists_are_answered_in_one_piece_by_one_query(get, books):
    for make in (lambda: every()[:3], lambda: every().filter(title__in=["=B1", "=B2", "=B3"])):
        with CaptureQueriesContext(connection) as caught:
            answer = get(list[Short], make)
        assert not answer.streaming
        assert len(answer.json()) == 3
        assert len(caught) == 1


def test_the_slice_that_the_view_took_stays(get, books):
    answer = get(list[Short], lambda: every()[1:6])
    assert [row["title"] for row in json.loads(body(answer))] == [f"=B{n}" for n in range(1, 6)]


def test_a_long_list_is_not_counted(serve, books):
    api = MattAPI()
    routes(api, list[BookOut], every)
    client = serve(api)
    with CaptureQueriesContext(connection) as caught:
        json.loads(body(client.get("/api/sync")))
    lists = [query for query in caught.captured_queries if 'FROM "project_book"' in query["sql"]]
    assert len(lists) == 2
    assert not any("COUNT" in query["sql"] for query in lists)


def test_what_is_evaluated_already_does_not_stream(get, books):
    evaluated = every()
    assert len(evaluated) == ROWS
    assert not get(list[Short], lambda: evaluated).streaming
    assert not get(list[Short], lambda: list(evaluated)).streaming


def test_what_is_no_plain_list_does_not_stream(get, books):
    class Open(Schema):
        model_config = ConfigDict(extra="allow")
        title: str

    for response in (Annotated[list[Short], MaxLen(100)], list[Open], list[Short | BookOut]):
        assert not get(response, every).streaming
    union = get(list[Short], lambda: Book.objects.filter(id__gt=0).union(Book.objects.filter(id=0)))
    assert not union.streaming
    assert len(union.json()) == ROWS


def test_pages_do_not_stream(serve, books):
    api = MattAPI()

    @api.get("/page", response=list[Short])
    @paginate
    def page(request):
        return every()

    answer = serve(api).get("/api/page")
    assert not answer.streaming
    assert len(answer.json()["items"]) == ROWS


@pytest.mark.parametrize("kind", ["application/yaml", "application/xml"])
def test_other_formats_come_in_one_piece(get, books, kind):
    assert not get(list[Short], every, headers={"accept": kind}).streaming


def test_a_format_of_the_project_s_own_comes_in_one_piece(serve, books):
    class Pretty(JSON):
        name = "pretty"
        media_type = "application/vnd.pretty+json"

        def dump(self, data):
            return json.dumps(data, indent=1).encode()

    api = MattAPI(formats=["json", Pretty()])
    routes(api, list[Short], every)
    answer = serve(api).get("/api/sync?format=pretty")
    assert answer.content.startswith(b"[\n {")


def test_nothing_acceptable_is_a_406(get, books):
    assert get(list[Short], every, headers={"accept": "image/png"}).status_code == 406


def test_head_reads_nothing(get, books):
    answer = get(list[Short], every, method="head")
    assert answer.status_code == 200
    assert body(answer) == b""


def test_status_headers_and_cookies_of_the_view_stay(serve, books):
    api = MattAPI()

    @api.get("/list", response={202: list[Short]})
    def show(request, response: HttpResponse):
        response["X-Seen"] = "yes"
        response.set_cookie("seen", "1")
        return Status(202, every())

    answer = serve(api).get("/api/list")
    assert (answer.status_code, answer["X-Seen"]) == (202, "yes")
    assert answer.cookies["seen"].value == "1"
    assert len(json.loads(body(answer))) == ROWS


def test_it_is_compressed(get, books, settings):
    settings.MIDDLEWARE = [f"{GZipMiddleware.__module__}.GZipMiddleware", *settings.MIDDLEWARE]
    answer = get(list[Short], every, headers={"accept-encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(json.loads(gzip.decompress(body(answer)))) == ROWS


class TestValuesThatDoNotFitTheRows:
    """A batch of rows that cannot be written as they are is written from instances; the stream goes on."""

    def spoil(self, *numbers):
        """Put a moment with a zone there, which SQLite alone holds and no writer of raw rows takes."""
        if connection.vendor != "sqlite":
            pytest.skip("PostgreSQL's columns hold what their type says")
        ids = list(Everything.objects.order_by("id").values_list("id", flat=True))
        with connection.cursor() as cursor:
            for number in numbers:
                cursor.execute(
                    "UPDATE project_everything SET moment = '2024-02-29 00:00:00+01:00' WHERE id = %s",
                    [ids[number]],
                )

    @pytest.mark.parametrize("kind", ["application/json", "application/jsonl", "text/csv"])
    def test_the_stream_goes_on(self, get, settings, kind):
        for number in range(10):
            Everything.objects.create(integer=number)
        self.spoil(4, 9)

        def make():
            return Everything.objects.order_by("-integer").reverse()

        answer = get(list[EverythingOut], make, headers={"accept": kind})
        assert answer.headers["X-Matt-Tier"] == "rows, streamed"
        with CaptureQueriesContext(connection) as caught:
            streamed = body(answer)
        assert len(caught) == 3  # the list, and the instances of two batches
        settings.MATT = {"STREAM_ROWS": None}
        assert get(list[EverythingOut], make, headers={"accept": kind}).content == streamed


class Numbered(Schema):
    row: int
    number: Decimal


def test_rows_with_a_key_of_several_columns_stream_from_instances(get):
    for number in range(8):
        Seat.objects.create(row=number % 3, number=number)
    answer = get(list[Numbered], lambda: Seat.objects.order_by("-number"))
    assert json.loads(body(answer)) == [
        {"row": number % 3, "number": str(number)} for number in range(7, -1, -1)
    ]


class TestJoinedRows:
    def test_rows_of_one_key_stay_apart(self, get, books, settings):
        class Tagged(Schema):
            title: str
            tag: str | None

        def make():
            return Book.objects.annotate(tag=F("tags__name")).order_by("id", "tag")

        answer = get(list[Tagged], make)
        assert answer.headers["X-Matt-Tier"].startswith("instances, streamed; joined rows")
        streamed = json.loads(body(answer))
        settings.MATT = {"STREAM_ROWS": None}
        whole = get(list[Tagged], make)
        assert whole.headers["X-Matt-Tier"] == "rows"
        assert streamed == whole.json()

    def test_annotations_of_the_row_alone_keep_the_rows(self, get, books):
        class Marked(Schema):
            title: str
            mark: int

        answer = get(list[Marked], lambda: every().annotate(mark=Value(1)))
        assert answer.headers["X-Matt-Tier"] == "rows, streamed"
        assert len(json.loads(body(answer))) == ROWS


class Fussy(Schema):
    title: str

    @staticmethod
    def resolve_title(book):
        if book.title == "=B5":
            raise RuntimeError("five is out")
        return book.title


class Fussier(Schema):
    title: str

    @staticmethod
    def resolve_title(book):
        if book.title == "=B1":
            raise RuntimeError("one is out")
        return book.title


class Spelled(Schema):
    title: Annotated[str, MinLen(4)]


class TestErrorsInTheFirstRows:
    """They are found before the status is sent, so that the answer is an error as any other."""

    @pytest.mark.parametrize("kind", ["application/json", "application/jsonl", "text/csv"])
    @pytest.mark.parametrize("response", [list[Fussier], list[Spelled]])
    def test_the_status_is_that_of_the_error(self, serve, path, books, caplog, response, kind):
        caplog.set_level(logging.CRITICAL, "django.request")
        api = MattAPI()
        routes(api, response, every)
        client = serve(api)
        for send in (client.get, async_to_sync(client.async_client.get)):
            answer = send(path, headers={"accept": kind})
            assert not answer.streaming
            assert answer.status_code == 500

    def test_nothing_more_is_asked_of_the_database(self, serve, path, books):
        api = MattAPI()
        routes(api, list[Loud], every)
        client = serve(api)
        with CaptureQueriesContext(connection) as caught:
            answer = client.get(path)
        assert len(caught) == 1
        assert len(json.loads(body(answer))) == ROWS


class TestErrorsInMidStream:
    """No client takes what was sent for the whole."""

    def broken(self, get, caplog, kind):
        caplog.set_level(logging.CRITICAL, "django.request")
        answer = get(list[Fussy], every, headers={"accept": kind})
        assert answer.status_code == 200
        found: list[bytes] = []

        async def read():
            # Item by item: what came before the exception counts.
            async for chunk in answer.streaming_content:
                found.append(chunk)  # noqa: PERF401

        with pytest.raises(BrokenStream):  # noqa: PT012
            if answer.is_async:
                async_to_sync(read)()
            else:
                found.extend(answer.streaming_content)
        return b"".join(found)

    def test_an_array_stays_open(self, get, books, caplog):
        sent = self.broken(get, caplog, "application/json")
        assert sent.startswith(b'[{"title":"=B0"}')
        with pytest.raises(ValueError, match="Expecting"):
            json.loads(sent)

    def test_lines_end_in_the_problem(self, get, books, caplog):
        *lines, last = self.broken(get, caplog, "application/jsonl").splitlines()
        assert len(lines) == 3
        problem = json.loads(last)
        assert problem["status"] == 500
        assert "five" not in last.decode()

    def test_a_table_ends_in_an_open_cell(self, get, books, caplog):
        table = self.broken(get, caplog, "text/csv").decode()
        with pytest.raises(csv.Error):
            list(csv.reader(io.StringIO(table), strict=True))

    def test_it_is_reported_once(self, get, books, caplog, settings):
        settings.DEBUG = False
        with pytest.raises(BrokenStream):
            chunks(get(list[Fussy], every))
        reported = [r for r in caplog.records if r.name == "django.request"]
        assert len(reported) == 1
        assert "in a stream" in reported[0].getMessage()


def test_closing_the_answer_closes_the_cursor(serve, books):
    api = MattAPI()
    routes(api, list[Short], every)
    answer = serve(api).get("/api/sync")
    content = iter(answer.streaming_content)
    assert next(content).startswith(b"[")
    assert open_cursors() == 1
    answer._iterator.close()  # as Django's test client ends it, without closing the connection
    assert open_cursors() == 0


def open_cursors() -> int:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite does not tell; tests/e2e writes to it instead")
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_cursors WHERE name LIKE '_django_curs_%'")
        return int(cursor.fetchone()[0])


@pytest.mark.django_db(transaction=True)
class TestTransactions:
    """Outside of the transaction that other tests run in, as in production."""

    @pytest.fixture(autouse=True)
    def in_atomic_requests(self, monkeypatch):
        monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)

    def test_a_list_outlives_the_transaction_of_its_request(self, serve, books):
        api = MattAPI()
        routes(api, list[BookOut], every)
        answer = serve(api).get("/api/sync")
        assert not connection.in_atomic_block
        assert len(json.loads(body(answer))) == ROWS
        assert connection.get_autocommit()

    def test_a_list_shows_one_moment(self, serve, books):
        api = MattAPI()
        routes(api, list[BookOut], every)
        pieces = iter(serve(api).get("/api/sync").streaming_content)
        first = next(pieces)
        write_elsewhere("UPDATE project_tag SET name = 'changed'")
        rows = json.loads(first + b"".join(pieces))
        assert len(rows) == ROWS
        assert not any(tag["name"] == "changed" for row in rows for tag in row["tags"])

    def test_without_server_side_cursors_it_comes_in_one_piece(self, serve, books, monkeypatch):
        monkeypatch.setitem(connection.settings_dict, "DISABLE_SERVER_SIDE_CURSORS", True)
        api = MattAPI()
        routes(api, list[BookOut], every)
        answer = serve(api).get("/api/sync")
        assert answer.streaming == (connection.vendor == "sqlite")
        assert len(json.loads(body(answer))) == ROWS


def write_elsewhere(sql):
    """Write as another client does; an SQLite of the memory has none."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite locks what is read")
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute(sql)
    finally:
        other.close()
