"""Unexpected exceptions over HTTP: what the client gets, what the log, the signal and the transaction get."""

import asyncio
import json
import logging

import django
import pytest
from django.contrib.auth.models import Group
from django.core import mail
from django.core.exceptions import DisallowedHost
from django.core.signals import got_request_exception
from django.db import connection
from django.test import Client
from django.utils.log import AdminEmailHandler
from ninja.errors import HttpError
from ninja.testing import TestClient

from django_matt import MattAPI
from django_matt.errors.exceptions import Conflict, ServiceUnavailable
from django_matt.errors.handlers import report_stream_failure
from tests.errors.conftest import raises

SECRET = "s3cr3t-of-the-house"


class Broken(Exception):
    pass


def _break():
    password = SECRET
    raise Broken(f"cannot use {password}") from KeyError(SECRET)


def test_an_unexpected_exception_is_a_problem_document_that_tells_nothing(raising, settings):
    settings.SOME_SETTING = SECRET
    served = raising(_break)
    for accept in ("*/*", "text/html", "application/json"):
        answer = served.get(Accept=accept, Authorization=SECRET)
        assert answer.status_code == 500
        assert answer["Content-Type"] == "application/problem+json"
        assert answer.json() == {
            "type": "about:blank",
            "title": "Internal Server Error",
            "status": 500,
            "detail": "Something went wrong on our side. Quote the request id when you report it.",
            "instance": "/api/it",
            "code": "internal_error",
            "request_id": answer["X-Request-ID"],
        }
        everything = answer.content.decode() + str(dict(answer.items()))
        for leak in (SECRET, "Broken", "KeyError", ".py", "Traceback"):
            assert leak not in everything


def test_it_is_logged_once_with_its_traceback_and_structured_fields(raising, caplog):
    answer = raising(_break).get()
    # Ninja Extra writes a line of its own to the same logger; ours carry a request id.
    records = [r for r in caplog.records if hasattr(r, "request_id") or "Error" in r.getMessage()]
    assert len(records) == 1
    record = records[0]
    assert record.levelno == logging.ERROR
    assert record.getMessage() == "Internal Server Error: /api/it"
    assert isinstance(record.exc_info[1], Broken)
    assert record.status_code == 500
    assert record.request.path == "/api/it"
    assert record.request_id == answer["X-Request-ID"]


def test_the_record_says_where_the_exception_was_raised(raising, caplog):
    raising(_break).get()
    (record,) = [r for r in caplog.records if hasattr(r, "request_id")]
    first = _break.__code__.co_firstlineno
    assert (record.pathname, record.funcName) == (__file__, "_break")
    assert record.lineno == first + 2


def test_a_record_names_the_projects_frame_and_not_a_librarys(raising, caplog):
    def make():
        return json.loads("{")

    raising(make).get()
    (record,) = [r for r in caplog.records if hasattr(r, "request_id")]
    assert (record.pathname, record.funcName) == (__file__, "make")


def test_got_request_exception_is_sent_once_with_the_exception_at_hand(raising):
    import sys

    seen = []

    def receive(sender, request, **kwargs):
        seen.append((request.path, type(sys.exc_info()[1])))

    got_request_exception.connect(receive)
    try:
        raising(_break).get()
    finally:
        got_request_exception.disconnect(receive)
    assert seen == [("/api/it", Broken)]


def test_djangos_test_client_raises_it_when_asked(raising):
    raising(_break)
    with pytest.raises(Broken):
        Client(raise_request_exception=True).get("/api/it")


def test_a_receiver_that_fails_does_not_lose_the_answer(raising):
    def receive(sender, request, **kwargs):
        raise RuntimeError("receiver")

    got_request_exception.connect(receive)
    try:
        assert raising(_break).get().status_code == 500
    finally:
        got_request_exception.disconnect(receive)


def test_an_exception_raised_by_no_one_still_arrives_whole(serve, caplog):
    # An exception that a binding hands over without raising it.
    api = MattAPI()
    seen = []

    @api.get("/it")
    def it(request):
        return api.on_exception(request, Broken("made, not raised"))

    def receive(sender, request, **kwargs):
        import sys

        seen.append(sys.exc_info()[1])

    got_request_exception.connect(receive)
    try:
        assert serve(api).get("/api/it").status_code == 500
    finally:
        got_request_exception.disconnect(receive)
    assert isinstance(seen[0], Broken)
    (record,) = [r for r in caplog.records if hasattr(r, "request_id")]
    assert record.lineno > 0


def test_the_admins_get_their_mail(raising, settings):
    address = "ann@example.org"
    settings.ADMINS = [address] if django.VERSION >= (6, 0) else [("Ann", address)]
    logger, handler = logging.getLogger("django.request"), AdminEmailHandler()
    handler.setLevel(logging.ERROR)
    logger.addHandler(handler)
    try:
        raising(_break).get()
    finally:
        logger.removeHandler(handler)
    assert len(mail.outbox) == 1
    assert "Internal Server Error: /api/it" in mail.outbox[0].subject
    assert "Broken" in mail.outbox[0].body


