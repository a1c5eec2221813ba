"""``@html`` where projects put their operations: controllers, routers, below a prefix, with their own settings."""

from typing import Any

import pytest
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponseRedirect
from django.test import Client
from django.urls import clear_script_prefix, clear_url_caches, path, set_script_prefix
from ninja import Router
from ninja.security import django_auth
from ninja_extra import ControllerBase, api_controller, http_get, http_post

from django_matt import MattAPI, ModelSchema, Schema, Status
from django_matt.contrib.crud.controllers import CrudController
from django_matt.contrib.htmx.hooks import HtmxHook
from django_matt.contrib.htmx.parts import add_part, trigger
from django_matt.contrib.htmx.representations import html
from django_matt.operations import list_operations
from tests.contrib.htmx.conftest import BROWSER, FRAGMENT
from tests.project.models import Author, Book

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]

FORM = "application/x-www-form-urlencoded"


class BookOut(ModelSchema):
    class Meta:
        model = Book
        fields = ["id", "title", "price"]


class BookIn(Schema):
    title: str
    price: int = 0


@api_controller("/shelf")
class ShelfController(ControllerBase):
    @http_get("", response=list[BookOut])
    @html("shelf/books.html", fragment="rows")
    def list_books(self):
        return Book.objects.order_by("id")

    @http_post("", response={201: BookOut})
    @html("shelf/book.html", fragment="row", invalid="form", location="/shelf/{id}")
    def create_book(self, data: BookIn):
        add_part(self, "shelf/cart.html#count", count=7)
        trigger(self, "book-added", {"title": data.title})
        made = Book.objects.create(
            title=data.title, price=data.price, author=Author.objects.earliest("id")
        )
        return Status(201, made)


def test_a_controller_adds_parts_and_events(serve, author):
    api = MattAPI(version="2.0")
    api.register_controllers(ShelfController)
    client = serve(api, prefix="api/v2/")
    assert client.get("/api/v2/shelf", headers=BROWSER).text.startswith("<!doctype html>")
    answer = client.post("/api/v2/shelf", {"title": "ü"}, headers=FRAGMENT)
    assert answer.status_code == 201
    assert '<span id="cart" hx-swap-oob="true">7</span>' in answer.text
    assert answer["HX-Trigger"] == '{"book-added": {"title": "\\u00fc"}}'
    assert client.post("/api/v2/shelf", {}, headers=FRAGMENT).status_code == 422


class BookPages(CrudController[Book]):
    fields = ("id", "title", "author", "price")
    ordering = ("title",)

    @html("shelf/books.html", fragment="rows")
    def list(self, query: Any = None) -> Any:
        return super().list(query)

    @html("shelf/book.html", fragment="row", invalid="form", location="/api/pages")
    def create(self, data: Any) -> Any:
        return super().create(data)

    @html("shelf/book.html", fragment="row")
    def show(self, key: Any) -> Any:
        return super().show(key)

    @html("shelf/book.html", fragment="row", location="/api/pages")
    def delete(self, key: Any) -> Any:
        return super().delete(key)


def test_the_routes_of_a_crud_controller_have_pages(serve, author):
    api = MattAPI()
    api.register_controllers(api_controller("/pages")(BookPages))
    client = serve(api)
    page = client.get("/api/pages?ordering=-title", headers=BROWSER)
    assert page.text.startswith("<!doctype html>")
    assert page.text.index("&lt;4&gt;") < page.text.index("&lt;0&gt;")
    assert client.get("/api/pages", headers=FRAGMENT).text.startswith("<ul>")
    assert client.get("/api/pages").json()["count"] == 5
    sent = {"title": "made", "author_id": author.pk, "price": "3.50"}
    answer = client.post("/api/pages", sent, headers=FRAGMENT)
    assert (answer.status_code, answer.text[:8]) == (201, "<li>made")
    refused = client.post("/api/pages", {"title": ""}, headers=FRAGMENT)
    assert (refused.status_code, refused.text[:16]) == (422, '<form id="form">')
    made = Book.objects.get(title="made")
    assert client.get(f"/api/pages/{made.pk}", headers=FRAGMENT).text.startswith("<li>made")
    answer = client.delete(f"/api/pages/{made.pk}", headers=BROWSER)
    assert (answer.status_code, answer["Location"]) == (303, "/api/pages")
    assert client.post("/api/pages", sent, headers=BROWSER)["Location"] == "/api/pages"


