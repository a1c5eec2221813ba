"""The operations of an API as data: what a route is, who may call it, what it answers and reads, and its JSON."""

import json
import subprocess
import sys
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import connection
from django.db.models import Exists, OuterRef
from django.db.models.expressions import RawSQL
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from ninja import Field, File, ModelSchema, Query, Schema, UploadedFile
from ninja.errors import ConfigError
from ninja.operation import Operation
from ninja.pagination import CursorPagination, PageNumberPagination
from ninja.pagination import paginate as ninja_paginate
from ninja.renderers import BaseRenderer
from ninja.security import APIKeyHeader, HttpBearer, django_auth
from ninja.streaming import SSE as NinjaSSE
from ninja.throttling import AnonRateThrottle
from ninja_extra import NinjaExtraAPI, permissions
from ninja_extra.pagination import PageNumberPaginationExtra
from ninja_extra.pagination import paginate as extra_paginate

from django_matt import (
    JSONL,
    SSE,
    ControllerBase,
    MattAPI,
    ModelConfig,
    ModelControllerBase,
    Ordering,
    PaginatedResponseSchema,
    Router,
    Searching,
    api_controller,
    http_get,
    http_post,
    needs,
    ordering,
    searching,
    tier,
)
from django_matt.hooks import OperationHook
from django_matt.operations import (
    BoundOperation,
    component_classes,
    find_operation,
    list_operations,
)
from django_matt.reads import Reads, Relation
from tests.project.models import TENANT, Account, Author, Blurb, Book, Payment, Tag


class TagRow(ModelSchema):
    class Meta:
        model = Tag
        fields = ["id", "name"]


class AuthorRow(ModelSchema):
    class Meta:
        model = Author
        fields = ["id", "name"]


class BookRow(ModelSchema):
    author: AuthorRow
    tags: list[TagRow]

    class Meta:
        model = Book
        fields = ["id", "title"]


class NewTag(Schema):
    name: str


class ShoutingAuthor(ModelSchema):
    shout: str

    class Meta:
        model = Author
        fields = ["name"]


class LabelledBook(ModelSchema):
    label: str

    @staticmethod
    def resolve_label(book):
        return f"{book.title} by {book.author.name}"

    class Meta:
        model = Book
        fields = ["id"]


class DeclaredBook(LabelledBook):
    @staticmethod
    @needs("title", "author__name")
    def resolve_label(book):
        return f"{book.title} by {book.author.name}"

    class Meta(LabelledBook.Meta):
        pass


class PaymentRow(ModelSchema):
    class Meta:
        model = Payment
        fields = ["id", "amount"]


class AccountRow(ModelSchema):
    payments: list[PaymentRow]

    class Meta:
        model = Account
        fields = ["id", "name"]


class Fault(Schema):
    detail: str


class Key(APIKeyHeader):
    param_name = "X-Key"

    def authenticate(self, request, key):
        return key == "right"


class Token(HttpBearer):
    def authenticate(self, request, token):
        return token == "right"


def signed(request):
    return True


def plain(request): ...
def other(request): ...
def last(request): ...


def only(api: MattAPI) -> BoundOperation:
    (operation,) = api.operations()
    return operation


def named(api: MattAPI, name: str) -> BoundOperation:
    (operation,) = (each for each in api.operations() if each.name == name)
    return operation


def route(response: Any, view: Any = lambda request: None, **options: Any) -> BoundOperation:
    api = MattAPI(urls_namespace="alone", **options)
    api.get("/", response=response)(view)
    return only(api)


# ---- what a route is ----


