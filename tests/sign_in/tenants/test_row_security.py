"""PostgreSQL's row-level security, with a role that it applies to: also for raw SQL, long lists and other connections."""

import asyncio
import json
from threading import Thread
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.core.checks import run_checks
from django.db import IntegrityError, ProgrammingError, connection, connections, transaction

from django_matt.asgi import MattASGIHandler
from django_matt.contrib.tenants import row_security
from django_matt.contrib.tenants.current import CURRENT
from django_matt.contrib.tenants.resolution import require_tenant, tenant_scope
from django_matt.errors.exceptions import NotAuthenticated
from django_matt.scopes import unscoped
from tests.docs.snippets import read_body
from tests.sign_in.tenants.conftest import BookOut, make_api
from tests.sign_in.tenants.models import Author, Book

RED, BLUE = {"X-Tenant": "red"}, {"X-Tenant": "blue"}
LONG = 1_100
TITLES = "SELECT title FROM tenants_book ORDER BY id"

pytestmark = [
    pytest.mark.skipif(connection.vendor != "postgresql", reason="row-level security is PostgreSQL's"),
    pytest.mark.django_db(transaction=True),
]  # fmt: skip


def titles() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(TITLES)
        return [title for (title,) in cursor.fetchall()]


def make_secured_api() -> Any:
    api = make_api()

    @api.get("/raw")
    def raw(request):
        return titles()

    @api.get("/araw")
    async def araw(request):
        return await sync_to_async(titles)()

    @api.get("/unscoped")
    def everything(request):
        with unscoped():
            return [book.title for book in Book.objects.order_by("pk")]

    @api.post("/raw")
    def smuggle(request, organization: int):
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO tenants_book (title, organization_id) VALUES ('x', %s)", [organization])  # fmt: skip
        return {}

    @api.get("/savepoints")
    def savepoints(request):
        found = []
        for _ in range(2):
            try:
                with transaction.atomic():
                    found.append(len(titles()))
                    Book.objects.create(title="red 0")
            except IntegrityError:
                found.append(len(titles()))
        return found

    @api.post("/refused")
    @transaction.non_atomic_requests
    def refuse(request):
        Book.objects.create(title="kept")
        raise NotAuthenticated

    @api.get("/cursor", response=list[BookOut])
    def cursor(request):
        return list(Book.objects.order_by("pk").iterator(chunk_size=100))

    @api.get("/thread")
    def thread(request):
        found: list[str] = []

        def read() -> None:
            with tenant_scope(organization):
                found.extend(titles())
            connections.close_all()

        organization = require_tenant(request).organization
        reader = Thread(target=read)
        reader.start()
        reader.join()
        return found

    return api


@pytest.fixture
def role(settings, world):
    """Connect as a role that PostgreSQL's row-level security applies to; its name."""
    settings.MATT_TENANTS = {"ROW_LEVEL_SECURITY": True}
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = 'matt_app'")
        if cursor.fetchone() is None:
            cursor.execute("CREATE ROLE matt_app LOGIN NOSUPERUSER NOBYPASSRLS")
        cursor.execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO matt_app")
        cursor.execute("GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO matt_app")
    before = connection.settings_dict["USER"]
    connection.close()
    connection.settings_dict["USER"] = "matt_app"
    row_security._safe.clear()
    yield "matt_app"
    connection.close()
    connection.settings_dict["USER"] = before
    connection.execute_wrappers.remove(row_security._tell_tenant)
    row_security._safe.clear()


@pytest.fixture
def client(serve, world, role):
    """A client of the API in which Ada has signed in."""
    made = serve(make_secured_api())
    made.force_login(world["red"].user)
    return made


@pytest.fixture
def long(settings, world):
    """More rows than are sent in one part, of both organizations."""
    settings.MATT = {"STREAM_ROWS": 1_000}
    for name, side in world.items():
        with tenant_scope(side.organization):
            authors = Author.objects.bulk_create(Author(name=f"{name} {n}") for n in range(LONG))
            Book.objects.bulk_create(Book(title=f"{name} long {n}", author=each) for n, each in enumerate(authors))  # fmt: skip