def test_errors_raised_on_purpose_are_not_reported_as_faults(raising, caplog):
    seen = []

    def receive(**kwargs):
        seen.append(kwargs)

    got_request_exception.connect(receive)
    try:
        raising(raises(Conflict("x"))).get()
        raising(raises(ServiceUnavailable())).get()
    finally:
        got_request_exception.disconnect(receive)
    assert seen == []
    assert all(
        record.exc_info is None for record in caplog.records if record.name == "django.request"
    )


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("abc-1.2_Z", True),
        ("a" * 128, True),
        ("a" * 129, False),
        ("a b", False),
        ("a\nb", False),
        ("é", False),
    ],
)
def test_the_request_id_of_the_client_is_kept_if_it_is_harmless(raising, given, kept):
    answer = raising(_break).get(**{"X-Request-ID": given})
    assert (answer["X-Request-ID"] == given) is kept
    assert answer.json()["request_id"] == answer["X-Request-ID"]


def test_nobody_writes_lines_into_the_log_through_the_path(serve, caplog):
    api = MattAPI()

    @api.get("/files/{path:name}")
    def files(request, name: str):
        raise Broken

    answer = serve(api).get("/api/files/a%0dERROR%20forged%1b[31m")
    assert answer.json()["instance"] == "/api/files/a%0DERROR%20forged%1B%5B31m"
    ours = [r.getMessage() for r in caplog.records if hasattr(r, "request_id")]
    assert ours == ["Internal Server Error: /api/files/a\\rERROR forged\\x1b[31m"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("exc", "status"), [(Broken(), 500), (Conflict("x"), 409)], ids=["unexpected", "handled"]
)
def test_atomic_requests_are_rolled_back_for_every_exception_that_is_answered(serve, exc, status):
    api = MattAPI()

    @api.post("/it")
    def it(request):
        Group.objects.create(name="half done")
        raise exc

    connection.settings_dict["ATOMIC_REQUESTS"] = True
    try:
        assert serve(api).post("/api/it").status_code == status
    finally:
        connection.settings_dict["ATOMIC_REQUESTS"] = False
    assert not Group.objects.exists()


@pytest.mark.parametrize("exc", [KeyboardInterrupt, SystemExit])
def test_a_request_to_stop_is_not_an_error_to_answer(serve, exc):
    api = MattAPI()

    @api.get("/it")
    def it(request):
        raise exc

    client = serve(api)
    with pytest.raises(exc):
        client.get("/api/it")


def test_an_async_client_gets_the_same_answer(raising):
    served = raising(_break)
    answer = asyncio.run(served.client.async_client.get("/api/it"))
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")


def test_debug_propagate_exceptions_is_honoured(raising, settings):
    settings.DEBUG_PROPAGATE_EXCEPTIONS = True
    served = raising(_break)
    with pytest.raises(Broken):
        served.get()


def test_ninjas_test_client_still_raises(settings):
    api = MattAPI()

    @api.get("/it")
    def it(request):
        raise Broken("for the eyes of the test")

    with pytest.raises(Broken):
        TestClient(api).get("/it")
    settings.DEBUG = True
    answer = TestClient(api).get("/it")
    assert answer.status_code == 500
    assert b"Broken: for the eyes of the test" in answer.content


def test_a_failing_stream_is_reported_and_described(rf, caplog):
    seen = []

    def receive(**kwargs):
        seen.append(kwargs)

    got_request_exception.connect(receive)
    try:
        shown = report_stream_failure(MattAPI(), rf.get("/s"), Broken(SECRET))
        assert report_stream_failure(MattAPI(), rf.get("/s"), Conflict("no"))["detail"] == "no"
    finally:
        got_request_exception.disconnect(receive)
    assert (shown["status"], shown["code"], len(seen)) == (500, "internal_error", 1)
    assert SECRET not in str(shown)
    assert [r.getMessage() for r in caplog.records] == ["Internal Server Error in a stream: /s"]


def test_a_suspicious_operation_is_logged_where_django_logs_it(raising, caplog):
    assert raising(raises(DisallowedHost("evil"))).get().status_code == 400
    record = next(r for r in caplog.records if hasattr(r, "request_id"))
    assert (record.name, record.levelno) == ("django.security.DisallowedHost", logging.ERROR)


@pytest.mark.parametrize(
    "exc",
    [
        HttpError(7, "x"),
        HttpError("many", "x"),  # type: ignore[arg-type]
        Conflict("x", headers={"X-Bad": "a\r\nSet-Cookie: b"}),
    ],
    ids=["no such status", "not a number", "split header"],
)
def test_an_answer_that_http_cannot_carry_is_a_fault_of_ours(raising, exc):
    answer = raising(raises(exc)).get()
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "Set-Cookie" not in answer


def test_a_response_that_does_not_fit_is_logged_at_the_view(serve, caplog):
    api = MattAPI()

    @api.get("/it", response=list[int])
    def it(request):
        return ["a"]

    assert serve(api).get("/api/it").status_code == 500
    record = next(each for each in caplog.records if hasattr(each, "request_id"))
    assert (record.pathname, record.funcName) == (__file__, "it")
    assert record.lineno == it.__code__.co_firstlineno