def test_a_function_says_where_it_is_and_what_it_is_called(serve):
    api = MattAPI()

    @api.get("/books/{int:number}", tags=["books"], response={200: BookRow, 404: Fault, 204: None})
    def read_book(request, number: int, verbose: bool = False):
        """Show one book."""

    serve(api, "v1/api/")
    operation = only(api)
    assert operation.path == "/v1/api/books/{number}"
    assert list(api.get_openapi_schema()["paths"]) == [operation.path]
    assert operation.methods == ("GET",)
    assert (operation.url_name, operation.operation_id) == (
        "read_book",
        "tests_test_operations_read_book",
    )
    assert reverse(operation.view_name, kwargs={"number": 3}) == "/v1/api/books/3"
    assert operation.tags == ("books",)
    assert (operation.summary, operation.description) == ("Read Book", "Show one book.")
    assert operation.function is read_book
    assert (operation.name, operation.controller, operation.is_async) == ("read_book", None, False)
    assert operation.documented
    assert not operation.deprecated
    assert operation.problem is None
    assert operation.api is api
    assert set(operation.request_models) == {"path", "query"}
    assert list(operation.request_models["query"].model_fields) == ["verbose"]
    assert operation.response_schemas == {200: BookRow, 404: Fault, 204: None}
    assert (
        repr(operation)
        == "<BoundOperation GET /books/{int:number} tests_test_operations_read_book>"
    )


def test_a_view_without_a_schema_answers_anything(serve):
    operation = route(None)
    assert operation.response_schemas == {200: None}
    api = MattAPI()
    api.get("/plain")(signed)
    assert only(api).response_schemas == {200: Any}
    assert only(api).unplanned == "no response schema: the view's return value is encoded unchanged"
    assert only(api).reads() == ()
    assert only(api).built_schemas == ()


def test_paths_are_known_without_urls_and_below_parameters(serve):
    api = MattAPI(urls_namespace="somewhere")
    api.get("/books")(signed)
    serve(MattAPI())
    assert only(api).path == "/books"
    assert api.operations(path_prefix="/shop/")[0].path == "/shop/books"
    serve(api, "<slug:tenant>/api/")
    assert only(api).path == "/{tenant}/api/books"


def test_nested_routers_hand_down_what_they_say(serve):
    api, shop, shelf = MattAPI(auth=signed), Router(tags=["shop"]), Router(auth=Key())
    shelf.get("/books")(signed)

    @shelf.get("/open", auth=None, tags=["open"])
    def read(request): ...

    shop.add_router("/shelf", shelf)
    shop.get("/")(lambda request: None)
    api.add_router("/shop", shop)
    serve(api)
    found = {operation.path: operation for operation in api.operations()}
    assert list(found) == list(api.get_openapi_schema()["paths"])
    assert [type(each) for each in found["/api/shop/shelf/books"].auth] == [Key]
    assert found["/api/shop/shelf/books"].tags == ("shop",)
    assert found["/api/shop/shelf/open"].auth == ()
    assert found["/api/shop/shelf/open"].tags == ("open",)
    assert found["/api/shop/"].auth == (signed,)
    assert reverse(found["/api/shop/shelf/open"].view_name) == "/api/shop/shelf/open"


@api_controller("/tags", tags=["tags"], permissions=[permissions.IsAuthenticated])
class Tags(ControllerBase):
    @http_get("", response=list[TagRow])
    def all(self): ...

    @http_post("", response={201: TagRow}, permissions=[permissions.IsAdminUser])
    async def make(self, tag: NewTag, cover: UploadedFile = File(None)): ...  # noqa: B008


def test_a_controller_says_its_class_and_method(serve):
    api = MattAPI()
    api.register_controllers(Tags)
    serve(api)
    listed, made = api.operations()
    assert (listed.controller, listed.name, made.name) == (Tags, "all", "make")
    assert made.function.__qualname__ == "Tags.make"
    assert listed.path == made.path == "/api/tags"
    assert (listed.is_async, made.is_async) == (False, True)
    assert listed.permissions == (permissions.IsAuthenticated,)
    assert made.permissions == (permissions.IsAdminUser,)
    assert listed.tags == ("tags",)
    assert listed.operation_id == "tags_all"
    assert set(made.request_models) == {"body", "file"}


