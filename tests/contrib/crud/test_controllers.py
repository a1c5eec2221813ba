"""``CrudController``: the routes of a model from its fields, sync and async."""

import json
from concurrent.futures import ThreadPoolExecutor
from types import new_class
from typing import Any, Generic, TypeVar

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection, connections, transaction
from django.db.models import Count, Window
from django.db.models.functions import RowNumber
from django.db.models.signals import post_save
from django.test.utils import CaptureQueriesContext
from ninja.security import HttpBearer, django_auth
from ninja_extra import http_post
from ninja_extra.permissions import BasePermission

from django_matt import MattAPI, PageNumberPaginationExtra, Schema, Status, api_controller
from django_matt.contrib.crud.controllers import (
    ALL,
    READ,
    AsyncCrudController,
    CrudController,
    Schemas,
)
from tests.project.models import (
    Author,
    Book,
    Edition,
    Everything,
    Land,
    Owner,
    Pass,
    Review,
    Seat,
    Tag,
)

pytestmark = pytest.mark.django_db

JSON: Any = {"content_type": "application/json"}
Base = type[CrudController[Any]]
T = TypeVar("T")


@pytest.fixture(params=[CrudController, AsyncCrudController], ids=["sync", "async"])
def base(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def served(serve: Any) -> Any:
    """Return ``served(controller, **options)``: a client of an API with the controller at ``/api/things``."""

    def make(controller: Any, **options: Any) -> Any:
        api = MattAPI(**options)
        api.register_controllers(api_controller("/things", tags=["things"])(controller))
        return serve(api)

    return make


@pytest.fixture
def books(base: Any, served: Any) -> Any:
    class BookController(base[Book]):
        fields = ["id", "title", "author", "price", "tags"]
        filters, search, ordering = (
            ["author", "price__gte", "tags", "title__in", "editor__isnull", "author__name"],
            ["title", "tags__name"],
            ["title", "price", "author__name"],
        )
        expand = {"author": ["id", "name"]}
        verbs = ALL

    return served(BookController)


@pytest.fixture
def ada(db: None) -> Author:
    return Author.objects.create(name="Ada")


def test_an_object_is_created_shown_changed_and_deleted(books: Any, ada: Author):
    tag = Tag.objects.create(name="wood")
    body = {"title": "Oak", "author_id": ada.pk, "tags": [tag.pk]}
    made = books.post("/api/things", body, **JSON)
    book = Book.objects.get()
    shown = {
        "id": book.pk,
        "title": "Oak",
        "author": {"id": ada.pk, "name": "Ada"},
        "price": "1.00",
        "tags": [tag.pk],
    }
    assert (made.status_code, made.json()) == (201, shown)
    place = f"/api/things/{book.pk}"
    assert books.get(place).json() == shown
    assert books.get("/api/things").json() == {"items": [shown], "count": 1}
    changed = books.patch(place, {"price": "2.50", "tags": []}, **JSON)
    assert changed.json() == {**shown, "price": "2.50", "tags": []}
    assert books.patch(place, {}, **JSON).json() == changed.json()
    gone = books.delete(place)
    assert (gone.status_code, gone.content) == (204, b"")
    assert [books.get(place).status_code, books.delete(place).status_code] == [404, 404]
    assert books.patch(place, {"title": "x"}, **JSON).status_code == 404


@pytest.mark.parametrize(
    ("body", "status", "where"),
    [
        ({"title": None}, 422, "title"),
        ({"titel": "Oak"}, 422, "titel"),
        ({"id": 7}, 422, "id"),
        ({"title": ""}, 422, "title"),
        ({"title": "x" * 121}, 422, "title"),
        ({"price": "1234567.00"}, 422, "price"),
        ({"price": "1.234"}, 422, "price"),
        ({"author_id": 10**6}, 409, "author_id"),
        ({"author_id": None}, 422, "author_id"),
        ({"author": {"id": 1}}, 422, "author"),
        ({"tags": [10**6]}, 409, "tags"),
        ({"tags": None}, 422, "tags"),
        ({"tags": ["x"]}, 422, "tags"),
    ],
)
def test_a_wrong_value_is_refused_by_its_name_and_nothing_is_changed(
    books: Any, ada: Author, body: dict[str, Any], status: int, where: str
):
    book = Book.objects.create(title="Oak", author=ada)
    place = f"/api/things/{book.pk}"
    before = books.get(place).json()
    refused = books.patch(place, {"price": "9.00", **body}, **JSON)
    assert (refused.status_code, where in refused.content.decode()) == (status, True)
    assert books.get(place).json() == before


def test_a_body_without_a_required_field_names_it(books: Any):
    refused = books.post("/api/things", {}, **JSON)
    assert refused.status_code == 422
    assert {each["loc"][-1] for each in refused.json()["detail"]} == {"title", "author_id", "tags"}


@pytest.fixture
def shelf(ada: Author) -> dict[str, Book]:
    bob = Author.objects.create(name="Bob")
    wood, stone = (Tag.objects.create(name=name) for name in ("wood", "stone"))
    oak = Book.objects.create(title="Oak tree", author=ada, price="1.00")
    elm = Book.objects.create(title="Elm tree", author=bob, price="2.00", editor=ada)
    oak.tags.set([wood, stone])
    elm.tags.set([wood])
    return {"oak": oak, "elm": elm}


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("", ["Oak tree", "Elm tree"]),
        ("price__gte=1.5", ["Elm tree"]),
        ("author__name=Ada", ["Oak tree"]),
        ("title__in=Oak tree&title__in=none", ["Oak tree"]),
        ("editor__isnull=true", ["Oak tree"]),
        ("search=tree oak", ["Oak tree"]),
        # Two of its tags match: it is one row.
        ("search=o", ["Oak tree", "Elm tree"]),
        ("search=%00", 400),
        ("ordering=title", ["Elm tree", "Oak tree"]),
        ("ordering=-author__name,title", ["Elm tree", "Oak tree"]),
        ("ordering=-price&limit=1", ["Elm tree"]),
        ("ordering=id", 422),
        ("ordering=-", 422),
        ("price__gte=cheap", 422),
        ("author=x", 422),
        ("editor__isnull=perhaps", 422),
        # Database engines join 64 tables at most.
        ("search=" + " ".join(map(str, range(70))), []),
    ],
)
def test_a_list_is_filtered_searched_and_ordered(
    books: Any, shelf: dict[str, Book], query: str, titles: list[str] | int
):
    found = books.get(f"/api/things?{query}")
    if isinstance(titles, int):
        assert found.status_code == titles
    else:
        assert [each["title"] for each in found.json()["items"]] == titles


