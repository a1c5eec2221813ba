"""``GET /forms/{operation_id}``: the form of an operation, for whoever may read the document."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.views.decorators import staff_member_required
from django.contrib.auth.models import User
from django.utils.translation import override
from ninja import Body, File, Form, ModelSchema, PatchDict, Schema, UploadedFile
from pydantic import Field, create_model

from django_matt import MattAPI, api_controller
from django_matt.contrib.crud.controllers import CrudController
from tests.project.models import Author, Book

FORMS = "django_matt.contrib.forms"


class BookIn(ModelSchema):
    class Meta:
        model = Book
        fields = ["title", "price", "author"]


class Upload(Schema):
    title: str = Field(max_length=20)


@api_controller("/authors", tags=["authors"], auto_import=False)
class AuthorController(CrudController[Author]):
    fields = ("id", "name")
    search = ("name",)


@pytest.fixture
def form_of(serve: Any, settings: Any) -> Callable[..., Any]:
    """Return ``form_of(operation_id)``: the answer of an API of a project that has the app installed."""
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, FORMS]

    def make(make_api: Callable[[], MattAPI] | None = None) -> Any:
        api = make_api() if make_api else MattAPI()
        api.register_controllers(AuthorController)

        @api.post("/books", summary="Add a book")
        def add_book(request, data: BookIn): ...

        @api.patch("/books/{book_id}")
        def change_book(request, book_id: int, data: PatchDict[BookIn]): ...

        @api.put("/books")
        def both(request, first: BookIn, count: Body[int]): ...

        @api.post("/covers")
        def add_cover(request, data: Form[Upload], cover: File[UploadedFile]): ...

        @api.post("/many")
        def add_many(request, data: list[BookIn]): ...

        @api.get("/books")
        def list_books(request): ...

        @api.post("/hidden", include_in_schema=False)
        def hidden(request, data: BookIn): ...

        @api.api_operation(["POST", "PUT"], "/twice")
        def twice(request, data: BookIn | None = None): ...

        ids = {each.name: each.operation_id for each in api.operations()}
        client = serve(api)

        def ask(name: str, **headers: str) -> Any:
            return client.get(f"/api/forms/{ids.get(name, name)}", headers=headers)

        ask.client = client  # type: ignore[attr-defined]
        return ask

    return make


@pytest.mark.django_db
def test_the_form_of_an_operation(form_of):
    response = form_of()("add_book")
    assert response.status_code == 200
    form = response.json()
    assert form["title"] == "Add a book"
    assert form["schema"]["properties"]["title"] == {
        "type": "string",
        "maxLength": 120,
        "title": "Title",
    }
    assert form["schema"]["required"] == ["title", "author_id"]
    assert form["uiSchema"]["ui:order"] == ["title", "price", "author_id"]
    assert form["uiSchema"]["author_id"]["ui:options"]["relation"] == {
        "model": "project.author",
        "url": "/api/authors",
        "search": "search",
        "value": "id",
        "label": "name",
    }


def properties(response: Any) -> set[str]:
    assert response.status_code == 200, response.content
    return set(response.json()["schema"]["properties"])


def test_bodies_of_every_kind(form_of):
    ask = form_of()
    assert "required" not in ask("change_book").json()["schema"]
    assert properties(ask("both")) == {"first", "count"}
    assert properties(ask("add_cover")) == {"title", "cover"}
    assert properties(ask("create")) == {"name"}
    for method in ("post", "put"):
        assert "title" in properties(ask(f"tests_contrib_forms_test_routes_twice_{method}"))


@pytest.mark.parametrize("name", ["list_books", "add_many", "hidden", "nonsense", "x" * 5_000])
def test_what_has_no_form_is_404(form_of, name):
    response = form_of()(name)
    assert response.status_code == 404
    assert response.headers["Content-Type"].startswith("application/")
    assert len(response.content) < 2_000


def test_a_form_that_did_not_change_is_304(form_of):
    ask = form_of()
    first = ask("add_book")
    second = ask("add_book", if_none_match=first.headers["ETag"])
    assert (second.status_code, second.content) == (304, b"")
    assert first.headers["Cache-Control"] == "private, no-cache"


def test_labels_are_in_the_language_of_the_request(form_of, settings):
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.middleware.locale.LocaleMiddleware"]

    class UserIn(ModelSchema):
        class Meta:
            model = User
            fields = ["first_name"]

    def make() -> MattAPI:
        api = MattAPI()

        @api.post("/users", operation_id="add_user")
        def add_user(request, data: UserIn): ...

        return api

    ask = form_of(make)
    # The middleware activates a language for the thread, which is that of the tests.
    with override("en"):
        for language, label in (("de", "Vorname"), ("en", "First name"), ("de", "Vorname")):
            found = ask("add_user", accept_language=language).json()
            assert found["schema"]["properties"]["first_name"]["title"] == label


def staff(view: Any) -> Any:
    return staff_member_required(view, login_url="/login/")


@pytest.mark.django_db
def test_a_form_is_protected_as_the_document_is(form_of):
    ask = form_of(lambda: MattAPI(docs_decorator=staff))
    assert ask("add_book").status_code == 302
    assert ask("nonsense").status_code == 302
    ask.client.force_login(User.objects.create(username="staff", is_staff=True))
    assert ask("add_book").status_code == 200


def test_an_api_without_a_document_has_no_forms(form_of):
    assert form_of(lambda: MattAPI(openapi_url=None))("add_book").status_code == 404


def test_the_route_is_not_in_the_document(form_of):
    document = form_of().client.get("/api/openapi.json").json()
    assert not [path for path in document["paths"] if "forms" in path]


def test_another_path(form_of, settings):
    settings.MATT_FORMS = {"PATH": "/descriptions"}
    ask = form_of()
    assert ask("add_book").status_code == 404
    ids = ask.client.get("/api/openapi.json").json()["paths"]["/api/books"]
    assert ask.client.get(f"/api/descriptions/{ids['post']['operationId']}").status_code == 200


def test_a_schema_with_two_thousand_fields(form_of):
    fields: dict[str, Any] = {f"f{n}": (int, 0) for n in range(2_000)}
    big: Any = create_model("Big", __base__=Schema, **fields)

    def make() -> MattAPI:
        api = MattAPI()

        @api.post("/big", operation_id="big")
        def add(request, data: big): ...

        return api

    ask = form_of(make)
    assert len(properties(ask("big"))) == 2_000
    began = time.process_time()
    assert len(properties(ask("big"))) == 2_000
    assert time.process_time() - began < 2, "the second time it is kept"