def test_a_controller_of_two_apis_has_operations_in_each(serve):
    one = MattAPI(urls_namespace="one", auth=signed)
    two = MattAPI(urls_namespace="two", throttle=AnonRateThrottle("5/s"))
    for api in (one, two):
        api.register_controllers(Tags)
    serve(one, "one/", **{"two/": two})
    ours, theirs = one.operations(), two.operations()
    assert [each.path for each in ours] == ["/one/tags", "/one/tags"]
    assert [each.path for each in theirs] == ["/two/tags", "/two/tags"]
    assert ours[0].auth == (signed,)
    assert theirs[0].auth == ()
    assert [type(each) for each in theirs[0].throttles] == [AnonRateThrottle]
    assert ours[0].throttles == ()
    assert ours[0] == one.operations()[0]
    assert ours[0] != theirs[0]
    assert len({*ours, *one.operations()}) == 2


@pytest.mark.filterwarnings("ignore:Support for class-based `config`:DeprecationWarning")
def test_a_model_controller_names_its_verbs(serve):
    @api_controller("/authors")
    class Authors(ModelControllerBase):
        model_config = ModelConfig(model=Author, allowed_routes=["create", "find_one", "list"])

    api = MattAPI()
    api.register_controllers(Authors)
    serve(api)
    found = {operation.operation_id: operation for operation in api.operations()}
    assert sorted(found) == ["authors_create_item", "authors_get_item", "authors_list_items"]
    listed = found["authors_list_items"]
    assert (listed.controller, listed.name) == (Authors, "list_items")
    assert len(listed.paginators) == 1
    assert listed.reads()[0].tables[0] == "project_author"


def test_each_method_has_the_id_of_the_document(serve):
    api = MattAPI()
    api.api_operation(["PUT", "PATCH"], "/book")(signed)
    api.api_operation(["GET", "HEAD"], "/shown")(plain)
    api.get("/hidden", include_in_schema=False)(other)
    serve(api)
    document = api.get_openapi_schema()["paths"]
    for operation in api.operations()[:2]:
        shown = {
            method.upper(): each["operationId"] for method, each in document[operation.path].items()
        }
        assert operation.operation_ids == shown
    assert api.operations()[2].path not in document
    assert not api.operations()[2].documented
    assert api.operations()[2].components == {}


def test_an_operation_cannot_be_changed():
    with pytest.raises(AttributeError):
        route(TagRow).operation = None  # type: ignore[misc, assignment]


# ---- who may call it, what it takes ----


def test_security_schemes_have_the_names_of_the_document(serve):
    api = MattAPI(auth=[Key(), Token()])
    api.get("/both")(signed)
    api.get("/session", auth=django_auth)(plain)
    api.get("/function", auth=signed)(other)
    api.get("/open", auth=None)(last)
    serve(api)
    document = api.get_openapi_schema()
    for operation in api.operations():
        security = document["paths"][operation.path]["get"].get("security", [])
        assert list(operation.security_schemes) == [name for each in security for name in each]
        for name, scheme in operation.security_schemes.items():
            assert document["components"]["securitySchemes"][name] == scheme
    assert [each.path for each in api.operations() if not each.auth] == ["/api/open"]


def test_paginators_tell_their_limits(serve, settings):
    settings.MATT = {"MAX_PAGE_SIZE": 50, "MAX_OFFSET": 1000}
    api = MattAPI()
    api.get("/plain", response=list[TagRow])(ninja_paginate(lambda request, **kwargs: None))
    api.get("/capped", response=list[TagRow])(
        ninja_paginate(PageNumberPagination, max_page_size=7)(lambda request, **kwargs: None)
    )
    plain, capped = api.operations()
    assert plain.paginators[0].limits == {"limit": 50, "offset": 1000}
    assert isinstance(capped.paginators[0].paginator, PageNumberPagination)
    assert capped.paginators[0].limits == {"page": 1000, "page_size": 7}