def test_a_list_filters_by_keys(books: Any, shelf: dict[str, Book]):
    for name, value in (("author", shelf["oak"].author_id), ("tags", shelf["oak"].tags.last().pk)):  # type: ignore[union-attr]
        found = books.get(f"/api/things?{name}={value}").json()
        assert found["count"] == 1


def test_a_filter_by_many_values_changes_no_count_of_them(
    base: Any, served: Any, shelf: dict[str, Book]
):
    class Counted(Schema):
        title: str
        tag_count: int

    class BookController(base[Book]):
        filters, search = ["tags__in"], ["tags__name"]
        schemas = Schemas(show=Counted)
        fields = ["title"]

        def queryset(self) -> Any:
            return super().queryset().annotate(tag_count=Count("tags"))

    client = served(BookController)
    keys = "&".join(f"tags__in={tag.pk}" for tag in Tag.objects.all())
    for query in (keys, "search=o"):
        found = client.get(f"/api/things?{query}").json()
        assert {each["title"]: each["tag_count"] for each in found["items"]} == {
            "Oak tree": 2,
            "Elm tree": 1,
        }


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("level=1", 200),
        ("level__in=1&level__in=2", 200),
        ("level=3", 422),
        ("moment__year=2024", 200),
        ("moment__year=0", 422),
        ("moment__year__gte=9999", 422),
        ("date__iso_year=10000", 422),
        ("time__gte=12:00", 200),
        ("time__gte=12:00:00Z", 422),
        ("document__has_key=a", 200),
    ],
)
def test_a_filter_takes_what_its_column_can_be_compared_with(served: Any, query: str, status: int):
    class EverythingController(CrudController[Everything]):
        fields = ["id"]
        filters = ["level", "level__in", "moment__year", "moment__year__gte", "date__iso_year", "time__gte", "document__has_key"]  # fmt: skip

    Everything.objects.create(document={"a": 1})
    found = served(EverythingController).get(f"/api/things?{query}")
    assert (found.status_code, found.json().get("count", 1)) == (status, 1)


def test_the_key_decides_between_rows_that_the_order_of_the_queryset_does_not(
    base: Any, served: Any, settings: Any
):
    class EverythingController(base[Everything]):
        fields = ["id"]

        def queryset(self) -> Any:
            return super().queryset().order_by("-char")

    with CaptureQueriesContext(connection) as queries:
        served(EverythingController).get("/api/things")
    assert any('."char" DESC, "project_everything"."id" ASC' in query["sql"] for query in queries)


