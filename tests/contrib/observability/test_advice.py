"""The advice: a catalogue of planted mistakes is found over HTTP, the shop has none, and nothing is written or kept."""

import json
import re
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import F
from ninja.pagination import LimitOffsetPagination, paginate

from django_matt import MattAPI, ModelSchema, Schema
from django_matt.contrib.observability.advice.explaining import Database, Refused
from django_matt.contrib.observability.advice.rules import RULES, advise
from django_matt.contrib.observability.observations import requests
from django_matt.contrib.observability.statements import fingerprint, is_read
from tests.project.models import Author, Book, Everything, Tag

pytestmark = [pytest.mark.django_db, pytest.mark.database]


class ObservedTag(ModelSchema):
    class Meta:
        model = Tag
        fields = ["id", "name"]


class ObservedAuthor(ModelSchema):
    class Meta:
        model = Author
        fields = ["id", "name"]


class LoudOut(Schema):
    id: int
    shout: str

    class Meta:
        model = Author


class ObservedEverything(ModelSchema):
    class Meta:
        model = Everything
        fields = ["id", "char"]


class NumberIn(Schema):
    number: int


def mistakes() -> MattAPI:
    """An API whose every route has one mistake."""
    api = MattAPI()

    @api.get("/n-plus-one")
    def n_plus_one(request):
        return [{"title": book.title, "author": book.author.name} for book in Book.objects.all()]

    @api.get("/slow")
    def slow(request):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_sleep(0.2)"
                if connection.vendor == "postgresql"
                else "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 600000) SELECT max(i) FROM n"
            )
        return []

    @api.get("/filter", response=list[ObservedEverything])
    def filter_(request):
        return Everything.objects.filter(integer=7)

    @api.get("/order", response=list[ObservedEverything])
    def order(request):
        return Everything.objects.order_by("-small")[:5]

    @api.get("/columns", response=list[ObservedEverything])
    def columns(request):
        return list(Everything.objects.order_by("id")[:20])

    @api.get("/tier", response=list[LoudOut])
    def tier(request):
        return Author.objects.all()

    @api.get("/long", response=list[ObservedEverything])
    def long(request):
        return Everything.objects.order_by("id")

    @api.get("/count", response=list[ObservedTag])
    @paginate(LimitOffsetPagination)
    def count(request):
        return Tag.objects.order_by("id")

    @api.get("/cacheable", response=list[ObservedAuthor])
    def cacheable(request):
        return Author.objects.order_by("id")

    @api.get("/same")
    def same(request):
        return [Author.objects.count() for _ in range(4)]

    @api.post("/writes")
    def writes(request, body: NumberIn):
        for number in range(body.number):
            Author.objects.create(name=f"name {number}")
        return {}

    @api.get("/search", response=list[ObservedEverything])
    def search(request):
        return Everything.objects.filter(url__icontains="nothing")[:10]

    @api.get("/items/{everything_id}/n", url_name="items")
    async def items(request, everything_id: int):
        return [await author.books.acount() async for author in Author.objects.order_by("id")[:8]]

    return api


def fill() -> None:
    Author.objects.bulk_create(Author(name=f"author {n}") for n in range(12))
    authors = list(Author.objects.all())
    Book.objects.bulk_create(Book(title=f"book {n}", author=authors[n]) for n in range(12))
    Everything.objects.bulk_create(
        Everything(integer=n % 500, small=n % 300, char=f"c{n}", url=f"https://example.org/{n}")
        for n in range(10_200)
    )
    series = (
        "generate_series(1, 100001) AS n(i)"
        if connection.vendor == "postgresql"
        else "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 100001) SELECT i FROM n)"
    )
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO project_tag (name) SELECT 'tag' FROM {series}")
        cursor.execute("ANALYZE")


CATALOGUE = {
    "A001": "GET /api/n-plus-one",
    "A002": "GET /api/slow",
    "A003": "GET /api/filter",
    "A004": "GET /api/order",
    "A005": "GET /api/columns",
    "A006": "GET /api/tier",
    "A007": "GET /api/long",
    "A008": "GET /api/count",
    "A010": "GET /api/cacheable",
    "A011": "GET /api/same",
    "A012": "POST /api/writes",
    "A013": "GET /api/search",
}


