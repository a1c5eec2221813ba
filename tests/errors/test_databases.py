"""What the database refuses, over HTTP and for real, on the database of the run."""

from decimal import Decimal
from types import SimpleNamespace

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import IntegrityError, OperationalError, connection, models, transaction
from django.db.models import ProtectedError

from django_matt import MattAPI, Schema
from django_matt.errors.columns import refused_fields
from django_matt.errors.databases import is_away, violation_of

pytestmark = pytest.mark.django_db(transaction=True)


class Thing(models.Model):
    name = models.CharField(max_length=20, unique=True)
    size = models.IntegerField()
    price = models.DecimalField(max_digits=6, decimal_places=2, default=0)
    # Of a model whose rows no other test deletes: this one's table is there for these tests alone.
    kind = models.ForeignKey(ContentType, on_delete=models.PROTECT, null=True)

    class Meta:
        app_label = "project"
        managed = False
        db_table = "errors_thing"
        constraints = [
            models.CheckConstraint(condition=models.Q(size__gte=0), name="size_is_positive")
        ]


@pytest.fixture(autouse=True)
def table():
    with connection.schema_editor() as editor:
        editor.create_model(Thing)
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE errors_thing")


@pytest.fixture
def call(serve):
    """Run ``work`` in a view for POST and for GET; return what both answered."""

    def run(work, path="/it"):
        api = MattAPI()

        def it(request, **values):
            # The transaction ends inside the view, as PostgreSQL checks foreign keys at its end.
            with transaction.atomic():
                work()

        def named(request, pk: int):
            it(request)

        api.api_operation(["GET", "POST"], path)(named if "{" in path else it)
        client = serve(api)
        at = "/api" + path.format(pk=4711)
        return client.post(at), client.get(at)

    return run


def _twice():
    Thing.objects.create(name="a", size=1)
    Thing.objects.create(name="a", size=1)


@pytest.mark.parametrize(
    "work",
    [
        _twice,
        lambda: Thing.objects.create(name="a", size=None),
        lambda: Thing.objects.create(name="a", size=-1),
        lambda: Thing.objects.create(name="a", size=1, kind_id=4712),
        lambda: Thing.objects.create(name="\ud800", size=1),
    ],
    ids=["unique", "not null", "check", "foreign key", "surrogate"],
)
def test_a_rule_that_the_view_broke_by_itself_is_ours(call, work):
    post, get = call(work)
    assert (post.status_code, get.status_code) == (500, 500)
    assert post["Content-Type"] == "application/problem+json"
    assert "errors_thing" not in post.content.decode()


def test_deleting_what_others_use_is_a_conflict_where_the_request_named_it(call):
    kind = ContentType.objects.create(app_label="shop", model="thing")
    Thing.objects.create(name="a", size=1, kind=kind)
    with pytest.raises(ProtectedError):
        kind.delete()
    post, get = call(kind.delete, "/kinds/{pk}")
    assert (post.status_code, get.status_code) == (409, 500)
    assert post.json() == {"detail": "Other objects still refer to this one."}


class ThingIn(Schema):
    name: str = "a"
    size: str = "1"
    price: Decimal = Decimal(0)


@pytest.mark.parametrize(
    "sent",
    [
        {"size": str(2**70)},
        pytest.param(
            {"price": "1e9"},
            marks=pytest.mark.skipif(
                connection.vendor == "sqlite", reason="SQLite stores any decimal"
            ),
        ),
        pytest.param(
            {"name": "x" * 21},
            marks=pytest.mark.skipif(
                connection.vendor == "sqlite", reason="SQLite stores any text"
            ),
        ),
    ],
    ids=["integer", "decimal", "text"],
)
def test_a_value_that_cannot_be_stored_is_the_clients_where_it_sent_it(serve, sent):
    api = MattAPI()

    @api.post("/sent")
    def by_client(request, data: ThingIn):
        Thing.objects.create(name=data.name, size=int(data.size), price=data.price)

    @api.post("/made")
    def by_server(request, count: int):
        made = ThingIn(**sent)
        Thing.objects.create(name=made.name, size=int(made.size), price=made.price)

    client = serve(api)
    answer = client.post("/api/sent", sent, content_type="application/json")
    (name,) = sent
    assert answer.status_code == 422
    assert f"The value of {name} is out of range" in answer.json()["detail"]
    answer = client.post("/api/made?count=1")
    assert answer.status_code == 500