def test_a_list_is_written_from_rows_in_a_fixed_number_of_queries(
    books: Any, shelf: dict[str, Book], settings: Any
):
    settings.DEBUG = True
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            found = books.get("/api/things")
        counts.append(len(queries))
        Book.objects.create(title="Ash", author=shelf["oak"].author)
    assert found["X-Matt-Tier"].startswith("rows")
    assert counts[0] == counts[1]


def test_csv_goes_in_and_comes_out(base: Any, served: Any):
    class TagController(base[Tag]):
        fields = ["id", "name"]
        verbs = ALL

    client = served(TagController)
    made = client.post("/api/things/bulk", "name\noak\nelm\n", content_type="text/csv")
    assert (made.status_code, Tag.objects.count()) == (201, 2)
    first, second = made.json()
    changes = [{"id": first["id"], "name": "ash"}, {"id": second["id"], "name": "yew"}]
    assert client.patch("/api/things/bulk", changes, **JSON).json() == changes
    lost = [{"id": first["id"], "name": "fir"}, {"id": 10**6, "name": "fir"}]
    assert client.patch("/api/things/bulk", lost, **JSON).status_code == 404
    assert sorted(Tag.objects.values_list("name", flat=True)) == ["ash", "yew"]


def test_a_queryset_hides_what_is_outside_and_nobody_writes_there(
    base: Any, served: Any, ada: Author
):
    bob = Author.objects.create(name="Bob")

    class BookController(base[Book]):
        fields = ["id", "title", "author"]
        verbs = ALL

        def queryset(self) -> Any:
            return super().queryset().filter(author__name="Ada")

    client = served(BookController)
    other = Book.objects.create(title="Elm", author=bob)
    place = f"/api/things/{other.pk}"
    assert client.get("/api/things").json()["items"] == []
    assert [client.get(place).status_code, client.delete(place).status_code] == [404, 404]
    assert client.patch(place, {"title": "x"}, **JSON).status_code == 404
    taken = client.post("/api/things", {"title": "Ash", "author_id": bob.pk}, **JSON)
    assert taken.status_code == 403
    several = [{"title": "Ash", "author_id": bob.pk}]
    assert client.post("/api/things/bulk", several, **JSON).status_code == 403
    mine = client.post("/api/things", {"title": "Oak", "author_id": ada.pk}, **JSON).json()
    moved = client.patch(f"/api/things/{mine['id']}", {"author_id": bob.pk}, **JSON)
    assert moved.status_code == 403
    assert Book.objects.count() == 2


def test_a_repeated_row_is_not_counted_for_one_that_is_outside(
    base: Any, served: Any, shelf: dict[str, Book]
):
    class BookController(base[Book]):
        fields = ["id", "author"]
        verbs = ALL

        def queryset(self) -> Any:
            return super().queryset().filter(author__books__price__gt=0, author__name="Ada")

    client = served(BookController)
    oak, ada = shelf["oak"], shelf["oak"].author
    Book.objects.create(title="Ash", author=ada)
    bob = Author.objects.get(name="Bob")
    rows = [
        {"id": oak.pk, "author_id": ada.pk},
        {"id": Book.objects.last().pk, "author_id": bob.pk},
    ]  # type: ignore[union-attr]
    rows.append({"id": Book.objects.create(title="Fir", author=ada).pk, "author_id": ada.pk})
    assert client.patch("/api/things/bulk", rows, **JSON).status_code == 403


def test_what_was_written_is_read_where_it_was_written(base: Any, served: Any, settings: Any):
    class AuthorController(base[Author]):
        fields = ["id", "name"]
        verbs = ALL

        def queryset(self) -> Any:
            return super().queryset().filter(name__startswith="A")

    class Replicas:
        def db_for_read(self, model: Any, **hints: Any) -> str | None:
            return "late" if model is Author else None

    client = served(AuthorController)
    settings.DATABASE_ROUTERS = [Replicas()]
    made = client.post("/api/things", {"name": "Ada"}, **JSON)
    place = f"/api/things/{made.json()['id']}"
    assert client.patch(place, {"name": "Al"}, **JSON).json() == {**made.json(), "name": "Al"}
    many = client.post("/api/things/bulk", [{"name": "Ann"}], **JSON)
    rows = [{**many.json()[0], "name": "Amy"}]
    assert client.patch("/api/things/bulk", rows, **JSON).json() == rows


