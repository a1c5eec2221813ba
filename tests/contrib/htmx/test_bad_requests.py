"""Requests and mistakes that nobody planned for, in sync and in async views."""

from functools import wraps
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.core.exceptions import PermissionDenied
from django.core.signals import got_request_exception
from ninja.throttling import AnonRateThrottle

from django_matt import MattAPI, ModelSchema, Schema
from django_matt.contrib.htmx.representations import html
from tests.contrib.htmx.conftest import BROWSER, FRAGMENT
from tests.project.models import Author, Book

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]


class BookOut(ModelSchema):
    class Meta:
        model = Book
        fields = ["id", "title", "price"]


class Line(Schema):
    name: str
    amount: int


class Odd(Schema):
    """A form whose names are those of a template."""

    model_config = {"extra": "forbid"}
    items: list[Line] = []
    form: str
    data: int
    page: bool


@pytest.fixture(params=["sync", "async"])
def client(request: Any, serve: Any, author: Author) -> Any:
    api = MattAPI(problem_details=True)

    def view(function: Any) -> Any:
        if request.param == "sync":
            return function

        @wraps(function)
        async def run(*arguments: Any, **named: Any) -> Any:
            return await sync_to_async(function)(*arguments, **named)

        return run

    @api.get("/books", response=list[BookOut])
    @html("shelf/books.html", fragment="rows", invalid="rows")
    @view
    def books(request, number: int = 3):
        return Book.objects.order_by("id")

    @api.get("/missing", response=list[BookOut])
    @html("shelf/books.html", fragment="nothing")
    @view
    def missing(request):
        return Book.objects.order_by("id")

    @api.post("/odd", response=dict)
    @html("shelf/book.html", fragment="row", invalid="form")
    @view
    def odd(request, data: Odd):
        return data.dict()

    @api.post("/unfinished", response=dict)
    @html("shelf/book.html", fragment="row", invalid="nothing")
    @view
    def unfinished(request, data: Odd):
        return data.dict()

    @api.post("/to", response=dict)
    @html("shelf/book.html", location="/{first}/{second}")
    @view
    def to(request, first: str, second: str):
        return {"first": first, "second": second}

    @api.get("/denied", response=dict)
    @html("shelf/book.html", fragment="row")
    @view
    def denied(request):
        raise PermissionDenied

    @api.get("/seldom", response=list[BookOut], throttle=[AnonRateThrottle("1/h")])
    @html("shelf/books.html", fragment="rows")
    @view
    def seldom(request):
        return Book.objects.order_by("id")

    found = serve(api)
    found.mode = request.param
    return found


ERRORS = [
    ("get", "/api/books?number=many", 422, "number: Input should be a valid integer"),
    ("get", "/api/denied", 403, "You do not have permission"),
    ("get", "/api/missing", 500, "Something went wrong on our side"),
    ("get", "/api/nowhere", 404, "Not Found"),
    ("get", "/api/odd", 405, "Method not allowed"),
    ("get", "/api/books?format=none", 406, "None of the formats"),
]


@pytest.mark.parametrize(("method", "url", "status", "text"), ERRORS)
def test_htmx_gets_every_error_of_the_api_as_a_toast(client, method, url, status, text):
    answer = getattr(client, method)(url, headers=FRAGMENT)
    assert (answer.status_code, answer["HX-Retarget"]) == (status, "#matt-toasts")
    assert answer["Content-Type"] == "text/html; charset=utf-8"
    assert text in answer.text
    assert "HX-Request" in answer["Vary"]
    assert answer["Content-Length"] == str(len(answer.content))
    if status != 500:
        program = getattr(client, method)(url, headers={"accept": "application/json"})
        assert program.json()["status"] == status


@pytest.mark.parametrize("url", [url for _, url, status, _ in ERRORS if status != 406])
def test_under_asgi_an_error_has_the_length_of_its_content(client, url):
    """A server breaks off a response that is longer than it said."""
    for headers in (FRAGMENT, BROWSER):
        # In this thread, so that no connection to the database is left open in another.
        answer = async_to_sync(client.async_client.get)(url, headers=headers)
        assert answer["Content-Length"] == str(len(answer.content))
        assert answer.content


