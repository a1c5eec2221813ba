"""One operation as JSON, as a page and as a fragment, in sync and in async views."""

import json
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.contrib import messages
from django.contrib.auth.models import User
from ninja.pagination import PageNumberPagination, paginate
from ninja.security import django_auth

from django_matt import MattAPI, ModelSchema, Schema, Status
from django_matt.contrib.conditional import conditional
from django_matt.contrib.htmx.parts import add_part, trigger
from django_matt.contrib.htmx.representations import html
from django_matt.errors.exceptions import Conflict
from tests.contrib.htmx.conftest import BROWSER, FRAGMENT
from tests.project.models import Author, Book

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]

VARY = "Accept, HX-Request, HX-Request-Type, HX-Boosted, HX-History-Restore-Request, HX-Target"


class BookOut(ModelSchema):
    class Meta:
        model = Book
        fields = ["id", "title", "price"]


class BookIn(Schema):
    title: str
    price: int | None = None
    signed: bool
    tags: list[int] = []


@pytest.fixture(params=["sync", "async"])
def client(request: Any, serve: Any, author: Author) -> Any:
    """A shelf of books, in sync and in async views."""
    api = MattAPI()
    is_async = request.param == "async"

    def view(function: Any) -> Any:
        if not is_async:
            return function
        from functools import wraps

        @wraps(function)
        async def run(*arguments: Any, **named: Any) -> Any:
            return await sync_to_async(function)(*arguments, **named)

        return run

    @api.get("/all", response=list[BookOut])
    @html("shelf/books.html", fragment="rows")
    @view
    def all_books(request):
        return Book.objects.order_by("id")

    @api.get("/books", response=list[BookOut])
    @html("shelf/books.html", fragment=["rows", "count"])
    @paginate(PageNumberPagination, page_size=2)
    def books(request):
        return Book.objects.order_by("id")

    @api.post("/books", response={201: BookOut, 200: BookOut}, auth=django_auth)
    @html("shelf/book.html", fragment="row", invalid="form", location="/api/books/{id}")
    @view
    def create(request, data: BookIn):
        if data.title == "taken":
            raise Conflict("It is <taken>.")
        made = Book.objects.create(title=data.title, price=data.price or 0, author=author)
        request.session["sent"] = data.dict()
        messages.success(request, f"{data.title} is there.")
        trigger(request, "book-added", {"title": data.title})
        add_part(request, "shelf/cart.html#count", count=3)
        return Status(201, made)

    @api.get("/books/{int:pk}", response=BookOut)
    @html("shelf/book.html", fragment="row", form=BookIn, result=True)
    @conditional(etag=True)
    @view
    def show(request, pk: int):
        return Book.objects.get(pk=pk)

    @api.delete("/books/{int:pk}", response={204: None})
    @html("shelf/book.html", fragment="row", location="books")
    @view
    def remove(request, pk: int):
        Book.objects.filter(pk=pk).delete()
        add_part(request, "shelf/cart.html#count", count=2)
        return Status(204, None)

    @api.get("/broken", response=BookOut)
    @html("shelf/broken.html", fragment="row")
    @view
    def broken(request):
        return Book.objects.first()

    found = serve(api)
    found.api = api
    found.force_login(User.objects.create_user("ada"))
    return found


def first() -> Book:
    return Book.objects.order_by("id")[0]


def test_one_operation_answers_as_json_as_a_page_and_as_a_fragment(client):
    as_json = client.get("/api/all")
    assert [book["title"] for book in as_json.json()] == ["<0>", "<1>", "<2>", "<3>", "<4>"]
    page = client.get("/api/all", headers=BROWSER)
    assert page.text.startswith("<!doctype html>")
    assert "<li>&lt;0&gt;</li>" in page.text
    fragment = client.get("/api/all", headers=FRAGMENT)
    assert fragment.text.startswith("<ul><li>&lt;0&gt;</li>")
    for answer in (as_json, page, fragment):
        assert answer["Vary"].startswith(VARY)


@pytest.mark.parametrize(
    "headers",
    [
        {"hx-boosted": "true"},
        {"hx-history-restore-request": "true"},
        {"hx-request-type": "full"},
        {"hx-request": "yes"},
    ],
)
def test_what_replaces_the_whole_page_gets_the_page(client, headers):
    assert client.get("/api/all", headers=FRAGMENT | headers).text.startswith("<!doctype html>")