def test_values_of_the_controller_win(base: Any, served: Any, ada: Author):
    class BookController(base[Book]):
        fields = ["id", "title", "author"]
        read_only = ["author"]

        def values(self) -> Any:
            return {"author_id": ada.pk}

    client = served(BookController)
    assert client.post("/api/things", {"title": "Oak"}, **JSON).json()["author_id"] == ada.pk
    claimed = client.post("/api/things", {"title": "Oak", "author_id": 1}, **JSON)
    assert claimed.status_code == 422


class MayNotChange(BasePermission):
    def has_permission(self, request: Any, controller: Any) -> bool:
        return False


class IsNotHers(BasePermission):
    def has_permission(self, request: Any, controller: Any) -> bool:
        return True

    def has_object_permission(self, request: Any, controller: Any, obj: Any) -> bool:
        return bool(obj.name != "Ada")


def test_permissions_are_of_a_route_and_of_an_object(base: Any, served: Any, ada: Author):
    class AuthorController(base[Author]):
        fields = ["id", "name"]
        permissions = {
            "create": [MayNotChange],
            "show": [IsNotHers],
            "change": [IsNotHers],
            "delete": [IsNotHers],
        }

    client = served(AuthorController)
    assert client.post("/api/things", {"name": "Eve"}, **JSON).status_code == 403
    place = f"/api/things/{ada.pk}"
    found = [client.get(place), client.patch(place, {"name": "x"}, **JSON), client.delete(place)]
    assert [each.status_code for each in found] == [403] * 3
    bob = Author.objects.create(name="Bob")
    assert client.get(f"/api/things/{bob.pk}").json() == {"id": bob.pk, "name": "Bob"}
    assert client.get("/api/things").json()["count"] == 2


def test_the_document_has_the_errors_of_each_verb(base: Any, served: Any):
    class AuthorController(base[Author]):
        fields = ["id", "name"]
        verbs = ALL
        permissions = {"delete": [MayNotChange]}

    class HidingController(AuthorController):
        def queryset(self) -> Any:
            return super().queryset().exclude(name="hidden")

    def closed(controller: Any) -> list[str]:
        paths = served(controller).get("/api/openapi.json").json()["paths"]
        assert "404" in paths["/api/things/bulk"]["patch"]["responses"]
        return [
            f"{method} {path.removeprefix('/api/things')}"
            for path, methods in paths.items()
            for method, each in methods.items()
            if "403" in each["responses"]
        ]

    assert closed(AuthorController) == ["delete /{id}"]
    assert sorted(closed(HidingController)) == [
        "delete /{id}",
        "patch /bulk",
        "patch /{id}",
        "post ",
        "post /bulk",
    ]


def test_authentication_is_of_a_route(base: Any, serve: Any, db: None):
    class ByToken(HttpBearer):
        def authenticate(self, request: Any, token: str) -> Any:
            return token if token == "right" else None

    class AuthorController(base[Author]):
        fields = ["id", "name"]
        verbs = [*ALL, "export", "bulk_import"]
        auth = {"list": None, "show": [], "export": None}

    api = MattAPI()
    api.register_controllers(api_controller("/things", auth=ByToken())(AuthorController))
    client = serve(api)
    ada = Author.objects.create(name="Ada")
    for path in ("", f"/{ada.pk}", "/export"):
        assert client.get(f"/api/things{path}").status_code == 200
    place, row = f"/api/things/{ada.pk}", {"name": "Eve"}
    rows = [{**row, "id": ada.pk}]
    refused = [
        client.post("/api/things", row, **JSON),
        client.patch(place, row, **JSON),
        client.delete(place),
        client.post("/api/things/bulk", [row], **JSON),
        client.patch("/api/things/bulk", rows, **JSON),
        client.post("/api/things/import", "name\nEve\n", content_type="text/csv"),
    ]
    assert [each.status_code for each in refused] == [401] * 6
    signed = {"headers": {"Authorization": "Bearer right"}}
    assert client.post("/api/things", row, **JSON, **signed).status_code == 201
    responses = client.get("/api/openapi.json").json()["paths"]["/api/things"]
    assert ("401" in responses["post"]["responses"], "401" in responses["get"]["responses"]) == (
        True,
        False,
    )


def test_one_route_of_an_open_controller_asks_who_it_is(base: Any, served: Any, ada: Author):
    class AuthorController(base[Author]):
        fields = ["id", "name"]
        auth = {"create": django_auth}

    client = served(AuthorController)
    assert client.get("/api/things").status_code == 200
    assert client.post("/api/things", {"name": "Eve"}, **JSON).status_code == 401


