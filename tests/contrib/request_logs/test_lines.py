"""Each request writes one line, which says what happened and contains nothing that a client could abuse."""

import asyncio
import io
import json
import logging
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.db import connection, connections
from django.db.backends.signals import connection_created
from django.http import FileResponse, StreamingHttpResponse
from django.test import Client
from ninja.security import django_auth

from django_matt import MattAPI
from django_matt.contrib.request_logs.formatters import ConsoleFormatter, JSONFormatter
from django_matt.contrib.request_logs.queries import count_queries
from django_matt.errors.exceptions import NotFound
from django_matt.extensions import current_request_id
from django_matt.wsgi import get_wsgi_application

pytestmark = pytest.mark.django_db(transaction=True)

ID = re.compile(r"[0-9a-f]{32}")
yours = logging.getLogger("shop.orders")


@pytest.fixture
def api(tmp_path):
    api = MattAPI()
    (tmp_path / "lamp.txt").write_text("a lamp")

    @api.get("/users/{int:number}")
    def one(request, number: int):
        return {"users": User.objects.count(), "more": User.objects.exists()}

    @api.get("/async-users")
    async def some(request):
        return {"users": await User.objects.acount()}

    @api.get("/seen")
    async def seen(request):
        yours.info("packed", extra={"order": 7, "request_id": ""})
        return {"id": current_request_id.get()}

    @api.get("/missing")
    def missing(request):
        raise NotFound

    @api.get("/oops")
    def oops(request):
        yours.warning("about to fail")
        raise ZeroDivisionError

    @api.get("/me", auth=django_auth)
    def me(request):
        return {"name": request.user.username}

    @api.get("/parts")
    def parts(request):
        def numbers():
            for _ in range(3):
                User.objects.exists()
                yours.info("part of %s", current_request_id.get())
                yield b"12345"

        return StreamingHttpResponse(numbers())

    @api.get("/async-parts")
    async def async_parts(request):
        async def numbers():
            for _ in range(3):
                await User.objects.aexists()
                yours.info("part of %s", current_request_id.get())
                yield b"12345"

        return StreamingHttpResponse(numbers())

    @api.get("/file")
    def file(request):
        return FileResponse((tmp_path / "lamp.txt").open("rb"))

    return api


def test_a_request_is_one_json_object(logged, api):
    ask, log = logged(api)
    response = ask("/users/3?token=secret")
    (entry,) = log.entries
    began = datetime.fromisoformat(entry.pop("time"))
    assert began.tzinfo == UTC
    assert entry.pop("ms") > 0
    assert entry == {
        "level": "INFO",
        "logger": "django_matt.request",
        "message": "GET /api/users/3 200",
        "request_id": response.headers["X-Request-ID"],
        "method": "GET",
        "path": "/api/users/3",
        "route": "/api/users/<int:number>",
        "status": 200,
        "queries": 2,
        "bytes": len(response.content),
    }


def test_in_development_a_request_is_a_short_line(logged, api):
    ask, log = logged(api, debug=True)
    ask("/users/3")
    ask("/async-users")
    ask("/seen")
    lines = [re.sub(r"\d\d:\d\d:\d\d|[\d.]+ ms", "…", line) for line in log.lines]
    assert lines == [
        "… GET /api/users/3 200 … 2 queries",
        "… GET /api/async-users 200 … 1 query",
        "… shop.orders packed",
        "… GET /api/seen 200 …",
    ]


@pytest.mark.parametrize("debug", [True, False])
def test_in_development_the_files_of_the_documentation_have_no_line(logged, api, debug):
    ask, log = logged(api, debug=debug)
    ask("/_matt/matt.css")
    assert len(log.lines) == (0 if debug else 1)
    ask("/_matt/nothing.css")
    assert "/api/_matt/nothing.css" in log.lines[-1]


@pytest.mark.parametrize("debug", [True, False])
def test_in_development_a_missing_favicon_has_no_line(logged, log_to, api, debug):
    logged(api)
    log = log_to(debug=debug)
    assert Client().get("/favicon.ico").status_code == 404
    assert len(log.lines) == (0 if debug else 1)
    assert Client().get("/other.ico").status_code == 404
    assert "GET /other.ico 404" in log.lines[-1]


def test_the_query_string_is_never_logged(logged, api):
    ask, log = logged(api)
    for path in ("/users/3", "/users/x", "/missing", "/oops"):
        ask(f"{path}?token=secret")
    assert "secret" not in "\n".join(log.lines)


