"""Imports and exports: many rows through the API, all or none, in constant memory."""

import csv
import io
import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group

from django_matt import MattAPI, api_controller
from django_matt.contrib.crud.controllers import AsyncCrudController, CrudController
from tests.contrib.crud.zoo.servers import serve_zoo
from tests.e2e.servers import Server
from tests.project.models import Author, Edition
from tests.waiting import SECONDS

CSV: Any = {"content_type": "text/csv"}
LINES: Any = {"content_type": "application/jsonl"}


@pytest.fixture(params=[CrudController, AsyncCrudController], ids=["sync", "async"])
def base(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def client(base: Any, serve: Any, db: None) -> Any:
    class EditionController(base[Edition]):
        fields = ["id", "isbn", "title", "volume", "pages", "notes", "author"]
        filters = ["volume"]
        verbs = ["bulk_import", "export", "bulk_create"]

        def queryset(self) -> Any:
            return super().queryset().exclude(title="hidden")

    api = MattAPI()
    api.register_controllers(api_controller("/things")(EditionController))
    return serve(api)


@pytest.fixture
def ada(db: None) -> Author:
    return Author.objects.create(name="Ada")


def table(author: Author, count: int, **cells: Any) -> str:
    out = io.StringIO()
    names = ["isbn", "title", "author_id", *cells]
    writer = csv.writer(out)
    writer.writerow(names)
    for number in range(count):
        row = [f"i{number}", f"t{number}", author.pk]
        writer.writerow([*row, *(cell(number) for cell in cells.values())])
    return out.getvalue()


def test_rows_of_a_csv_are_created(client: Any, ada: Author):
    body = table(ada, 2_500, pages=lambda n: "" if n % 2 else n + 1, notes=lambda n: f"[{n}]")
    made = client.post("/api/things/import", "\ufeff" + body, **CSV)
    assert (made.status_code, made.json()) == (201, {"created": 2_500})
    assert Edition.objects.count() == 2_500
    # An empty cell is null, and JSON is read.
    assert Edition.objects.get(isbn="i1").pages is None
    assert Edition.objects.get(isbn="i2400").notes == [2_400]


def test_rows_of_json_lines_are_created(client: Any, ada: Author):
    rows = [{"isbn": str(n), "title": f"t{n}", "author_id": ada.pk} for n in range(3)]
    body = "\n".join(map(json.dumps, rows)) + "\n\n"
    assert client.post("/api/things/import", body, **LINES).json() == {"created": 3}


@pytest.mark.parametrize(
    ("cells", "status", "where", "kind"),
    [
        ({"volume": lambda n: "x" if n == 1_700 else 1}, 422, ["body", 1_700, "volume"], None),
        ({"pages": lambda n: 0 if n == 1_200 else 1 + n}, 422, ["body", 1_200, "pages"], "check"),
        ({"volume": lambda n: 2**63 if n == 3 else 1}, 422, ["body", 3, "volume"], None),
    ],
)
def test_a_refused_row_is_named_by_its_position_and_nothing_is_written(
    client: Any, ada: Author, cells: Any, status: int, where: list[Any], kind: str | None
):
    refused = client.post("/api/things/import", table(ada, 2_000, **cells), **CSV)
    assert refused.status_code == status, refused.content
    (error,) = refused.json()["detail"]
    assert error["loc"] == where
    assert kind in (None, error["type"])
    assert Edition.objects.count() == 0


def test_a_row_that_is_there_already_in_an_earlier_batch_is_refused(client: Any, ada: Author):
    body = table(ada, 1_500) + f"i3,other,{ada.pk}\r\n"
    refused = client.post("/api/things/import", body, **CSV)
    assert refused.status_code == 409
    assert refused.json()["detail"][0]["loc"] == ["body", 1_500, "isbn"]
    assert Edition.objects.count() == 0


@pytest.mark.parametrize(
    ("body", "options", "status"),
    [
        ("isbn,isbn\na,b\n", CSV, 400),
        ("isbn,title\na\n", CSV, 400),
        ('isbn,title\n"a,b\n', CSV, 400),
        (b"isbn\n\xff\n", CSV, 400),
        (b"isbn\n\x00\n", CSV, 400),
        ("nothing\na\n", CSV, 422),
        ("{", LINES, 400),
        ("[]", LINES, 422),
        ('{"a": NaN}', LINES, 400),
        ("[]", {"content_type": "application/json"}, 415),
        ("a", {"content_type": "text/csv; charset=latin-1"}, 415),
        ("a" * (1024 * 1024 + 2), CSV, 413),
        ("isbn\n", CSV, 201),
    ],
)
def test_what_is_no_import_is_refused(client: Any, body: Any, options: Any, status: int):
    answer = client.post("/api/things/import", body, **options)
    assert (answer.status_code, Edition.objects.count()) == (status, 0)


def test_limits_and_hidden_rows_are_refused(client: Any, ada: Author, settings: Any):
    settings.MATT_CRUD = {"MAX_IMPORT_ROWS": 10, "MAX_BULK_ROWS": 4}
    assert client.post("/api/things/import", table(ada, 10), **CSV).status_code == 201
    Edition.objects.all().delete()
    assert client.post("/api/things/import", table(ada, 11), **CSV).status_code == 413
    body = f"isbn,title,author_id\na,hidden,{ada.pk}\n"
    assert client.post("/api/things/import", body, **CSV).status_code == 403
    assert Edition.objects.count() == 0


def test_an_export_is_the_whole_list_in_each_format(client: Any, ada: Author, settings: Any):
    client.post("/api/things/import", table(ada, 250), **CSV)
    settings.MATT = {**getattr(settings, "MATT", {}), "STREAM_ROWS": 100}
    for kind in ("csv", "jsonl", "json"):
        answer = client.get(f"/api/things/export?format={kind}")
        assert answer.status_code == 200
    rows = list(
        csv.DictReader(io.StringIO(client.get("/api/things/export?format=csv").getvalue().decode()))
    )
    assert [row["isbn"] for row in rows] == [f"i{n}" for n in range(250)]
    assert client.get("/api/things/export?volume=7").json() == []


def test_what_was_exported_can_be_imported(serve: Any, db: None):
    class GroupController(CrudController[Group]):
        fields = ["name"]
        verbs = ["export", "bulk_import"]

    api = MattAPI()
    api.register_controllers(api_controller("/groups")(GroupController))
    client = serve(api)
    Group.objects.bulk_create(Group(name=name) for name in ("=a", 'b"', "c\nd", "ä"))
    sent = client.get("/api/groups/export?format=csv").getvalue()
    before = set(Group.objects.values_list("name", flat=True))
    Group.objects.all().delete()
    assert client.post("/api/groups/import", sent, **CSV).json() == {"created": 4}
    assert set(Group.objects.values_list("name", flat=True)) == before


# ---- memory ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server(tmp_path_factory: Any) -> Iterator[Server]:
    # It reads the body from the socket; uvicorn gives Django a file.
    with serve_zoo(tmp_path_factory.mktemp("imports"), "gunicorn") as found:
        yield found


def lines(count: int) -> Iterator[bytes]:
    yield b"text,one,long,maybe\n"
    for number in range(count):
        yield b"t%d,a,%b,\n" % (number, b"x" * 60)


@pytest.mark.slow
@pytest.mark.once
@pytest.mark.timeout(4 * SECONDS)
def test_the_memory_of_an_import_and_of_an_export_is_constant(server: Server):
    def send(count: int) -> int:
        body = b"".join(lines(count))
        with server.client() as client:
            headers = {"Content-Type": "text/csv"}
            made = client.post("/api/chars/import", content=body, headers=headers)
            assert (made.status_code, made.json()) == (201, {"created": count})
        return server.resident_bytes()

    small = send(5_000)
    large = send(50_000)
    # The body has 3.8 MB, and its rows as objects would have fifty.
    assert large - small < 12 * 1024 * 1024, (small, large)
    with server.client() as client, client.stream("GET", "/api/chars/export?format=csv") as answer:
        received = sum(chunk.count(b"\r\n") for chunk in answer.iter_bytes())
    assert received == 55_001
    assert server.resident_bytes() - large < 16 * 1024 * 1024


@pytest.mark.slow
@pytest.mark.once
@pytest.mark.timeout(4 * SECONDS)
def test_clients_that_leave_in_an_export_and_in_an_import_leave_nothing_behind(server: Server):
    headers = {"Content-Type": "text/csv"}
    with server.client() as client:
        client.post("/api/chars/import", content=b"".join(lines(20_000)), headers=headers)
        before = client.get("/api/chars?limit=1").json()["count"]
    for _ in range(6):
        # More often than the server has threads.
        with server.client() as client, client.stream("GET", "/api/chars/export") as answer:
            assert next(answer.iter_bytes())
    body = b"".join(lines(5_000))
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=SECONDS) as left:
        left.sendall(
            b"POST /api/chars/import HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\n"
            b"Content-Length: %d\r\n\r\n" % (2 * len(body)) + body
        )
    with server.client() as client:
        assert client.get("/api/chars?limit=1").json()["count"] == before
        made = client.post("/api/chars/import", content=b"".join(lines(10)), headers=headers)
        assert made.json() == {"created": 10}