@pytest.fixture
def site(settings: Any, author: Author) -> Any:
    """An API of a router, with views of Django beside it."""
    import types

    router = Router()

    @router.post("/books", response=BookOut, auth=django_auth)
    @html("shelf/book.html", fragment="row", invalid="form", location="home")
    def create_book(request, data: BookIn):
        messages.warning(request, f"<{data.title}>", extra_tags='"> <script>')
        return Book.objects.create(title=data.title, price=data.price, author=author)

    api = MattAPI()
    api.add_router("/router", router)
    urlconf = types.ModuleType("urlconf_site")
    urlconf.urlpatterns = [  # type: ignore[attr-defined]
        path("api/", api.urls),
        path("home", lambda request: HttpResponseRedirect("/ü"), name="home"),
        path("enter", lambda request: HttpResponseRedirect("/"), name="enter"),
    ]
    settings.ROOT_URLCONF = urlconf
    clear_url_caches()
    client = Client(raise_request_exception=False)
    yield client
    clear_url_caches()


def test_the_sign_in_may_be_the_name_of_a_url(site, settings):
    settings.LOGIN_URL = "enter"
    assert site.post("/api/router/books", headers=FRAGMENT)["HX-Redirect"] == "/enter"
    answer = site.post("/api/router/books", headers=BROWSER)
    assert (answer.status_code, answer["Location"]) == (303, "/enter")


def test_a_project_below_a_path_leads_to_its_own_places(site, settings):
    settings.LOGIN_URL = "enter"
    # As Django's handlers do for every request, and its test client does not.
    set_script_prefix("/below/")
    try:
        answer = site.post("/api/router/books", headers=FRAGMENT)
        assert answer["HX-Redirect"] == "/below/enter"
        site.force_login(User.objects.create_user("ada"))
        answer = site.post("/api/router/books", {"title": "b"}, headers=BROWSER)
        assert answer["Location"] == "/below/home"
        page = site.post("/api/router/books", b"\0=", content_type=FORM, headers=BROWSER)
        assert '<a href="/below/">' in page.text
    finally:
        clear_script_prefix()


def test_messages_are_escaped_and_their_tags_are_no_attributes(site):
    site.force_login(User.objects.create_user("ada"))
    answer = site.post("/api/router/books", {"title": "ü"}, headers=FRAGMENT)
    assert "<p>&lt;ü&gt;</p>" in answer.text
    assert "<script>" not in answer.text
    assert site.post("/api/router/books", {"title": "b"}, headers=BROWSER)["Location"] == "/home"


def test_a_redirect_of_another_view_leads_htmx_on_and_is_kept_apart(site):
    answer = site.get("/home", headers=FRAGMENT)
    assert (answer.status_code, answer["HX-Redirect"]) == (200, "/%C3%BC")
    assert "Location" not in answer
    assert "HX-Request" in answer["Vary"]
    assert site.get("/home").status_code == 302


@pytest.mark.parametrize("changed", ["CSRF_USE_SESSIONS", "CSRF_COOKIE_HTTPONLY"])
def test_the_token_is_in_the_page_wherever_it_is_kept(settings, rf, changed):
    from django.contrib.sessions.backends.signed_cookies import SessionStore
    from django.template import engines

    setattr(settings, changed, True)
    settings.CSRF_HEADER_NAME = "HTTP_X_XSRF_TOKEN"
    request = rf.get("/")
    request.session = SessionStore()
    head = engines["django"].from_string("{% matt_htmx %}").render({}, request)
    token = request.META["CSRF_COOKIE"]
    assert len(token) == 32
    assert 'data-header="X-XSRF-TOKEN"' in head
    assert 'name="matt-csrf" content="' in head


def test_a_check_of_csrf_that_fails_is_told(site, settings):
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create_user("ada"))
    answer = client.post("/api/router/books", {"title": "a"}, headers=FRAGMENT)
    assert (answer.status_code, answer["HX-Retarget"]) == (403, "#matt-toasts")


@pytest.mark.parametrize("status", [201, 204])
def test_a_location_with_a_field_that_no_response_has_is_found_at_the_start(status: int):
    api = MattAPI()

    @api.post("/books", response={status: BookOut if status == 201 else None})
    @html("shelf/book.html", location="/shelf/{number}")
    def create_book(request):
        """Create nothing."""

    found = next(iter(list_operations(api))).operation
    with pytest.raises(ImproperlyConfigured, match="needs number, which the response"):
        HtmxHook.bind(found, api)