def test_search_and_ordering_tell_their_fields():
    api = MattAPI()

    @api.get("/found", response=list[TagRow])
    @searching(Searching, search_fields=["name", "=id"])
    @ordering(Ordering, ordering_fields=["name"])
    def find(request): ...

    @api.get("/shown", response=list[TagRow])
    @ordering
    def shown(request): ...

    @api.get("/any")
    @ordering
    def anything(request): ...

    api.get("/none")(signed)
    found, bare, free, plain = api.operations()
    assert (found.search_fields, found.ordering_fields) == (("name", "=id"), ("name",))
    assert (bare.search_fields, bare.ordering_fields) == ((), ("id", "name"))
    assert free.ordering_fields is None
    assert plain.ordering_fields == ()


def test_a_stream_tells_its_format_and_item():
    api = MattAPI()

    @api.get("/events", response=SSE[TagRow])
    def events(request):
        yield from ()

    api.get("/none")(signed)
    stream = api.operations()[0].stream
    assert stream is not None
    assert issubclass(stream.format, NinjaSSE)
    assert stream.item is TagRow
    assert api.operations()[1].stream is None


@pytest.mark.parametrize("strict", [False, True])
def test_components_are_the_classes_of_the_document(serve, settings, strict):
    settings.MATT = {"STRICT_OPENAPI": strict}
    api = MattAPI()
    other = type("TagRow", (Schema,), {"__annotations__": {"colour": str}, "__module__": "other"})
    api.get("/books", response=list[BookRow])(ninja_paginate(lambda request, **kwargs: None))
    api.get("/other", response=other)(signed)

    @api.post("/tags", response={201: TagRow})
    def make(request, tag: NewTag): ...

    serve(api)
    schemas = api.get_openapi_schema()["components"]["schemas"]
    classes = component_classes(api)
    assert set(classes) <= set(schemas)
    assert set(schemas) - set(classes) <= {"Detail", "ValidationDetail"} | {
        name for name in schemas if "Error" in name or "Problem" in name
    }
    assert len([name for name, cls in classes.items() if cls in (TagRow, other)]) == 2
    for name, cls in classes.items():
        assert set(schemas[name]["properties"]) == set(cls.model_fields)
    books, _, made = api.operations()
    (tag_name,) = (name for name, cls in classes.items() if cls is TagRow)
    expected: dict[str, type] = {"NewTag": NewTag, tag_name: TagRow}
    assert made.components == expected
    assert {AuthorRow, BookRow, TagRow} < set(books.components.values())


# ---- what it reads ----


def test_rows_say_their_tables_columns_relations_and_queries():
    (reads,) = route(list[BookRow]).reads()
    assert isinstance(reads, Reads)
    assert (reads.status, reads.schema, reads.tier, reads.reason) == (
        200,
        f"list[tests.test_operations.{BookRow.__name__}]",
        "rows",
        None,
    )
    assert reads.models == (Book, Author, Tag, Book.tags.through)
    assert reads.tables == ("project_book", "project_author", "project_tag", "project_book_tags")
    assert reads.columns["project_book"] == {"id", "title", "author_id"}
    assert reads.columns["project_author"] == {"id", "name"}
    assert reads.columns["project_book_tags"] == {"book_id", "tag_id"}
    assert reads.relations == (
        Relation(Book, "author", Author, many=False),
        Relation(Book, "tags", Tag, many=True),
    )
    assert reads.queries == len(reads.sql) == 2
    assert reads.unknown is None
    assert reads.streamed


def test_the_tables_and_queries_are_those_of_a_request(serve, db):
    book = Book.objects.create(title="a", author=Author.objects.create(name="b"))
    book.tags.add(Tag.objects.create(name="c"))
    api = MattAPI()
    api.get("/rows", response=list[BookRow])(lambda request: Book.objects.all())
    api.get("/instances", response=list[BookRow])(
        tier("instances")(lambda request: Book.objects.all())
    )
    api.get("/declared", response=list[DeclaredBook])(lambda request: Book.objects.all())
    client = serve(api)
    for operation in api.operations():
        (reads,) = operation.reads()
        with CaptureQueriesContext(
            connection,
        ) as captured:
            client.get(operation.path)
        assert len(captured) == reads.queries
        asked = " ".join(each["sql"] for each in captured)
        every = {model._meta.db_table for model in (Book, Author, Tag, Blurb, Book.tags.through)}
        assert {table for table in every if f'"{table}"' in asked} == set(reads.tables)
        for table, columns in reads.columns.items():
            assert all(f'"{table}"."{column}"' in asked for column in columns), (table, columns)


