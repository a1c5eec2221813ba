"""Limits of routes: slow statements and locks end in clear errors, and the connection carries nothing to the next request."""

import threading
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, connections, transaction

from django_matt import Schema
from django_matt.contrib.postgres.timeouts import lock_timeout, statement_timeout
from tests.project.models import Author

from .conftest import caller, new_api, postgres

pytestmark = [postgres, pytest.mark.django_db(transaction=True)]
SHOW = "SELECT current_setting('statement_timeout'), current_setting('lock_timeout')"


def run(sql: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()


def serve_routes(serve: Any, kind: str) -> Any:
    """Serve routes that sleep, lock, write and show, each as a function of the kind."""
    api = new_api()

    def lock() -> Any:
        with transaction.atomic():
            return Author.objects.select_for_update().get().name

    def write() -> None:
        Author.objects.create(name="half")
        run("SELECT pg_sleep(30)")

    def add(path: str, work: Any, *marks: Any) -> None:
        if kind == "sync":

            def view(request):
                return work()
        else:

            async def view(request):
                return await sync_to_async(work)()

        view.__name__ = view.__qualname__ = f"{kind}_{path.strip('/')}"
        for mark in marks:
            view = mark(view)
        api.get(path)(view)

    add("/slow", lambda: run("SELECT pg_sleep(30)"), statement_timeout(100))
    add("/write", write, statement_timeout(100))
    add("/lock", lock, lock_timeout(100))
    add("/show", lambda: list(run(SHOW)), statement_timeout(1_500), lock_timeout(200))
    add("/free", lambda: list(run(SHOW)))
    add("/unlimited", lambda: list(run(SHOW)), statement_timeout(None), lock_timeout(None))
    return caller(serve(api), kind)


@pytest.fixture(params=["sync", "async"])
def kind(request: Any) -> str:
    return str(request.param)


def test_a_slow_statement_is_a_503_and_nothing_is_written(serve, kind):
    call = serve_routes(serve, kind)
    for path in ("/api/slow", "/api/write"):
        answer = call("get", path, headers={"Accept": "application/problem+json"})
        assert answer.status_code == 503, answer.content
        assert answer.json()["code"] == "query_timeout"
        assert answer.headers["Retry-After"] == "5"
    assert not Author.objects.exists()
    assert call("get", "/api/free").json() == ["0", "0"]


def test_a_lock_that_another_holds_is_a_409(serve, kind):
    call = serve_routes(serve, kind)
    Author.objects.create(name="Jane")
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            Author.objects.select_for_update().get()
            held.set()
            done.wait(30)
        connections.close_all()

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert held.wait(30)
        answer = call("get", "/api/lock", headers={"Accept": "application/problem+json"})
        assert (answer.status_code, answer.json()["code"]) == (409, "lock_timeout")
    finally:
        done.set()
        thread.join()
    assert call("get", "/api/lock").json() == "Jane"


def test_the_limits_last_for_one_request(serve, kind, settings):
    call = serve_routes(serve, kind)
    assert call("get", "/api/show").json() == ["1500ms", "200ms"]
    assert call("get", "/api/free").json() == ["0", "0"]
    settings.MATT_POSTGRES = {"STATEMENT_TIMEOUT": 3_000, "LOCK_TIMEOUT": 1_000}
    call = serve_routes(serve, kind)
    assert call("get", "/api/free").json() == ["3s", "1s"]
    assert call("get", "/api/show").json() == ["1500ms", "200ms"]
    assert call("get", "/api/unlimited").json() == ["0", "0"]
    assert list(run(SHOW)) == ["0", "0"]


def test_a_connection_that_is_kept_is_clean_after_a_timeout(serve):
    call = serve_routes(serve, "sync")
    before = run("SELECT pg_backend_pid()")
    assert call("get", "/api/slow").status_code == 503
    assert list(run(SHOW)) == ["0", "0"]
    assert run("SELECT pg_backend_pid()") == before


def test_the_document_has_the_errors_of_limited_routes(serve):
    api = new_api()

    @api.get("/it", response=Schema)
    @statement_timeout(100)
    def limited(request):
        return {}

    paths = serve(api).get("/api/openapi.json").json()["paths"]
    assert {"409", "503"} <= set(paths["/api/it"]["get"]["responses"])


@pytest.mark.parametrize("value", [0, -1, 1.5, "5s", True, 2**31])
def test_a_limit_is_a_positive_whole_number(value):
    with pytest.raises(ImproperlyConfigured, match="whole number above 0"):
        statement_timeout(value)


def test_a_route_without_transactions_cannot_have_a_limit(serve):
    api = new_api()

    @api.get("/it")
    @transaction.non_atomic_requests
    @statement_timeout(100)
    def limited(request):
        return {}

    assert serve(api).get("/api/it").status_code == 500