def test_raw_sql_has_the_rows_of_the_organization(client):
    for url in ("/api/raw", "/api/araw", "/api/unscoped", "/api/thread"):
        assert client.get(url, headers=RED).json() == ["red 0", "red 1"], url


def test_without_an_organization_raw_sql_has_no_rows(client):
    for headers in ({}, BLUE):
        assert client.get("/api/raw", headers=headers).json() == []
        assert client.get("/api/books", headers=headers).status_code == 403


def test_rows_of_the_orm_are_the_same_as_without(client):
    for url in ("/api/books", "/api/abooks", "/api/cursor"):
        assert client.get(url, headers=RED).json() == [{"title": "red 0"}, {"title": "red 1"}]
    assert client.get("/api/titles", headers=RED).json()["count"] == 2
    made = client.post("/api/abooks", {"title": "new", "author_id": None}, content_type="application/json", headers=RED)  # fmt: skip
    assert made.status_code == 201


def test_a_route_without_a_transaction_keeps_what_it_writes_before_it_refuses(client):
    """As `tokens` does when a refresh token is used twice: the 401 must not undo the end of the login."""
    assert client.post("/api/refused", headers=RED).status_code == 401
    assert "kept" in client.get("/api/raw", headers=RED).json()


def test_nothing_is_left_on_the_connection(client):
    client.get("/api/raw", headers=RED)
    assert CURRENT.get() is None
    assert titles() == []
    with transaction.atomic():
        assert titles() == []


def test_a_row_of_another_organization_is_refused_and_not_a_500(client, world):
    found = client.post(f"/api/raw?organization={world['blue'].organization.pk}", headers=RED)
    assert (found.status_code, found.json()) == (
        409,
        {"detail": "The row belongs to another organization."},
    )
    assert (
        client.post(
            f"/api/raw?organization={world['red'].organization.pk}", headers=RED
        ).status_code
        == 200
    )


def test_a_missing_privilege_is_still_a_fault_of_the_server(client, world, role, settings):
    # The same code of PostgreSQL, 42501.
    connection.close()
    connection.settings_dict["USER"] = "postgres"
    with connection.cursor() as cursor:
        cursor.execute("REVOKE INSERT ON tenants_book FROM matt_app")
    connection.close()
    connection.settings_dict["USER"] = "matt_app"
    url = f"/api/raw?organization={world['red'].organization.pk}"
    assert client.post(url, headers=RED).status_code == 500


@pytest.mark.parametrize("url", ["/api/books", "/api/abooks"])
def test_a_long_list_is_streamed_with_every_row(client, long, url):
    found = client.get(url, headers=RED)
    assert found.streaming
    rows = json.loads(read_body(found))
    assert len(rows) == LONG + 2
    assert all(row["title"].startswith("red") for row in rows)
    assert titles() == []


@pytest.mark.parametrize("url", ["/api/authors", "/api/aauthors"])
def test_a_long_nested_list_is_streamed_with_every_row(client, long, url):
    found = client.get(url, headers=RED)
    assert found.streaming
    rows = json.loads(read_body(found))
    assert len(rows) == LONG + 1
    assert [len(row["books"]) for row in rows] == [2, *[1] * LONG]


@pytest.mark.parametrize("url", ["/api/lines", "/api/alines"])
def test_a_stream_of_a_generator_has_every_row(client, long, url):
    lines = read_body(client.get(url, headers=RED)).splitlines()
    assert len(lines) == LONG + 2
    assert all(json.loads(line)["title"].startswith("red") for line in lines)


def test_a_server_side_cursor_has_every_row(client, long, world):
    assert len(client.get("/api/cursor", headers=RED).json()) == LONG + 2
    with tenant_scope(world["red"].organization):
        # Outside of a transaction: the cursor outlives the one that it was opened in.
        assert len(list(Book.objects.iterator(chunk_size=100))) == LONG + 2


def test_a_rolled_back_savepoint_keeps_the_organization(client):
    assert client.get("/api/savepoints", headers=RED).json() == [2, 2, 2, 2]