def test_an_object_is_checked_before_many_are_changed(base: Any, served: Any, ada: Author):
    class AuthorController(base[Author]):
        fields = ["id", "name"]
        verbs = ALL
        permissions = {"bulk_change": [IsNotHers & IsNotHers]}

    row = {"id": ada.pk, "name": "Eve"}
    assert served(AuthorController).patch("/api/things/bulk", [row], **JSON).status_code == 403
    ada.refresh_from_db()
    assert ada.name == "Ada"


def test_a_new_object_does_not_replace_another_one(base: Any, served: Any):
    class LandController(base[Land]):
        fields = ["code"]

        def queryset(self) -> Any:
            return super().queryset().exclude(code="secret")

    Land.objects.create(code="secret")
    assert served(LandController).post("/api/things", {"code": "secret"}, **JSON).status_code == 409


def test_a_model_may_save_twice(served: Any, monkeypatch: pytest.MonkeyPatch):
    save = Author.save

    def twice(self: Any, **options: Any) -> None:
        save(self, **options)
        self.name += str(self.pk)
        save(self, **options)

    class AuthorController(CrudController[Author]):
        fields = ["id", "name"]

    monkeypatch.setattr(Author, "save", twice)
    made = served(AuthorController).post("/api/things", {"name": "Ada"}, **JSON)
    assert (made.status_code, made.json()["name"]) == (201, f"Ada{made.json()['id']}")


def test_a_queryset_reads_the_user_of_a_session(base: Any, served: Any):
    class UserController(base[User]):
        fields = ["id", "username"]

        def queryset(self) -> Any:
            return super().queryset().filter(pk=self.request.user.pk)

    ada, _ = (User.objects.create_user(name) for name in ("ada", "eve"))
    client = served(UserController)
    client.force_login(ada)
    shown = {"id": ada.pk, "username": "ada"}
    assert client.get("/api/things").json() == {"items": [shown], "count": 1}
    assert client.get(f"/api/things/{ada.pk}").json() == shown


def test_a_method_is_overridden_with_its_own_types(served: Any, ada: Author):
    class Named(Schema):
        name: str

    class Greeting(Schema):
        hello: str

    class AuthorController(CrudController[Author]):
        fields = ["id", "name"]
        schemas = Schemas(show=Greeting, item=Greeting)

        def create(self, data: Named) -> Any:
            data.name = data.name.upper()
            return super().create(data)

        def queryset(self) -> Any:
            from django.db.models import F

            return super().queryset().annotate(hello=F("name"))

    client = served(AuthorController)
    made = client.post("/api/things", {"name": "eve"}, **JSON)
    assert (made.status_code, made.json()) == (201, {"hello": "EVE"})
    document = client.get("/api/openapi.json").json()
    body = document["paths"]["/api/things"]["post"]["requestBody"]["content"]["application/json"]
    assert body["schema"]["$ref"].endswith("/Named")


def test_a_method_is_overridden_with_a_decorator_with_texts_for_types_and_with_fewer_parameters(
    served: Any, ada: Author
):
    class AuthorController(CrudController[Author]):
        fields, filters = ["id", "name"], ["name"]

        @transaction.atomic
        def create(self, data):  # type: ignore[no-untyped-def]
            return super().create(data)

        def change(self, key: "Any", data: "Any") -> "Any":
            return super().change(key, data)

        def delete(self, id: int) -> Any:  # type: ignore[override]  # noqa: A002 - the name in the path
            Author.objects.filter(pk=id).delete()
            return Status(204, None)

        def list(self):  # type: ignore[no-untyped-def,override]
            return super().list()

    client = served(AuthorController)
    assert client.post("/api/things", {"name": "eve"}, **JSON).json()["name"] == "eve"
    place = f"/api/things/{ada.pk}"
    assert client.patch(place, {"name": "Bob"}, **JSON).json()["name"] == "Bob"
    assert client.get("/api/things").json()["count"] == 2
    assert client.delete(place).status_code == 204
    assert client.get("/api/things").json()["count"] == 1


def test_a_model_is_that_of_the_controller_and_not_of_a_mixin(base: Any):
    class Mixin(Generic[T]):
        """Of another model."""

    class TagController(Mixin[Author], base[Tag]):
        fields = ["id"]

    class LandController(TagController):
        model = Land
        fields = ["code"]

    assert (TagController.model, LandController.model) == (Tag, Land)