def test_the_instances_tier_says_why_and_what_code_may_read():
    (reads,) = route(list[ShoutingAuthor]).reads()
    assert reads.tier == "instances"
    assert reads.reason == "shout is not a column, annotation or relation of Author"
    assert reads.columns["project_author"] == {"id", "name", "boss_id"}
    assert reads.queries is None
    assert reads.unknown is not None
    assert reads.unknown.startswith("code reads Author")


def test_a_resolver_that_declares_its_needs_is_known():
    (unsaid,) = route(list[LabelledBook]).reads()
    assert (unsaid.tier, unsaid.queries) == ("pydantic", None)
    assert unsaid.tables == ("project_book",)
    (said,) = route(list[DeclaredBook]).reads()
    assert (said.tier, said.queries, said.unknown) == ("pydantic", 1, None)
    assert said.tables == ("project_book", "project_author")


def test_each_status_reads_for_itself():
    ok, fault = route({200: TagRow, 404: Fault}).reads()
    assert (ok.status, ok.tier, ok.tables) == (200, "rows or instances", ("project_tag",))
    assert (fault.status, fault.schema, fault.tables, fault.queries) == (404, "Fault", (), None)
    assert (
        fault.unknown
        == "the schema names no model; pass the model, or the view's queryset, to reads()"
    )


def test_a_model_or_a_queryset_is_given_where_the_schema_does_not_say():
    class Named(Schema):
        name: str

    operation = route(list[Named])
    assert operation.reads()[0].tier == "rows or instances"
    assert operation.reads(Tag)[0].tables == ("project_tag",)
    assert operation.reads(Tag)[0].tier == "rows"
    assert operation.reads(Tag.objects)[0].tier == "rows"


def test_a_queryset_adds_what_it_filters_and_orders_by():
    operation = route(list[TagRow])
    written = Blurb.objects.filter(book=OuterRef("books"), text="x")
    queryset = Tag.objects.filter(books__author__name="b").order_by("books__price")
    (reads,) = operation.reads(queryset.filter(Exists(written)))
    assert set(reads.tables) == {
        "project_tag",
        "project_book_tags",
        "project_book",
        "project_author",
        "project_blurb",
    }
    assert "name" in reads.columns["project_author"]
    assert "price" in reads.columns["project_book"]
    assert "text" in reads.columns["project_blurb"]
    assert reads.unknown is None
    assert operation.reads(Tag.objects.none())[0].tables == ("project_tag",)


def test_sql_by_hand_is_said_to_be_unknown():
    queryset = Tag.objects.annotate(n=RawSQL("SELECT 1", ()))
    (reads,) = route(list[TagRow]).reads(queryset)
    assert reads.unknown == "SQL written by hand may read other tables"


def test_a_page_reads_what_its_items_do():
    operation = route(list[BookRow], ninja_paginate(lambda request, **kwargs: None))
    (reads,) = operation.reads()
    assert (reads.schema, reads.tier, reads.queries) == (f"Paged{BookRow.__name__}", "rows", 2)
    assert reads.tables[0] == "project_book"


def test_a_projects_own_renderer_is_named():
    class Renderer(BaseRenderer):
        media_type = "application/json"

    (reads,) = route(list[TagRow], renderer=Renderer()).reads()
    assert (reads.tier, reads.without_own_code) == ("pydantic", "rows")
    assert reads.own_code == "Renderer, the renderer of the API, writes the responses"


@pytest.mark.parametrize("fastest", ["rows", "instances", "pydantic"])
def test_a_manager_that_refuses_outside_of_a_request_is_a_reason(fastest):
    (reads,) = route(list[AccountRow], tier(fastest)(lambda request: None)).reads()
    assert reads.tier == fastest
    assert reads.tables == ("project_account", "project_payment")
    assert reads.unknown is not None
    for model in ("Account", "Payment"):
        why = f"the default manager of {model} fails: LookupError: no request, no tenant"
        assert why in reads.unknown
    assert reads.queries == (2 if fastest == "rows" else None)
    assert reads.sql == ()