async def ask(application: Any, url: str, name: str, cookie: str) -> str:
    """Send a request to an ASGI application; return its whole body."""
    headers = {"host": "testserver", "x-tenant": name, "cookie": f"sessionid={cookie}"}
    body, sent = b"", asyncio.Event()
    scope = {
        "type": "http", "method": "GET", "path": url, "query_string": b"",
        "headers": [(key.encode(), value.encode()) for key, value in headers.items()],
    }  # fmt: skip

    async def receive() -> Any:
        if not sent.is_set():
            sent.set()
            return {"type": "http.request", "body": b""}
        return await asyncio.Future()

    async def send(message: Any) -> None:
        nonlocal body
        assert message.get("status", 200) == 200, message
        body += message.get("body", b"")

    await application(scope, receive, send)
    return body.decode()


def test_requests_at_the_same_time_on_an_event_loop_never_mix(client, world, long):
    cookies = {}
    for name, side in world.items():
        client.force_login(side.user)
        cookies[name] = client.cookies["sessionid"].value
        client.cookies.clear()
    connection.close()
    urls = ["/api/books", "/api/abooks", "/api/alines", "/api/raw", "/api/araw"]
    asked = [(url, name) for url in urls for name in ("red", "blue")] * 2

    async def ask_all() -> list[str]:
        application = MattASGIHandler()
        return await asyncio.gather(
            *(ask(application, url, name, cookies[name]) for url, name in asked)
        )

    for (url, name), body in zip(asked, asyncio.run(ask_all()), strict=True):
        other = "blue" if name == "red" else "red"
        assert (body.count(f'"{name} '), body.count(other)) == (LONG + 2, 0), url


def test_each_transaction_of_a_decorated_function_has_the_organization(world, role):
    read = transaction.atomic(titles)
    for name in ("red", "red", "blue", "red"):
        with tenant_scope(world[name].organization):
            assert read() == [f"{name} 0", f"{name} 1"]
            assert titles() == [f"{name} 0", f"{name} 1"]
        assert read() == []


def test_atomic_requests_change_nothing(client, world, long):
    connection.settings_dict["ATOMIC_REQUESTS"] = True
    try:
        for _ in range(2):
            assert len(client.get("/api/raw", headers=RED).json()) == LONG + 2
            assert len(json.loads(read_body(client.get("/api/books", headers=RED)))) == LONG + 2
        assert client.get("/api/books", headers=BLUE).status_code == 403
        assert client.get("/api/savepoints", headers=RED).status_code == 200
    finally:
        connection.settings_dict["ATOMIC_REQUESTS"] = False


def test_organizations_change_within_a_transaction(world, role):
    red, blue = world["red"].organization, world["blue"].organization
    with transaction.atomic():
        assert titles() == []
        try:
            with transaction.atomic(), tenant_scope(blue):
                assert titles() == ["blue 0", "blue 1"]
                raise RuntimeError
        except RuntimeError:
            pass
        with tenant_scope(blue):
            assert titles() == ["blue 0", "blue 1"]
            with tenant_scope(red):
                assert titles() == ["red 0", "red 1"]
            assert titles() == ["blue 0", "blue 1"]
        assert titles() == []
        # Django 6.1 has renamed it.
        create: Any = getattr(transaction, "savepoint_create", None) or transaction.savepoint
        point = create()
        with tenant_scope(red):
            assert titles() == ["red 0", "red 1"]
            transaction.savepoint_rollback(point)
            assert titles() == ["red 0", "red 1"]
    with pytest.raises(ProgrammingError), transaction.atomic():
        Book.objects.create(title="x", organization=red)


def test_a_role_that_bypasses_it_is_refused(client, world, role):
    connection.close()
    connection.settings_dict["USER"] = "postgres"
    assert client.get("/api/books", headers=RED).status_code == 500
    found = run_checks(tags=["database"], databases=["default"])
    assert [each.id for each in found if each.id.startswith("matt_tenants")] == [
        "matt_tenants.W003"
    ]


def test_a_table_without_a_policy_is_reported(client, role):
    connection.close()
    connection.settings_dict["USER"] = "postgres"
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE tenants_book NO FORCE ROW LEVEL SECURITY")
    try:
        found = run_checks(tags=["database"], databases=["default"])
        assert "matt_tenants.W004" in [each.id for each in found]
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE tenants_book FORCE ROW LEVEL SECURITY")