def test_without_the_option_no_query_is_counted(logged, api):
    ask, log = logged(api, QUERIES=False)
    ask("/users/3")
    assert "queries" not in log.requests[0]


@pytest.mark.parametrize(("path", "status"), [("/missing", 404), ("/users/x", 404), ("/no", 404)])
def test_a_client_error_is_one_line(logged, api, path, status):
    ask, log = logged(api)
    assert ask(path).status_code == status
    (entry,) = log.entries
    assert (entry["status"], entry["level"]) == (status, "WARNING")


def test_an_invalid_body_is_one_line(logged, api):
    @api.post("/numbers")
    def numbers(request, number: int):
        return number

    ask, log = logged(api)
    assert ask("/numbers?number=x", "post").status_code == 422
    assert [entry["status"] for entry in log.entries] == [422]


def test_an_exception_is_logged_once_with_its_traceback(logged, api):
    ask, log = logged(api)
    response = ask("/oops")
    assert response.status_code == 500
    warning, error, line = log.entries
    assert warning["message"] == "about to fail"
    assert (error["level"], error["logger"]) == ("ERROR", "django.request")
    assert error["exception"].endswith("ZeroDivisionError")
    assert (line["level"], line["status"]) == ("WARNING", 500)
    ids = {entry["request_id"] for entry in log.entries}
    assert ids == {response.json()["request_id"], response.headers["X-Request-ID"]}


def test_a_foreign_host_is_told_without_a_traceback(logged, api):
    ask, log = logged(api)
    assert ask("/seen", Host="evil.example").status_code == 400
    told, line = log.entries
    assert told["logger"] == "django.security.DisallowedHost"
    assert "exception" not in told
    assert line["status"] == 400


def test_each_response_has_an_id_and_no_two_the_same(logged, api):
    ask, log = logged(api)
    ids = [ask(path).headers["X-Request-ID"] for path in ("/seen", "/seen", "/no", "/oops")]
    assert len(set(ids)) == 4
    assert all(map(ID.fullmatch, ids))
    assert [entry["request_id"] for entry in log.requests] == ids


def test_the_id_is_a_context_variable_while_the_view_runs(logged, api):
    ask, _ = logged(api)
    response = ask("/seen")
    assert response.json()["id"] == response.headers["X-Request-ID"]
    assert current_request_id.get() == ""


def test_every_record_of_a_request_has_the_id_and_what_extra_adds(logged, api):
    ask, log = logged(api)
    response = ask("/seen")
    assert log.entries[0]["request_id"] == response.headers["X-Request-ID"]
    assert log.entries[0]["order"] == 7


def test_the_id_of_the_client_is_not_used(logged, api):
    ask, log = logged(api)
    response = ask("/oops", X_Request_ID="chosen-by-me")
    assert response.json()["request_id"] != "chosen-by-me"
    assert "chosen-by-me" not in "\n".join(log.lines)


def test_the_id_of_a_trusted_proxy_is_used(logged, api):
    ask, log = logged(api, TRUST_REQUEST_ID=True)
    response = ask("/oops", X_Request_ID="from-the-proxy_1.2")
    assert response.headers["X-Request-ID"] == "from-the-proxy_1.2"
    assert response.json()["request_id"] == "from-the-proxy_1.2"
    assert {entry["request_id"] for entry in log.entries} == {"from-the-proxy_1.2"}


@pytest.mark.parametrize(
    "given", ["", "a b", "a\nb", "\x1b[31mred", "x" * 10_000, "é", "a;b", '"'], ids=ascii
)
def test_a_malformed_id_of_a_trusted_proxy_is_replaced(logged, api, given):
    ask, log = logged(api, TRUST_REQUEST_ID=True)
    response = ask("/seen", X_Request_ID=given)
    assert ID.fullmatch(response.headers["X-Request-ID"])
    assert [entry["request_id"] for entry in log.requests] == [response.headers["X-Request-ID"]]


@pytest.mark.parametrize("debug", [True, False])
@pytest.mark.parametrize(
    "path",
    ["/a%0Ab", "/a%1B%5B31m", "/%ff%fe", "/%ED%B3%BF", "/%00", "/%E2%80%A8", "/" + "x" * 10_000],
    ids=lambda path: path[:12],
)
def test_whatever_is_in_the_path_the_line_is_one_and_ascii(logged, api, path, debug):
    ask, log = logged(api, debug=debug)
    ask(path)
    (line,) = log.lines
    assert line.isascii()
    assert line.isprintable()
    assert len(line) < 5_000
    assert debug or json.loads(line)["route"] == "/api/<path:unknown>"