def test_error_trackers_see_a_template_that_fails(client):
    seen = []

    def see(**_: Any) -> None:
        import sys

        seen.append(type(sys.exc_info()[1]).__name__)

    got_request_exception.connect(see)
    try:
        answer = client.get("/api/missing", headers=FRAGMENT)
        assert (answer.status_code, "shelf" in answer.text) == (500, False)
        # The form of a refused request fails too: the client learns at least what was refused.
        answer = client.post("/api/unfinished", {}, headers=FRAGMENT)
        assert (answer.status_code, answer["HX-Retarget"]) == (422, "#matt-toasts")
        assert "The request has 2 invalid values." in answer.text
        answer = client.post("/api/unfinished", {}, headers=BROWSER)
        assert answer.status_code == 422
    finally:
        got_request_exception.disconnect(see)
    assert seen == ["TemplateDoesNotExist"] * 2


@pytest.mark.parametrize(
    ("first", "second", "location"),
    [
        ("/evil.example", "x", "/%2Fevil.example/x"),
        ("", "evil.example", "/%2Fevil.example"),
        ("\\evil.example", "x", "/%5Cevil.example/x"),
        ("a?b#c", "d e", "/a%3Fb%23c/d%20e"),
        ("ü", "a\r\nX: y", "/%C3%BC/a%0D%0AX%3A%20y"),
    ],
)
def test_data_never_leads_a_browser_to_another_place(client, first, second, location):
    from urllib.parse import urlencode

    url = f"/api/to?{urlencode({'first': first, 'second': second})}"
    assert client.post(url, headers=BROWSER)["Location"] == location
    # A route without a fragment leads htmx on too.
    assert client.post(url, headers=FRAGMENT)["HX-Redirect"] == location


def test_a_form_may_have_the_names_of_a_template(client):
    sent = {"form": "<ü>", "data": "1", "items.0.name": "n", "items.0.amount": "many"}
    answer = client.post("/api/odd", sent, headers=FRAGMENT)
    assert answer.status_code == 422
    assert 'name="items.0.amount"' in answer.text
    assert 'value="many"' in answer.text
    assert 'value="&lt;ü&gt;"' in answer.text
    answer = client.post("/api/odd", sent | {"items.0.amount": "2"}, headers=FRAGMENT)
    assert answer.status_code == 200


def test_a_form_with_an_unknown_name_is_refused_where_the_schema_forbids_it(client):
    sent = {"form": "a", "data": "1", "<b>": "1"}
    answer = client.post("/api/odd", sent, headers=FRAGMENT)
    assert answer.status_code == 422
    assert "&lt;b&gt;: Extra inputs are not permitted" in answer.text


def test_a_form_that_is_too_large_is_told_in_a_toast(client, settings):
    many = {f"field{number}": "1" for number in range(10_000)}
    answer = client.post("/api/odd", many, headers=FRAGMENT)
    assert (answer.status_code, answer["HX-Retarget"]) == (400, "#matt-toasts")
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000
    long = "form=" + "x" * 5_000
    form = "application/x-www-form-urlencoded"
    answer = client.post("/api/odd", long, content_type=form, headers=FRAGMENT)
    assert (answer.status_code, answer["HX-Retarget"]) == (413, "#matt-toasts")


def test_who_asks_too_often_is_told_when_to_come_back(client, settings):
    from django.core.cache import cache

    cache.clear()
    assert client.get("/api/seldom", headers=FRAGMENT).status_code == 200
    for headers in (FRAGMENT, BROWSER):
        answer = client.get("/api/seldom", headers=headers)
        assert answer.status_code == 429
        assert int(answer["Retry-After"]) > 3_000
    cache.clear()


@pytest.mark.parametrize("value", ["TRUE", "1", "true, true", "<x>", "x" * 10_000])
def test_an_htmx_header_that_htmx_does_not_send_is_no_htmx(client, value):
    answer = client.get("/api/books", headers={"hx-request": value})
    assert answer["Content-Type"].startswith("application/json")


def test_a_query_parameter_chooses_before_the_headers_do(client):
    assert client.get("/api/books?format=html").text.startswith("<!doctype html>")
    assert len(client.get("/api/books?format=json", headers=FRAGMENT).json()) == 5


def test_head_has_the_headers_of_get(client):
    for headers in (FRAGMENT, BROWSER, {}):
        head, got = (
            getattr(client, name)("/api/books", headers=headers) for name in ("head", "get")
        )
        assert (head.content, head["Content-Length"]) == (b"", got["Content-Length"])
        assert head["Content-Type"] == got["Content-Type"]