def test_every_planted_mistake_is_found_at_its_line(project: Any):
    asked = project(mistakes(), debug=True, SLOW_MS=20)
    fill()
    for route in CATALOGUE.values():
        method, path = route.split()
        for _ in range(25 if path.endswith("cacheable") else 1):
            body = json.dumps({"number": 6}) if method == "POST" else ""
            assert asked.ask(path, method, body).status_code == 200
    assert asked.ask("/api/items/3/n").status_code == 200
    found = {(each.id, each.route): each for each in advise(requests)}
    for name, route in CATALOGUE.items():
        assert (name, route) in found, (name, sorted(found))
        advice = found[name, route]
        file, _, line = advice.place.rpartition(":")
        assert file == __file__, advice
        code = Path(__file__).read_text().splitlines()
        near = "\n".join(code[int(line) - 4 : int(line) + 4])
        assert route.rpartition("/")[2].replace("-", "_") in near, (advice, near)
        assert advice.number > 0
        assert advice.reason
        assert advice.remedy
    assert found["A001", "GET /api/n-plus-one"].number == 12
    assert found["A012", "POST /api/writes"].number == 6
    assert found["A007", "GET /api/long"].number == 10_001
    assert found["A011", "GET /api/same"].number == 4
    assert ("A001", "GET /api/items/{everything_id}/n") in found
    assert len(CATALOGUE) >= 12
    assert set(RULES) == {*CATALOGUE, "A009"}
    has_limit = ("A009", "database default") not in found
    assert has_limit == (connection.vendor != "postgresql")
    # The page shows it too.
    page = asked.client.get("/_matt/advice").content.decode()
    for name, route in CATALOGUE.items():
        assert re.search(rf"{route}</strong><span class=\"soft mono\">{name}<", page), name


def run(*arguments: str, **options: Any) -> Any:
    output = StringIO()
    call_command("matt_advise", *arguments, stdout=output, **options)
    return output.getvalue()


def test_the_command_calls_the_routes_itself_and_writes_nothing(project: Any):
    api = MattAPI()

    @api.get("/books/{book_id}", response=list[ObservedAuthor])
    def read_book(request, book_id: int):
        Author.objects.create(name="written by a GET")
        book = Book.objects.get(id=book_id)
        return [Author.objects.get(pk=book.author_id) for _ in range(3)]

    @api.get("/closed")
    def closed(request, wanted: int):
        return {}

    @api.get("/private", auth=lambda request: None)
    def private(request):
        return {}

    project(api)
    author = Author.objects.create(name="a")
    Author.objects.create(name="b")
    Book.objects.create(title="first", author=author, pk=77)
    report = json.loads(run("--json"))
    (found,) = [each for each in report["advice"] if each["id"] != "A009"]
    assert (found["id"], found["route"], found["number"]) == ("A011", "GET /api/books/{book_id}", 3)
    assert found["place"].startswith(__file__)
    assert report["not_called"] == {"GET /api/private": "it answered 401: pass --user or --header"}
    assert Author.objects.count() == 2
    text = run("books")
    assert "A011 warn: GET /api/books/{book_id}" in text
    assert "1 operations examined" in text
    missing = json.loads(run("books", "--json", set=["book_id=1"]))
    assert "404" in missing["not_called"]["GET /api/books/{book_id}"]
    with pytest.raises(CommandError, match="level warn"):
        run("books", fail_on="warn")
    for wrong in ({"set": ["x"]}, {"header": ["x"]}, {"user": "nobody"}, {"times": 0}):
        with pytest.raises(CommandError):
            run(**wrong)
    with pytest.raises(CommandError, match="No GET operation"):
        run("nothing-like-this")


def test_advice_is_silenced_by_id_and_by_route(project: Any, settings: Any):
    api = MattAPI()

    @api.get("/a")
    def a(request):
        return [Author.objects.count() for _ in range(4)]

    @api.get("/b")
    def b(request):
        return [Author.objects.count() for _ in range(4)]

    asked = project(api, debug=True, SILENCED_ADVICE=["A009", "A011 /api/a"])
    asked.ask("/api/a"), asked.ask("/api/b")
    assert [(each.id, each.route) for each in advise(requests)] == [("A011", "GET /api/b")]
    settings.MATT_OBSERVABILITY = {"SILENCED_ADVICE": ["A011", "A009"]}
    assert advise(requests) == []


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM project_tag",
        "INSERT INTO project_tag (name) VALUES ('x')",
        "UPDATE project_tag SET name = 'x'",
        "WITH gone AS (DELETE FROM project_tag RETURNING id) SELECT * FROM gone",
        "SELECT 1; DELETE FROM project_tag",
        "SELECT * INTO other FROM project_tag",
        "EXPLAIN ANALYZE DELETE FROM project_tag",
        "ANALYZE SELECT 1",
        "(SELECT 1) /* */ ; DROP TABLE project_tag",
        "DROP TABLE project_tag",
        "CALL everything()",
        "DO $$ BEGIN DELETE FROM project_tag; END $$",
        "COPY project_tag TO PROGRAM 'rm'",
        "SELECT * FROM project_tag FOR SHARE",
        "",
    ],
)
def test_a_statement_that_may_write_is_not_explained(statement: str):
    Tag.objects.create(name="kept")
    with pytest.raises(Refused):
        Database("default").explain(statement)
    with pytest.raises(Refused):
        Database("default").explain(fingerprint(statement, has_parameters=False))
    assert Tag.objects.count() == 1