@pytest.mark.parametrize("asks", [{"hx-request": "true"}, {"hx-history-restore-request": "true"}])
def test_htmx_that_accepts_anything_gets_html(client, asks):
    for accept in ({}, {"accept": "*/*"}):
        answer = client.get("/api/all", headers=asks | accept)
        assert answer["Content-Type"] == "text/html; charset=utf-8"
    assert client.get("/api/all", headers=asks | {"accept": "application/json"}).json()


def test_the_element_that_is_replaced_chooses_among_the_named_partials(client):
    def part(target: str) -> str:
        answer = client.get("/api/books", headers=FRAGMENT | {"hx-target": target})
        return str(answer.text)

    assert part("b#count") == part("count") == "<b>5</b>"
    for other in ("", "../../settings", "rows", "base", "x" * 10_000, "count\x00", "count html"):
        assert part(other).startswith("<ul>")


def test_a_page_of_a_list_knows_its_neighbours(client, settings):
    settings.DEBUG = True
    answer = client.get("/api/books?page=2&search=a%26b", headers=FRAGMENT)
    assert "<nav>2/3 ?page=1&amp;search=a%26b ?page=3&amp;search=a%26b</nav>" in answer.text
    assert "<li>&lt;2&gt; 2.00</li>" in answer.text
    assert client.get("/api/books?page=2").json()["count"] == 5


def test_a_page_is_read_from_the_rows(client, django_assert_num_queries):
    with django_assert_num_queries(2):
        client.get("/api/books", headers=FRAGMENT)


def test_the_view_s_result_is_there_when_it_is_asked_for(client):
    book = first()
    answer = client.get(f"/api/books/{book.pk}", headers=FRAGMENT)
    assert answer.text == f"<li>&lt;0&gt; 200 {book.pk}</li>"


def test_a_page_and_a_fragment_have_different_etags(client):
    url = f"/api/books/{first().pk}"
    tags = [client.get(url, headers=headers)["ETag"] for headers in ({}, BROWSER, FRAGMENT)]
    assert len(set(tags)) == 3
    unchanged = client.get(url, headers=FRAGMENT | {"if-none-match": tags[2]})
    assert unchanged.status_code == 304
    assert client.get(url, headers=BROWSER | {"if-none-match": tags[2]}).status_code == 200


SENT = {"title": "a <b>", "price": "", "tags": "3"}


def test_a_form_is_read_as_its_schema_says(client):
    answer = client.post("/api/books", SENT, headers=FRAGMENT)
    assert answer.status_code == 201
    assert client.session["sent"] == {"title": "a <b>", "price": None, "signed": False, "tags": [3]}


def test_a_fragment_has_the_parts_and_the_messages_and_the_events(client):
    answer = client.post("/api/books", SENT, headers=FRAGMENT)
    row, _, rest = answer.text.partition("</li>")
    assert row == "<li>a &lt;b&gt; 201 "
    assert '<span id="cart" hx-swap-oob="true">3</span>' in rest
    assert "<p>a &lt;b&gt; is there.</p>" in rest
    assert json.loads(answer["HX-Trigger"]) == {"book-added": {"title": "a <b>"}}


def test_an_event_is_ascii_whatever_its_detail_is(client):
    answer = client.post("/api/books", SENT | {"title": "ä\r\nX: y"}, headers=FRAGMENT)
    assert answer["HX-Trigger"].isascii()
    assert json.loads(answer["HX-Trigger"])["book-added"]["title"] == "ä\r\nX: y"


def test_a_browser_is_led_on_and_a_program_gets_the_object(client):
    answer = client.post("/api/books", SENT, headers=BROWSER)
    assert (answer.status_code, "HX-Trigger" in answer) == (303, False)
    book = Book.objects.latest("id")
    assert answer["Location"] == f"/api/books/{book.pk}"
    body = {"title": "b", "signed": True}
    made = client.post("/api/books", body, content_type="application/json")
    assert (made.status_code, made.json()["title"], "HX-Trigger" in made) == (201, "b", False)


def test_a_refused_form_comes_back_with_what_was_typed(client):
    sent = {"title": "<i>", "price": "many", "tags": ["1", "x"]}
    answer = client.post("/api/books", sent, headers=FRAGMENT)
    assert answer.status_code == 422
    assert answer.text.startswith('<form id="form">')
    assert 'value="&lt;i&gt;"' in answer.text
    assert 'value="many"' in answer.text
    assert answer.text.count("matt-errors") >= 2
    assert answer["HX-Retarget"] == answer["HX-Reselect"] == "#form-BookIn-fields"
    page = client.post("/api/books", sent, headers=BROWSER)
    assert (page.status_code, page.text[:15]) == (422, "<!doctype html>")
    problem = client.post("/api/books", {"title": 3}, content_type="application/json")
    assert problem.json()["detail"][0]["loc"][0] == "body"