@pytest.mark.django_db
def test_the_same_manager_tells_more_inside_of_one(serve):
    token = TENANT.set(1)
    try:
        account = Account.objects.create(tenant=1, name="a")
        Account.objects.create(tenant=2, name="b")
        Payment.objects.create(account=account, tenant=1, amount=3)
        api = MattAPI()
        api.get("/accounts", response=list[AccountRow])(lambda request: Account.objects.all())
        answer = serve(api).get("/api/accounts")
        (reads,) = only(api).reads()
        assert (reads.unknown, reads.queries) == (None, 2)
        assert "tenant" in reads.columns["project_payment"]
        assert only(api).render(Account.objects.all()).body == answer.content
    finally:
        TENANT.reset(token)


def test_reading_asks_nothing_of_the_database(django_assert_num_queries, db):
    with django_assert_num_queries(0):
        route(list[BookRow]).reads()


# ---- the route's JSON ----


@pytest.fixture
def books(db):
    for number in range(5):
        author = Author.objects.create(name=f"writer {number}")
        book = Book.objects.create(title=f"book ß {number}", author=author)
        book.tags.add(Tag.objects.create(name=f"tag {number}"))
    return Book.objects.order_by("pk")


def views(is_async: bool, give: Any) -> Any:
    async def view_async(request, **kwargs):
        return give()

    def view(request, **kwargs):
        return give()

    return view_async if is_async else view


def ask(client, path, is_async):
    if not is_async:
        return client.get(path)
    return async_to_sync(client.async_client.get)(path)


def rendered(operation, value, request=None, status=None, *, is_async):
    if is_async:
        return async_to_sync(operation.arender)(value, request, status)
    return operation.render(value, request, status)


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("fastest", ["rows", "instances", "pydantic"])
@pytest.mark.parametrize("schema", [BookRow, DeclaredBook])
def test_a_list_is_rendered_as_the_route_answers_it(serve, books, fastest, schema, is_async):
    api = MattAPI(urls_namespace="lists")
    api.get("/books", response=list[schema])(  # type: ignore[valid-type]
        tier(fastest)(views(is_async, lambda: books))
    )
    answer = ask(serve(api), "/api/books", is_async)
    assert answer.status_code == 200
    found = rendered(only(api), books, is_async=is_async)
    assert found.body == answer.content
    assert found.content_type == answer.headers["Content-Type"]
    assert rendered(only(api), list(books), is_async=is_async).body == answer.content
    # Other rows than the route's.
    less = json.loads(rendered(only(api), books[:2], is_async=is_async).body)
    assert less == answer.json()[:2]
    assert rendered(only(api), books.none(), is_async=is_async).body == b"[]"


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("fastest", ["rows", "instances", "pydantic"])
def test_one_object_is_rendered_as_the_route_answers_it(serve, books, fastest, is_async):
    api = MattAPI(urls_namespace="objects")
    first = books.filter(title__endswith="3")
    api.get("/book", response=BookRow)(tier(fastest)(views(is_async, lambda: first)))
    answer = ask(serve(api), "/api/book", is_async)
    assert answer.status_code == 200
    assert rendered(only(api), first, is_async=is_async).body == answer.content
    assert rendered(only(api), first.get(), is_async=is_async).body == answer.content


@pytest.mark.parametrize("fastest", ["rows", "instances", "pydantic"])
@pytest.mark.parametrize(
    "paginate",
    [
        ninja_paginate,
        ninja_paginate(PageNumberPagination),
        ninja_paginate(CursorPagination, ordering=("pk",)),
    ],
)
def test_the_items_of_a_page_are_rendered_as_the_route_answers_them(
    serve, books, fastest, paginate
):
    api = MattAPI(urls_namespace="pages")
    api.get("/books", response=list[BookRow])(tier(fastest)(paginate(views(False, lambda: books))))
    answer = serve(api).get("/api/books").json()
    key = "items" if "items" in answer else "results"
    assert len(answer[key]) == 5
    assert json.loads(only(api).render(books).body) == answer[key]
    # A page that is given whole is written whole.
    whole = {**answer, key: books[:2]}
    assert json.loads(only(api).render(whole).body) == {**answer, key: answer[key][:2]}