def test_many_of_a_proxy_are_created(served: Any):
    class Label(Tag):
        class Meta:
            app_label = "crud_tests"
            proxy = True

    class LabelController(CrudController[Label]):
        fields = ["name"]
        verbs = ALL

    made = served(LabelController).post("/api/things/bulk", [{"name": "a"}], **JSON)
    assert (made.status_code, made.json()) == (201, [{"name": "a"}])


def test_an_object_with_a_window_is_changed(served: Any, ada: Author):
    class AuthorController(CrudController[Author]):
        fields = ["name"]

        def queryset(self) -> Any:
            return super().queryset().annotate(number=Window(RowNumber()))

    changed = served(AuthorController).patch(f"/api/things/{ada.pk}", {"name": "Eve"}, **JSON)
    assert changed.json() == {"name": "Eve"}


def test_a_time_without_a_zone_is_in_that_of_the_project(base: Any, served: Any, settings: Any):
    class EverythingController(base[Everything]):
        fields, filters = ["id", "moment"], ["moment__in"]
        verbs = ALL

    settings.TIME_ZONE = "America/Los_Angeles"
    client = served(EverythingController)
    body = {"moment": "2024-01-01T00:00:00"}
    (made,) = client.post("/api/things/bulk", [body], **JSON).json()
    assert made["moment"] == "2024-01-01T08:00:00Z"
    assert client.post("/api/things", body, **JSON).json()["moment"] == made["moment"]
    assert client.get("/api/things?moment__in=2024-01-01T00:00").json()["count"] == 2
    late = "9999-12-31T23:59:59"
    assert client.post("/api/things", {"moment": late}, **JSON).status_code == 422
    assert client.patch("/api/things/bulk", [{**made, "moment": late}], **JSON).status_code == 422
    assert client.get(f"/api/things?moment__in={late}").status_code == 422


def test_null_for_a_list_of_keys_is_refused_where_a_schema_accepts_it(
    base: Any, served: Any, ada: Author
):
    class Changed(Schema):
        title: str | None = None
        tags: list[int] | None = None

    class BookController(base[Book]):
        fields = ["title"]
        schemas = Schemas(change=Changed)

    client = served(BookController)
    place = f"/api/things/{Book.objects.create(title='Oak', author=ada).pk}"
    for name in ("title", "tags"):
        refused = client.patch(place, {name: None}, **JSON)
        assert (refused.status_code, refused.json()["detail"][0]["loc"]) == (422, ["body", name])


def test_only_the_verbs_that_are_named_are_routes(base: Any, served: Any, ada: Author):
    class AuthorController(base[Author]):
        fields = ["id", "name"]
        verbs = READ
        paginator = PageNumberPaginationExtra

    client = served(AuthorController)
    assert client.get("/api/things").json()["results"] == [{"id": ada.pk, "name": "Ada"}]
    assert client.post("/api/things", {"name": "x"}, **JSON).status_code == 405
    assert client.delete(f"/api/things/{ada.pk}").status_code == 405


def test_passwords_are_written_and_not_shown(base: Any, served: Any):
    class UserController(base[User]):
        fields = ["id", "username"]
        write_only = ["password"]

    client = served(UserController)
    made = client.post("/api/things", {"username": "ada", "password": "x"}, **JSON)
    assert set(made.json()) == {"id", "username"}
    assert User.objects.get().check_password("x")


def test_save_and_signals_run(base: Any, served: Any):
    seen = []

    def receive(sender: Any, instance: Any, created: bool, **_: Any) -> None:
        seen.append((instance.name, created))

    class GroupController(base[Group]):
        fields = ["id", "name"]

    client = served(GroupController)
    post_save.connect(receive, sender=Group)
    try:
        made = client.post("/api/things", {"name": "a"}, **JSON).json()
        client.patch(f"/api/things/{made['id']}", {"name": "b"}, **JSON)
    finally:
        post_save.disconnect(receive, sender=Group)
    assert seen == [("a", True), ("b", False)]
    again = client.post("/api/things", {"name": "b"}, **JSON)
    assert (again.status_code, "name" in again.content.decode()) == (409, True)


def test_rules_of_the_database_are_answered_by_name(base: Any, served: Any, ada: Author):
    class EditionController(base[Edition]):
        fields = "__all__"

    client = served(EditionController)
    body = {"isbn": "1", "title": "Oak", "author_id": ada.pk, "tags": []}
    made = client.post("/api/things", body, **JSON)
    assert made.status_code == 201
    assert client.post("/api/things", {**body, "title": "Elm"}, **JSON).status_code == 409
    assert client.post("/api/things", {**body, "isbn": "2"}, **JSON).status_code == 409
    wrong = client.patch(f"/api/things/{made.json()['id']}", {"pages": -1}, **JSON)
    assert (wrong.status_code, "pages" in wrong.content.decode()) == (422, True)