def test_a_user_that_the_view_has_loaded_is_named(logged, api, client):
    user = User.objects.create_user("ada")
    client.force_login(user)
    ask, log = logged(api)
    assert ask("/me", **session(client)).json() == {"name": "ada"}
    assert log.requests[0]["user"] == user.pk


def session(client):
    # Sync and async clients take their cookies from different places.
    return {"cookies": client.cookies}


def test_no_query_is_made_to_name_a_user(logged, api, client):
    client.force_login(User.objects.create_user("ada"))
    ask, log = logged(api)
    ask("/seen", **session(client))
    assert "user" not in log.requests[0]
    assert log.requests[0]["queries"] == 0


@pytest.mark.parametrize("path", ["/parts", "/async-parts"])
def test_a_stream_is_logged_when_it_has_ended(logged, api, path):
    ask, log = logged(api)
    response = ask(path)
    assert log.requests == []
    read(response)
    (entry,) = log.requests
    assert (entry["bytes"], entry["queries"]) == (15, 3)
    assert "ended" not in entry
    id_ = response.headers["X-Request-ID"]
    assert [each["message"] for each in log.entries[:-1]] == [f"part of {id_}"] * 3
    assert {each["request_id"] for each in log.entries} == {id_}
    response.close()
    assert len(log.requests) == 1


def read(response):
    if not response.is_async:
        return list(response)

    async def collect():
        parts = [part async for part in response]
        # The queries of the stream have opened a connection in the thread of this event loop.
        await sync_to_async(connections.close_all)()
        return parts

    return asyncio.run(collect())


def test_a_stream_that_the_client_does_not_read_to_its_end_is_no_error(logged, api):
    ask, log = logged(api, debug=True)
    response = ask("/parts")
    next(iter(response))
    response.close()
    assert re.search(r"GET /api/parts 200 [\d.]+ ms 1 query client disconnected$", log.lines[-1])


def test_a_stream_that_fails_is_logged_as_broken_off(logged, api):
    @api.get("/broken")
    def broken(request):
        def numbers():
            yield b"1"
            raise ZeroDivisionError

        return StreamingHttpResponse(numbers())

    ask, log = logged(api)
    response = ask("/broken")
    with pytest.raises(ZeroDivisionError):
        list(response)
    assert (log.requests[0]["ended"], log.requests[0]["bytes"]) == ("failed", 1)


def test_the_head_of_a_stream_is_complete(logged, api):
    ask, log = logged(api)
    response = ask("/parts", "head")
    response.close()
    (entry,) = log.requests
    assert "ended" not in entry


def test_a_file_is_logged_with_its_length_and_sent_as_before(logged, api):
    ask, log = logged(api)
    response = ask("/file")
    assert b"".join(read(response)) == b"a lamp"
    response.close()
    assert [entry["bytes"] for entry in log.requests] == [6]


def test_a_server_still_sends_a_file_by_itself(logged, api):
    _, log = logged(api)
    sent = []

    def send(file, size):
        sent.append(file)
        return []

    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/api/file",
        "SERVER_NAME": "testserver",
        "SERVER_PORT": "80",
        "wsgi.input": io.BytesIO(),
        "wsgi.url_scheme": "http",
        "wsgi.errors": sys.stderr,
        "wsgi.file_wrapper": send,
    }
    get_wsgi_application()(environ, lambda status, headers, *_: sent.append)
    assert log.requests == []
    sent[0].close()
    assert log.requests[0]["bytes"] == 6


def test_a_client_that_leaves_before_the_response_is_no_error(serve, settings, log_to):
    from .conftest import MIDDLEWARE

    api = MattAPI()

    begun = []

    @api.get("/slow")
    async def slow(request):
        begun.append(request)
        await asyncio.sleep(60)

    settings.MIDDLEWARE = [MIDDLEWARE, *settings.MIDDLEWARE]
    client = serve(api)
    log = log_to()

    async def leave():
        task = asyncio.ensure_future(client.async_client.get("/api/slow"))
        while not begun:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(leave())
    (entry,) = log.entries
    assert (entry["level"], entry["ended"], entry["message"]) == (
        "INFO",
        "disconnected",
        "GET /api/slow -",
    )