def test_the_items_of_ninja_extras_pages_are_rendered_too(serve, books):
    @api_controller("/extra")
    class Pages(ControllerBase):
        @http_get("", response=PaginatedResponseSchema[BookRow])
        @extra_paginate(PageNumberPaginationExtra)
        def all(self):
            return books

    api = MattAPI(urls_namespace="extra-pages")
    api.register_controllers(Pages)
    answer = serve(api).get("/api/extra").json()
    assert len(answer["results"]) == 5
    assert json.loads(only(api).render(books).body) == answer["results"]


def test_a_resolver_finds_the_request(serve, db, rf):
    class Linked(ModelSchema):
        link: str

        @staticmethod
        def resolve_link(tag, context):
            return context["request"].build_absolute_uri("/x")

        class Meta:
            model = Tag
            fields = ["name"]

    Tag.objects.create(name="a")
    api = MattAPI()
    api.get("/tags", response=list[Linked])(lambda request: Tag.objects.all())
    answer = serve(api).get("/api/tags")
    assert only(api).render(Tag.objects.all(), rf.get("/other")).body == answer.content


def test_aliases_and_left_out_values_are_the_routes(serve, books):
    class Aliased(Schema):
        name: str = Field(serialization_alias="Title", validation_alias="title")
        editor: AuthorRow | None = None

    api = MattAPI()
    api.get("/books", response=list[Aliased], by_alias=True, exclude_none=True)(
        lambda request: books
    )
    answer = serve(api).get("/api/books")
    assert "Title" in answer.json()[0]
    assert "editor" not in answer.json()[0]
    assert only(api).render(books).body == answer.content


def test_statuses_are_rendered_by_their_own_schemas(serve, books):
    operation = route({200: list[TagRow], 201: TagRow, 204: None, 404: Fault})
    tag = Tag.objects.first()
    assert json.loads(operation.render(tag, status=201).body) == {"id": tag.pk, "name": tag.name}
    assert json.loads(operation.render({"detail": "gone"}, status=404).body) == {"detail": "gone"}
    assert operation.render(None, status=204).body == b""
    with pytest.raises(ValueError, match="declares no response for status 500, only 200, 201"):
        operation.render(None, status=500)
    assert route({201: TagRow}).render(tag).body == operation.render(tag, status=201).body


def test_a_route_without_a_schema_renders_what_it_is_given():
    api = MattAPI()
    api.get("/plain")(lambda request: {"a": 1})
    assert only(api).render({"a": 1}).body == b'{"a":1}'


def test_the_item_of_a_stream_is_rendered_as_it_is_sent(serve, books):
    api = MattAPI()

    @api.get("/lines", response=JSONL[TagRow])
    def lines(request):
        yield from list(Tag.objects.order_by("pk"))

    answer = serve(api).get("/api/lines").getvalue()
    items = [only(api).render(tag).body for tag in Tag.objects.order_by("pk")]
    assert answer == b"".join(item + b"\n" for item in items)


def test_a_projects_own_renderer_writes_it(serve, books, rf):
    class Wrapping(BaseRenderer):
        media_type = "application/vnd.shop+json"

        def render(self, request, data, *, response_status):
            return json.dumps({"status": response_status, "data": data})

    api = MattAPI(renderer=Wrapping())
    api.get("/tags", response=list[TagRow])(lambda request: Tag.objects.order_by("pk"))
    answer = serve(api).get("/api/tags")
    found = only(api).render(Tag.objects.order_by("pk"), rf.get("/"))
    assert (found.body, found.content_type) == (answer.content, answer.headers["Content-Type"])