def test_an_object_with_several_keys_has_a_path_of_several_segments(base: Any, served: Any):
    class SeatController(base[Seat]):
        fields = ["row", "number", "name"]

    client = served(SeatController)
    made = client.post("/api/things", {"row": 3, "number": 7}, **JSON)
    assert (made.status_code, made.json()) == (201, {"row": 3, "number": 7, "name": ""})
    changed = client.patch("/api/things/3/7", {"name": "aisle"}, **JSON)
    assert changed.json() == {"row": 3, "number": 7, "name": "aisle"}
    assert client.patch("/api/things/3/7", {"row": 4}, **JSON).status_code == 422
    assert [client.get("/api/things/3/8").status_code, client.delete("/api/things/3/7").status_code] == [404, 204]  # fmt: skip


def test_a_key_may_be_a_relation(base: Any, served: Any):
    class PassController(base[Pass]):
        fields = ["owner", "code"]

    owner = Owner.objects.create(name="Ada")
    client = served(PassController)
    made = client.post("/api/things", {"owner_id": owner.pk, "code": "x"}, **JSON)
    assert (made.status_code, made.json()) == (201, {"owner_id": owner.pk, "code": "x"})
    assert client.get(f"/api/things/{owner.pk}").json()["code"] == "x"


def test_choices_are_an_enum_and_stored_ones_that_are_none_any_more_are_shown(
    base: Any, served: Any
):
    class EverythingController(base[Everything]):
        fields = ["id", "colour", "level", "address", "document", "maybe"]

    client = served(EverythingController)
    assert client.post("/api/things", {"colour": "green"}, **JSON).status_code == 422
    body = {"colour": "blue", "address": "192.0.2.7", "document": [1, {"a": None}], "maybe": None}
    made = client.post("/api/things", body, **JSON)
    assert made.status_code == 201, made.content
    assert {**made.json(), **body} == made.json()
    Everything.objects.update(colour="green")
    assert client.get(f"/api/things/{made.json()['id']}").json()["colour"] == "green"


def test_relations_of_the_other_side_are_nested(base: Any, served: Any, ada: Author):
    class AuthorController(base[Author]):
        fields = ["id", "name", "books", "staff"]
        expand = {"books": ["id", "title"], "staff": ["id", "name"]}
        search = ["books__title"]

    with pytest.raises(TypeError, match="other side"):

        class BadController(base[Author]):
            fields = ["id", "books"]

    client = served(AuthorController)
    book = Book.objects.create(title="Oak", author=ada)
    shown = client.get(f"/api/things/{ada.pk}").json()
    assert shown == {
        "id": ada.pk,
        "name": "Ada",
        "books": [{"id": book.pk, "title": "Oak"}],
        "staff": [],
    }
    assert client.patch(f"/api/things/{ada.pk}", {"books": []}, **JSON).status_code == 422


def test_a_deleted_object_may_stay(base: Any, served: Any, ada: Author):
    class OwnerController(base[Owner]):
        fields = ["id", "name"]

        def remove(self, instance: Owner) -> None:
            instance.is_gone = True
            instance.save()

    client = served(OwnerController)
    owner = Owner.objects.create(name="Ada")
    assert client.delete(f"/api/things/{owner.pk}").status_code == 204
    assert client.get(f"/api/things/{owner.pk}").status_code == 404
    assert client.get("/api/things").json()["count"] == 0


def test_a_controller_is_inherited_and_calls_its_parent(base: Any, served: Any, ada: Author):
    class Parent(base[Author]):
        fields = ["id", "name"]
        ordering = ["name"]

        if base is CrudController:

            def list(self, query: Any = None) -> Any:
                return super().list(query).exclude(name="Eve")

    class Child(Parent):
        fields = ["name"]

        if base is CrudController:

            def list(self, query: Any = None) -> Any:
                return super().list(query).exclude(name="Bob")

    for name in ("Bob", "Eve"):
        Author.objects.create(name=name)
    found = served(Child).get("/api/things?ordering=name").json()
    names = ["Ada"] if base is CrudController else ["Ada", "Bob", "Eve"]
    assert found["items"] == [{"name": name} for name in names]
    with pytest.raises(TypeError, match="leaves out 'create', which it inherits"):

        class Reader(Parent):
            verbs = READ