def test_a_higher_level_leaves_successes_out(logged, api):
    ask, log = logged(api, level="WARNING")
    ask("/seen")
    ask("/missing")
    assert [entry["status"] for entry in log.entries] == [404]


def test_a_record_outside_of_requests_has_no_id(log_to):
    log = log_to()
    yours.info("started")
    assert log.entries[0]["request_id"] == "-"


class Unprintable:
    def __str__(self):
        raise RuntimeError


def test_a_value_that_is_no_json_is_text(log_to):
    log = log_to()
    loop: list[object] = []
    loop.append(loop)
    yours.info("odd", extra={"a": {1, 2}, "b": Unprintable(), "message_": "\ud800\x1b\n"})
    yours.info("odder", extra={"a": {(1, 2): 3}})
    yours.info("oddest", extra={"a": loop})
    assert [entry["message"] for entry in log.entries] == ["odd", "odder", "oddest"]
    assert log.entries[0]["b"] == "<Unprintable>"
    assert "\x1b" not in "".join(log.lines)


@pytest.mark.parametrize("value", [float("nan"), {"at": float("inf")}, {(1, 2): 3}])
def test_a_value_without_json_is_text_and_the_others_stay(log_to, value):
    log = log_to()
    yours.info("packed", extra={"order": 7, "weight": value})

    def refuse(name):
        raise AssertionError(f"{name} is no JSON")

    (line,) = log.lines
    entry = json.loads(line, parse_constant=refuse)
    assert (entry["order"], type(entry["weight"])) == (7, str)


def test_counting_queries_leaves_the_wrappers_of_others_alone():
    count_queries()
    before = [*connection.execute_wrappers]
    connection.execute_wrappers.clear()

    def theirs(execute, *arguments):
        return execute(*arguments)

    # The first query inside opens the connection.
    with connection.execute_wrapper(theirs):
        connection_created.send(type(connection), connection=connection)
    assert connection.execute_wrappers == before


@pytest.mark.parametrize(
    ("environment", "is_terminal", "colored"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"FORCE_COLOR": "1"}, False, True),
    ],
)
def test_lines_are_coloured_on_a_terminal_alone(monkeypatch, environment, is_terminal, colored):
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stderr.isatty", lambda: is_terminal, raising=False)
    record = logging.makeLogRecord({"name": "shop", "levelname": "WARNING", "msg": "low"})
    assert ("\x1b[33mWARNING\x1b[0m" in ConsoleFormatter().format(record)) is colored
    assert "\x1b" not in json.loads(JSONFormatter().format(record))["message"]


def test_in_development_a_traceback_that_is_shown_already_is_one_line(log_to):
    log = log_to(debug=True)
    record = logging.makeLogRecord(
        {"name": "shop", "levelno": 40, "levelname": "ERROR", "msg": "broken"}
    )
    record.exc_info = (ValueError, ValueError(), None)
    record.exc_text = "(the traceback is shown above)"
    yours.handle(record)
    assert [line.split(" ", 1)[1] for line in log.lines] == [
        "ERROR shop broken (the traceback is shown above)"
    ]


def test_in_development_a_client_s_fault_is_one_line_with_its_place(log_to):
    log = log_to(debug=True)
    place = Path.cwd() / "catalog/controllers.py"
    record = logging.LogRecord("django.request", 30, str(place), 42, "Conflict: /items", (), None)
    error = ValueError("UNIQUE constraint failed\nDETAIL: name")
    record.exc_info, record.status_code = (ValueError, error, None), 409
    logging.getLogger("django.request").handle(record)
    record.status_code = 500
    logging.getLogger("django.request").handle(record)
    assert log.lines[0].split(" ", 1)[1] == (
        "WARNING django.request Conflict: /items"
        " (ValueError: UNIQUE constraint failed DETAIL: name; catalog/controllers.py:42)"
    )
    assert "ValueError: UNIQUE constraint failed" in log.lines[2:]


def test_django_s_own_server_adds_no_line(log_to):
    log = log_to()
    server = logging.getLogger("django.server")
    server.info('"%s" %s %s', "GET / HTTP/1.1", "200", "5", extra={"status_code": 200})
    server.error("You're accessing the development server over HTTPS", extra={"status_code": 400})
    assert len(log.lines) == 1


def test_uvicorn_says_nothing_but_problems(log_to):
    log = log_to()
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).info("Started server process")
    logging.getLogger("uvicorn.error").error("Exception in ASGI application")
    assert [entry["message"] for entry in log.entries] == ["Exception in ASGI application"]