@pytest.mark.parametrize(("query", "value"), [("?q=" + "9" * 25, int("9" * 25))])
def test_a_read_is_the_clients_mistake_where_the_address_holds_the_odd_value(serve, query, value):
    api = MattAPI()

    @api.get("/it")
    def it(request, q: str):
        with connection.cursor() as cursor:
            cursor.execute("SELECT %s", [value])

    expected = 200
    if connection.vendor == "postgresql":
        expected = 422 if isinstance(value, str) else 200
    elif isinstance(value, int):
        expected = 422
    assert serve(api).get("/api/it" + query).status_code == expected


def test_an_overflow_in_the_projects_own_code_stays_ours(call):
    def work():
        (2.0**1000) ** 2

    post, _ = call(work)
    assert post.status_code == 500


def test_a_value_error_in_the_projects_own_code_stays_ours(call):
    post, _ = call(lambda: int("NUL (0x00)"))
    assert post.status_code == 500


def test_a_missing_table_is_ours_not_an_outage(call):
    def work():
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM no_such_table")

    post, get = call(work)
    assert (post.status_code, get.status_code) == (500, 500)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="the server's own disconnect")
def test_a_connection_that_the_server_ends_is_503(call):
    def work():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    post, get = call(work)
    connection.close()
    assert (post.status_code, get.status_code) == (503, 503)
    assert get["Retry-After"] == "5"


@pytest.mark.skipif(connection.vendor != "sqlite", reason="SQLite's lock")
def test_a_locked_database_is_503(call):
    import sqlite3

    def work():
        error = OperationalError("database is locked")
        raise error from sqlite3.OperationalError("database is locked")

    post, get = call(work)
    assert (post.status_code, get.status_code, get["Retry-After"]) == (503, 503, "5")


def test_an_unreachable_server_is_away():
    psycopg = pytest.importorskip("psycopg")
    try:
        psycopg.connect("host=127.0.0.1 port=1 connect_timeout=1")
    except psycopg.OperationalError as cause:
        error = OperationalError("x")
        error.__cause__ = cause
    assert is_away(error)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((1048, "Column 'kind_id' cannot be null"), ("not_null", None, ("kind_id",))),
        ((1364, "Field 'size' doesn't have a default value"), ("not_null", None, ("size",))),
        (
            (1062, "Duplicate entry 'a' for key 'errors_thing.name'"),
            ("unique", "errors_thing", ("name",)),
        ),
        (
            (
                1452,
                "Cannot add or update a child row: a foreign key constraint fails (`db`.`errors_thing`, "
                "CONSTRAINT `fk` FOREIGN KEY (`kind_id`) REFERENCES `auth_group` (`id`))",
            ),
            ("foreign_key", "errors_thing", ("kind_id",)),
        ),
        ((3819, "Check constraint 'size_is_positive' is violated."), ("check", None, ())),
    ],
)
def test_the_columns_are_read_from_what_mysql_says(arguments, expected):
    # No server of it runs here; the messages are those of its manual.
    error = IntegrityError(*arguments)
    found = violation_of(error)
    assert (found.kind, found.table, found.columns) == expected
    assert refused_fields(found, Thing)


@pytest.mark.parametrize(
    "detail",
    [
        "Key (name, size)=(a, 1) already exists.",
        "Schlüssel »(name, size)=(a, 1)« existiert bereits.",
    ],
)
def test_the_columns_are_read_in_any_language_of_postgresql(detail):
    diagnosis = SimpleNamespace(message_detail=detail, table_name="errors_thing")
    cause = type("UniqueViolation", (Exception,), {"sqlstate": "23505", "diag": diagnosis})()
    error = IntegrityError("x")
    error.__cause__ = cause
    found = violation_of(error)
    assert (found.columns, found.values) == (("name", "size"), ("a", "1"))