def test_rows_of_a_bulk_write_have_no_lists_of_keys(books: Any, ada: Author):
    rows = [{"title": title, "author_id": ada.pk} for title in ("Oak", "Elm")]
    made = books.post("/api/things/bulk", rows, **JSON)
    assert (made.status_code, [each["tags"] for each in made.json()]) == (201, [[], []])
    assert books.post("/api/things/bulk", [{**rows[0], "tags": []}], **JSON).status_code == 422
    assert Book.objects.count() == 2


@pytest.mark.parametrize(
    ("attributes", "says"),
    [
        ({}, "fields is empty"),
        ({"fields": ["id", "colour"]}, "has the fields"),
        ({"fields": ["id", "shout"]}, "declare what Author.shout returns"),
        ({"fields": ["id"], "filters": ["colour"]}, "no 'colour'"),
        ({"fields": ["id"], "filters": ["name__sounds"]}, "no lookup 'sounds'"),
        ({"fields": ["id"], "filters": ["name__regex"]}, "never end"),
        ({"fields": ["id"], "filters": ["search"]}, "another parameter"),
        ({"fields": ["id"], "filters": ["format"]}, "another parameter"),
        ({"fields": ["id"], "ordering": ["books__title"]}, "several values"),
        ({"fields": ["id"], "search": ["colour"]}, "no 'colour'"),
        ({"fields": ["id"], "search": ["boss"]}, "has no text"),
        ({"fields": ["id"], "ordering": ["-name"]}, "no '-name'"),
        ({"fields": ["id"], "ordering": ["name__size"]}, "no 'size'"),
        ({"fields": ["id"], "permissions": {"remove": []}}, "permissions has"),
        ({"fields": ["id"], "auth": {"remove": None}}, "auth has"),
        ({"fields": ["id"], "create": lambda self, body: body}, "name it data"),
        (
            {
                "fields": ["id"],
                "create": http_post("")(lambda self: None),
                "permissions": {"create": [MayNotChange]},
            },
            "permissions has 'create', which is a route of its own",
        ),
        (
            {
                "fields": ["id"],
                "create": http_post("")(lambda self: None),
                "auth": {"create": None},
            },
            "auth has 'create', which is a route of its own",
        ),
        ({"fields": ["id"], "verbs": ["read"]}, "known are list, create"),
        ({"fields": ["id"], "expand": ["boss"]}, "expand names"),
    ],
)
def test_a_mistake_of_the_class_is_said_when_it_is_defined(attributes: Any, says: str):
    with pytest.raises(TypeError, match=says):
        new_class(
            "AuthorController", (CrudController[Author],), {}, lambda it: it.update(attributes)
        )


@pytest.mark.parametrize(("model", "verb"), [(Seat, "bulk_change"), (Review, "bulk_create")])
def test_a_verb_that_the_table_cannot_have_is_refused(model: Any, verb: str):
    with pytest.raises(TypeError, match=verb):

        class Controller(CrudController[model]):
            fields = "__all__"
            verbs = [verb]  # type: ignore[list-item]


def test_a_schema_with_keys_of_many_objects_is_refused_for_bulk_writes():
    class BookIn(Schema):
        tags: list[int]

    with pytest.raises(TypeError, match=r"cannot write \['tags'\]"):

        class BookController(CrudController[Book]):
            fields = ["id"]
            schemas = Schemas(create=BookIn)
            verbs = ALL


def test_all_fields_of_a_user_are_refused():
    with pytest.raises(TypeError, match="passwords"):

        class UserController(CrudController[User]):
            fields = "__all__"


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has one writer")
def test_of_sixteen_who_create_the_same_one_succeeds(served: Any):
    class GroupController(CrudController[Group]):
        fields = ["id", "name"]

    client = served(GroupController)

    def create(_: int) -> int:
        try:
            return client.post("/api/things", json.dumps({"name": "a"}), **JSON).status_code  # type: ignore[no-any-return]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(16) as pool:
        found = sorted(pool.map(create, range(16)))
    assert found == [201] + [409] * 15


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has one writer")
def test_changes_of_other_fields_are_not_lost(served: Any, ada: Author):
    class BlurbController(CrudController[Book]):
        fields = ["id", "title", "price"]

    client = served(BlurbController)
    book = Book.objects.create(title="a", author=ada)

    def change(number: int) -> int:
        body = {"title": "b"} if number % 2 else {"price": "5.00"}
        try:
            return client.patch(f"/api/things/{book.pk}", json.dumps(body), **JSON).status_code  # type: ignore[no-any-return]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(change, range(16))) == {200}
    book.refresh_from_db()
    assert (book.title, str(book.price)) == ("b", "5.00")