def test_other_errors_are_toasts_and_pages(client):
    toast = client.post("/api/books", SENT | {"title": "taken"}, headers=FRAGMENT)
    assert (toast.status_code, toast["HX-Retarget"]) == (409, "#matt-toasts")
    assert "<p>It is &lt;taken&gt;.</p>" in toast.text
    assert "<!doctype" not in toast.text
    page = client.post("/api/books", SENT | {"title": "taken"}, headers=BROWSER)
    assert page.text.startswith("<!doctype html>")
    assert "<h1>409 Conflict</h1>" in page.text


def test_who_is_signed_out_is_led_to_the_sign_in(client, settings):
    settings.LOGIN_URL = "/sign-in/"
    client.logout()
    current = {"hx-current-url": "http://testserver/api/books?page=2"}
    answer = client.post("/api/books", SENT, headers=FRAGMENT | current)
    assert answer["HX-Redirect"] == "/sign-in/?next=%2Fapi%2Fbooks%3Fpage%3D2"
    foreign = {"hx-current-url": "http://elsewhere.example/"}
    answer = client.post("/api/books", SENT, headers=FRAGMENT | foreign)
    assert answer["HX-Redirect"] == "/sign-in/"
    answer = client.post("/api/books", SENT, headers=BROWSER)
    assert (answer.status_code, answer["Location"]) == (303, "/sign-in/")
    assert client.post("/api/books", SENT, content_type="application/json").status_code == 401


def test_a_204_removes_the_fragment_and_leads_a_browser_on(client):
    book = first()
    answer = client.delete(f"/api/books/{book.pk}", headers=FRAGMENT)
    assert (answer.status_code, answer.text) == (
        200,
        '<span id="cart" hx-swap-oob="true">2</span>',
    )
    assert client.delete(f"/api/books/{book.pk}").status_code == 204
    answer = client.delete(f"/api/books/{book.pk}", headers=BROWSER)
    assert (answer.status_code, answer["Location"]) == (303, "/api/books")


def test_a_template_that_fails_is_our_fault(client):
    for headers in (FRAGMENT, BROWSER):
        answer = client.get("/api/broken", headers=headers)
        assert answer.status_code == 500
        assert "shelf/none.html" not in answer.text
    assert client.get("/api/broken").status_code == 200


def test_the_document_says_that_html_is_a_text(client):
    content = client.api.get_openapi_schema()["paths"]["/api/all"]["get"]["responses"][200][
        "content"
    ]
    assert content["text/html"] == {"schema": {"type": "string"}}


def test_under_asgi_an_error_may_ask_for_the_user(client, settings):
    """A page of an error shows who is signed in, which the event loop may not ask the database for."""

    async def ask() -> Any:
        cookies = {name: morsel.value for name, morsel in client.cookies.items()}
        client.async_client.cookies.load(cookies)
        sent = SENT | {"price": "many"}
        return await client.async_client.post("/api/books", sent, headers=FRAGMENT)

    answer = async_to_sync(ask)()
    assert answer.status_code == 422
    assert 'value="many"' in answer.text


def test_a_cache_keeps_a_page_and_a_fragment_apart(client, settings):
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    settings.MIDDLEWARE = [
        "django.middleware.cache.UpdateCacheMiddleware",
        *settings.MIDDLEWARE,
        "django.middleware.cache.FetchFromCacheMiddleware",
    ]
    wanted = {
        "json": {"accept": "application/json"},
        "page": BROWSER,
        "boosted": FRAGMENT | {"hx-boosted": "true"},
        "rows": FRAGMENT,
        "count": FRAGMENT | {"hx-target": "b#count"},
    }
    from django.core.cache import cache

    cache.clear()
    before = {
        name: client.get("/api/books", headers=headers).text for name, headers in wanted.items()
    }
    Book.objects.all().delete()
    after = {
        name: client.get("/api/books", headers=headers).text for name, headers in wanted.items()
    }
    assert after == before
    assert len(set(before.values())) == 4
    cache.clear()