def test_rendering_in_the_format_of_the_client_is_left_to_requests(serve, books):
    api = MattAPI(formats=["msgpack", "json"])
    api.get("/books", response=list[BookRow])(lambda request: books)
    answer = serve(api).get("/api/books", headers={"accept": "application/json"})
    found = only(api).render(books)
    assert (found.body, found.content_type) == (answer.content, answer.headers["Content-Type"])


def test_overridden_settings_decide_anew(serve, books, settings):
    api = MattAPI()
    api.get("/books", response=list[BookRow])(lambda request: books)
    client = serve(api)
    before = client.get("/api/books").content
    assert only(api).reads()[0].tier == "rows"
    settings.MATT = {"TIER": "instances"}
    assert client.get("/api/books").content == before
    assert only(api).reads()[0].tier == "instances"
    assert only(api).render(books).body == before


# ---- operations that are not ours to bind ----


class Own(Operation):
    """A class of the project's own."""


def test_an_operation_of_the_projects_own_class_has_no_plan():
    api = MattAPI()
    api.get("/own", response=list[TagRow])(signed)
    view = api.default_router.path_operations["/own"]
    view.operations[0].__class__ = Own
    operation = only(api)
    assert operation.unplanned == "a custom operation class keeps Ninja's own run()"
    assert operation.reads() == ()
    with pytest.raises(ConfigError, match="custom operation class"):
        operation.render([])


def test_an_annotation_that_does_not_resolve_is_a_problem():
    api = MattAPI()

    def broken(request, value): ...

    broken.__annotations__["value"] = "Missing"
    api.get("/broken")(broken)
    api.get("/works")(signed)
    found, works = api.operations()
    assert found.problem is not None
    assert "Missing" in found.problem
    assert found.unplanned == found.problem
    assert not found.documented
    assert works.problem is None


def test_the_operations_of_ninjas_own_apis_are_listed():
    api = NinjaExtraAPI(urls_namespace="theirs")
    api.get("/tags", response=list[TagRow], auth=Key())(lambda request, q: None)
    api.register_controllers(Tags)
    first, listed, _ = list_operations(api, "/theirs/")
    assert (first.path, listed.path) == ("/theirs/tags", "/theirs/tags")
    assert [type(each) for each in first.auth] == [Key]
    assert list(first.security_schemes) == ["Key"]
    assert listed.controller is Tags
    assert first.reads() == ()


def test_query_schemas_are_request_models():
    class Filters(Schema):
        colour: str = "red"

    api = MattAPI()

    @api.get("/found")
    def find(request, filters: Query[Filters]): ...

    model = only(api).request_models["query"]
    assert model.model_fields["filters"].annotation is Filters


@pytest.mark.once
def test_serving_requests_imports_nothing_of_it():
    code = (
        "import sys, os, django; os.environ['DJANGO_SETTINGS_MODULE'] = 'tests.project.settings'; django.setup();"
        "from django_matt import MattAPI; api = MattAPI(); api.get('/')(lambda request: 1); api.urls;"
        "print([name for name in sys.modules if name in ('django_matt.operations', 'django_matt.reads')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=60
    )
    assert (done.stdout.strip(), done.returncode) == ("[]", 0), done.stderr


def test_an_operation_of_ninja_is_found_as_data_with_its_whole_path(serve):
    api, other = MattAPI(urls_namespace="found"), MattAPI(urls_namespace="other")
    paths: list[str] = []

    @api.add_hook
    class Path(OperationHook):
        def received(self, call):
            paths.append(find_operation(api, call.operation).path)

    @api_controller("/shelf", auto_import=False)
    class ShelfController:
        @http_get("/{int:number}")
        def read(self, number: int):
            return number

    api.register_controllers(ShelfController)
    serve(api).get("/api/shelf/1")
    assert paths == ["/api/shelf/{number}"]
    with pytest.raises(LookupError, match=r"'/\{int:number\}' is not an operation of 'MattAPI'"):
        find_operation(other, api.operations()[0].operation)