def test_names_that_look_like_writes_are_read():
    assert is_read('SELECT "t"."delete", "t"."update" FROM "set" "t" WHERE "t"."a" = %s')


def test_a_statement_is_explained_without_its_values():
    Tag.objects.create(name="x")
    plan = Database("default").explain(
        'SELECT "project_tag"."name" FROM "project_tag" WHERE "project_tag"."name" = %s'
    )
    assert plan.scanned == {"project_tag"}
    assert Database("default").explain("SELECT 5 %% 2 AS found").scanned == frozenset()


def test_a_statement_that_cannot_be_planned_is_refused_and_the_transaction_goes_on():
    with pytest.raises(Refused, match="cannot plan"):
        Database("default").explain("SELECT nothing FROM nowhere")
    assert Tag.objects.count() == 0


@pytest.mark.parametrize(
    ("sql", "parameters", "expected"),
    [
        ("SELECT 1", None, "SELECT %s"),
        (
            "SELECT * FROM t WHERE a = 'it''s' AND b = 4.5e3",
            None,
            "SELECT * FROM t WHERE a = %s AND b = %s",
        ),
        (
            'SELECT "a 1"."b2" FROM t1 WHERE c3 = %s',
            (1,),
            'SELECT "a 1"."b2" FROM t1 WHERE c3 = %s',
        ),
        ("SELECT a -- secret\nFROM t /* secret */", None, "SELECT a FROM t"),
        ("SELECT a FROM t WHERE b = %(name)s", {"name": 1}, "SELECT a FROM t WHERE b = %s"),
        ("SELECT $$secret$$, $x$secret$x$, E'a\\'secret'", None, "SELECT %s, %s, %s"),
        ("SELECT a %% 2 FROM t", (1,), "SELECT a %% %s FROM t"),
        ("SELECT a % 2 FROM t", None, "SELECT a %% %s FROM t"),
        (
            "SELECT a FROM t WHERE b LIKE %s ESCAPE '\\'",
            (1,),
            "SELECT a FROM t WHERE b LIKE %s ESCAPE '\\'",
        ),
        (b"SELECT 'x'", None, "SELECT %s"),
        ("SELECT 'unclosed secret", None, "SELECT %s"),
        (object(), None, "object"),
    ],
)
def test_a_fingerprint_has_no_values(sql: Any, parameters: Any, expected: str):
    assert fingerprint(sql, has_parameters=parameters is not None) == expected


def test_a_statement_that_is_cut_keeps_no_part_of_a_value():
    text = fingerprint("INSERT INTO t VALUES ('" + "secret " * 10_000 + "')", has_parameters=False)
    assert text == "INSERT INTO t VALUES (%s"
    for hostile in (
        "/*" * 50_000,
        "$a$b" * 50_000,
        "'" * 99_999,
        "E'\\" * 50_000,
        '"' * 99_999,
        "%" * 99_999,
    ):
        assert len(fingerprint(hostile, has_parameters=True)) <= 20_000


def test_secrets_in_sql_are_never_kept(project: Any):
    api = MattAPI()
    secret = "hunter2-9c1d"

    @api.get("/secret")
    def read(request):
        Author.objects.filter(name=secret).count()
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT id FROM project_author WHERE name = '{secret}'")
            cursor.execute("SELECT id FROM project_author WHERE name = %s", [secret])
        return Author.objects.annotate(x=F("id")).filter(name__startswith=secret).count()

    asked = project(api, debug=True)
    assert asked.ask(f"/api/secret?token={secret}").status_code == 200
    (detail,) = requests
    assert len(detail.queries) == 4
    assert secret not in repr(detail)
    shown = asked.client.get(f"/_matt/requests/{detail.number}").content.decode()
    assert secret not in shown


def test_a_hypothetical_index_shows_what_it_would_save(project: Any):
    if connection.vendor != "postgresql":
        pytest.skip("HypoPG is an extension of PostgreSQL")
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'hypopg'")
        if cursor.fetchone() is None:
            pytest.skip("HypoPG is not installed on this server")
        cursor.execute("CREATE EXTENSION IF NOT EXISTS hypopg")
    fill()
    asked = project(mistakes(), debug=True, SLOW_MS=60_000)
    asked.ask("/api/filter")
    (found,) = [each for each in advise(requests) if each.id == "A003"]
    before, after = re.findall(r"falls from ([\d,]+) to ([\d,]+)", found.remedy)[0]
    assert int(after.replace(",", "")) < int(before.replace(",", "")) / 2
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM hypopg_list_indexes")
        assert cursor.fetchone() == (0,)
