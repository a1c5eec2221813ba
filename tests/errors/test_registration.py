"""Exceptions that are registered are answered, rolled back, logged and written as our own errors are."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.signals import got_request_exception
from django.db import transaction
from django.utils.translation import gettext_lazy
from ninja.streaming import JSONL

from django_matt import MattAPI, Schema
from django_matt.errors.exceptions import Conflict, NotFound
from django_matt.errors.fields import find_location
from django_matt.errors.problems import ErrorResponse, FieldError

from .conftest import raises

PROBLEM = "application/problem+json"


class CardError(Exception):
    """What the library of a payment service raises."""


class Declined(CardError):
    pass


def declined(request, exc):
    return ErrorResponse(
        status=402,
        detail=f"The card was declined: {exc}.",
        code="card_declined",
        headers={"Retry-After": "60"},
        members={"card": "1234"},
    )


@pytest.fixture
def paying(raising) -> Callable[..., Any]:
    """Return ``paying(exc, to_error, kind=…, **more)``: a project whose route raises, with a registered class."""

    def mount(exc: Exception, to_error: Any, kind: Any = CardError, **more: Any) -> Any:
        hint = more.pop("hint", None)
        project = raising(raises(exc), **more)
        project.api.register_error(kind, to_error, hint=hint)
        return project

    return mount


def test_it_is_answered_in_ninja_s_body(paying):
    answer = paying(CardError("no money"), declined).get()
    assert answer.status_code == 402
    assert answer.json() == {"detail": "The card was declined: no money."}
    assert answer.headers["Retry-After"] == "60"
    assert answer.headers["X-Request-ID"]
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"


def test_it_is_answered_in_the_format_of_the_client(paying):
    answer = paying(CardError("no money"), declined).get(accept="application/yaml")
    assert answer.content == b"detail: 'The card was declined: no money.'\n"


def test_it_is_answered_as_a_problem_document(paying):
    answer = paying(CardError("no money"), declined).get(accept=PROBLEM, x_request_id="a1")
    assert answer.headers["Content-Type"] == PROBLEM
    assert answer.json() == {
        "card": "1234",
        "type": "about:blank",
        "title": "Payment Required",
        "status": 402,
        "detail": "The card was declined: no money.",
        "instance": "/api/it",
        "code": "card_declined",
        "request_id": "a1",
    }


def test_a_subclass_is_answered_by_the_nearest_class(paying):
    project = paying(Declined("x"), declined)
    project.api.register_error(Declined, lambda request, exc: Conflict("Declined.", code="no"))
    answer = project.get(accept=PROBLEM)
    assert (answer.status_code, answer.json()["code"]) == (409, "no")


def test_none_leaves_the_answer_to_the_next_class_and_then_to_us(paying):
    project = paying(Declined("x"), declined)
    project.api.register_error(Declined, lambda request, exc: None)
    assert project.get().status_code == 402
    project.api.register_error(CardError, lambda request, exc: None)
    assert project.get().status_code == 500


def test_a_handler_of_the_project_s_for_the_class_wins(paying):
    project = paying(CardError("x"), declined)

    @project.api.exception_handler(CardError)
    def own(request, exc):
        return project.api.create_response(request, {"own": True}, status=418)

    project.api.register_error(CardError, declined)
    assert project.get().json() == {"own": True}


def test_it_is_answered_before_a_handler_of_the_project_s_for_every_exception(paying):
    project = paying(CardError("x"), declined)

    @project.api.exception_handler(Exception)
    def every(request, exc):
        return project.api.create_response(request, {"every": True}, status=418)

    assert project.get().status_code == 402


def test_an_exception_that_django_matt_knows_can_be_answered_otherwise(paying):
    project = paying(NotFound("x"), lambda *_: ErrorResponse(status=410, detail="Gone"), NotFound)
    assert project.get().status_code == 410


def test_a_lazy_text_is_in_the_language_of_the_request(paying, settings):
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.middleware.locale.LocaleMiddleware"]
    text = gettext_lazy("This field is required.")
    project = paying(CardError("x"), lambda *_: ErrorResponse(status=402, detail=text))
    assert project.get(accept_language="en").json() == {"detail": "This field is required."}
    german = project.get(accept_language="de").json()["detail"]
    assert german
    assert german != "This field is required."
    assert project.get(accept_language="de", accept=PROBLEM).json()["detail"] == german


def test_the_log_says_where_it_came_from(paying, caplog):
    paying(CardError("x"), declined).get()
    (record,) = [each for each in caplog.records if each.exc_info]
    assert (record.levelname, record.name) == ("WARNING", "django.request")
    assert record.getMessage() == "Payment Required: /api/it"
    assert record.filename == "conftest.py"


def test_what_was_raised_as_an_answer_is_not_logged_again(paying, caplog):
    paying(NotFound("x"), lambda *_: Conflict("x"), NotFound).get()
    assert not [each for each in caplog.records if each.exc_info]


def test_a_fault_is_logged_as_an_error_and_signalled(paying, caplog):
    seen: list[Any] = []

    def receive(**more: Any) -> None:
        seen.append(more["request"].path)

    got_request_exception.connect(receive)
    try:
        project = paying(
            CardError("x"), lambda *_: ErrorResponse(status=503, detail="Off", is_fault=True)
        )
        assert project.get().status_code == 503
    finally:
        got_request_exception.disconnect(receive)
    assert seen == ["/api/it"]
    assert "ERROR" in {each.levelname for each in caplog.records if each.exc_info}


@pytest.mark.parametrize(
    "hint", ["Top up the account.", lambda exc: f"Top up the account: {exc}."], ids=["text", "call"]
)
def test_debug_shows_its_hint(paying, settings, hint):
    settings.DEBUG = True
    shown = paying(CardError("x"), declined, hint=hint).get(accept=PROBLEM).json()
    assert shown["hint"].startswith("Top up the account")
    settings.DEBUG = False
    assert "hint" not in paying(CardError("x"), declined, hint=hint).get(accept=PROBLEM).json()


def test_debug_shows_the_hint_of_an_exception_that_is_answered_as_a_fault(paying, settings):
    settings.DEBUG = True
    project = paying(CardError("x"), lambda *_: None, hint="Top up the account.")
    answer = project.get()
    assert answer.status_code == 500
    assert answer.json()["hint"] == "Top up the account."


def test_a_function_that_fails_is_a_fault_of_ours(paying, caplog):
    answer = paying(CardError("x"), lambda request, exc: 1 / 0).get()
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_what_the_view_wrote_is_rolled_back(serve):
    api = MattAPI()
    api.register_error(CardError, declined)

    @api.post("/pay")
    @transaction.atomic
    def pay(request):
        Group.objects.create(name="paid")
        raise CardError("x")

    assert serve(api).post("/api/pay").status_code == 402
    assert not Group.objects.exists()


def test_the_end_of_a_stream_says_it(serve):
    api = MattAPI()
    api.register_error(CardError, declined)

    @api.get("/numbers", response=JSONL[dict[str, int]])
    def numbers(request):
        yield {"a": 1}
        raise CardError("no money")

    answer = serve(api).get("/api/numbers")
    lines = [json.loads(line) for line in b"".join(answer.streaming_content).splitlines()]
    assert lines[0] == {"a": 1}
    assert (lines[1]["code"], lines[1]["status"]) == ("card_declined", 402)


class Line(Schema):
    count: int


class Order(Schema):
    lines: list[Line]


class Unavailable(Exception):
    def __init__(self, lines: list[Line], indexes: list[int]) -> None:
        super().__init__("unavailable")
        self.lines, self.indexes = lines, indexes


def unavailable(request, exc):
    place = find_location(request, exc.lines) or ("body",)
    return ErrorResponse(
        status=409,
        detail="Some lines cannot be delivered.",
        code="unavailable",
        members={"warehouse": "Oslo"},
        field_errors=[
            FieldError((*place, index, "count"), gettext_lazy("Not enough."), "too_many")
            for index in exc.indexes
        ],
    )


def test_field_errors_are_written_in_both_forms(serve, settings):
    api = MattAPI()
    api.register_error(Unavailable, unavailable)

    @api.post("/orders")
    def order(request, order: Order):
        raise Unavailable(order.lines, [1, 2, 3])

    settings.MATT = {"MAX_ERRORS": 2}
    client = serve(api)

    def post(accept: str) -> Any:
        return client.post(
            "/api/orders",
            {"lines": [{"count": 1}] * 4},
            content_type="application/json",
            headers={"accept": accept},
        )

    answer = post("application/json")
    assert answer.status_code == 409
    assert answer.json() == {
        "detail": [
            {
                "type": "too_many",
                "loc": ["body", "order", "lines", 1, "count"],
                "msg": "Not enough.",
            },
            {
                "type": "too_many",
                "loc": ["body", "order", "lines", 2, "count"],
                "msg": "Not enough.",
            },
        ],
        "warehouse": "Oslo",
        "omitted": 1,
    }
    shown = post(PROBLEM).json()
    # The client does not know what the view calls its body.
    assert [each["pointer"] for each in shown["errors"]] == [
        "#/body/lines/1/count",
        "#/body/lines/2/count",
    ]
    assert (shown["detail"], shown["omitted"]) == ("Some lines cannot be delivered.", 1)


def test_only_a_plain_function_for_a_class_of_exceptions_can_be_registered():
    async def later(request, exc):
        return None

    api = MattAPI()
    with pytest.raises(TypeError, match="later is async def"):
        api.register_error(CardError, later)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="class of exceptions"):
        api.register_error(404, declined)  # type: ignore[arg-type]
