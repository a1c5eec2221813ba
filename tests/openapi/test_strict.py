"""``MATT["STRICT_OPENAPI"]``: the document says of answers what they are, so that a generated client can trust it."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated

import pytest
from django.db import models
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from ninja import File, Form
from ninja.files import UploadedFile
from ninja.orm import create_schema
from ninja.pagination import CursorPagination, PageNumberPagination
from ninja.pagination import paginate as ninja_paginate
from ninja.security import HttpBearer
from ninja_extra import NinjaExtraAPI
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import Field, computed_field
from typing_extensions import TypedDict

from django_matt import (
    SSE,
    Body,
    LimitOffsetPagination,
    MattAPI,
    ModelSchema,
    NinjaPaginationResponseSchema,
    Ordering,
    PageNumberPaginationExtra,
    PaginatedResponseSchema,
    PatchDict,
    Query,
    Schema,
    api_controller,
    http_get,
    ordering,
    paginate,
)
from django_matt.formats import formats
from tests.openapi.shop import build
from tests.project.models import Author, Everything


class EverythingOut(ModelSchema):
    """A row of every type."""

    class Meta:
        model = Everything
        exclude = ["binary"]


class AuthorOut(ModelSchema):
    """An author."""

    class Meta:
        model = Author
        fields = ["id", "name", "boss"]


@pytest.fixture
def read(serve, settings):
    """Return ``read(api)``: the strict document, which is valid OpenAPI."""
    settings.MATT = {"STRICT_OPENAPI": True}

    def get(api):
        document = serve(api).get("/api/openapi.json").json()
        OpenAPIV31SpecValidator(document).validate()
        return document

    return get


def of_answer(document, path="/api/", method="get", status="200"):
    """Return the schema of an answer, with what it refers to."""
    content = document["paths"][path][method]["responses"][status]["content"]["application/json"]
    return resolve(document, content["schema"])


def resolve(document, schema):
    name = schema.get("$ref", "").rpartition("/")[2]
    return document["components"]["schemas"][name] if name else schema


def answering(response, **options):
    api = MattAPI()
    api.get("/", response=response, **options)(lambda request: None)
    return api


def nullable(schema):
    return {
        name
        for name, property_ in schema["properties"].items()
        if {"type": "null"} in property_.get("anyOf", [])
    }


def test_what_is_always_there_is_required(read):
    class Inner(Schema):
        size: int = 1

    @dataclass
    class Point:
        x: int = 0

    class Loose(TypedDict, total=False):
        maybe: int

    class Lamp(Schema):
        name: str
        watts: int = 5
        note: str | None = None
        tags: list[str] = Field(default_factory=list)
        inner: Inner = Inner()
        point: Point = Point()
        loose: Loose = {}
        hidden: int = Field(0, exclude=True)
        seldom: int = Field(0, exclude_if=lambda value: value == 0)

        @computed_field
        @property
        def label(self) -> str:
            return self.name

    document = read(answering(Lamp))
    lamp = of_answer(document)
    assert set(lamp["required"]) == set(lamp["properties"]) - {"seldom"}
    assert "hidden" not in lamp["properties"]
    schemas = document["components"]["schemas"]
    assert schemas["Inner"]["required"] == ["size"]
    assert schemas["Point"]["required"] == ["x"]
    assert "required" not in schemas["Loose"]


def test_what_is_read_keeps_its_optional_fields(read):
    class Lamp(Schema):
        watts: int = 5

    api = MattAPI()

    @api.post("/", response=Lamp)
    def light(request, lamp: Lamp):
        return lamp

    schemas = read(api)["components"]["schemas"]
    assert schemas["Lamp-Output"]["required"] == ["watts"]
    assert "required" not in schemas["Lamp-Input"]


@pytest.mark.parametrize(
    ("option", "required", "may_be_null"),
    [
        ({}, {"name", "watts", "note", "size"}, {"note", "size"}),
        ({"exclude_unset": True}, {"name", "size"}, {"note", "size"}),
        ({"exclude_defaults": True}, {"name", "size"}, {"note", "size"}),
        ({"exclude_none": True}, {"name", "watts"}, set()),
    ],
    ids=["all", "exclude_unset", "exclude_defaults", "exclude_none"],
)
def test_a_route_that_leaves_fields_out_says_so(read, option, required, may_be_null):
    class Lamp(Schema):
        name: str
        size: int | None
        watts: int = 5
        note: str | None = None

    api = answering(Lamp, **option)
    api.get("/all", response=Lamp)(lambda request: None)
    document = read(api)
    lamp = of_answer(document)
    assert set(lamp["required"]) == required
    assert nullable(lamp) == may_be_null
    assert set(of_answer(document, "/api/all")["required"]) == set(lamp["properties"])


def test_null_is_where_the_database_has_it_and_an_empty_file_is_null(read):
    everything = of_answer(read(answering(EverythingOut)))
    assert nullable(everything) == {"maybe", "author", "file", "image"}
    assert set(everything["required"]) == set(everything["properties"])
    assert everything["properties"]["id"] == {"title": "ID", "type": "integer"}


def test_a_field_that_the_project_annotates_stays_as_it_is_typed(read):
    class Own(ModelSchema):
        id: int | None = None

        class Meta:
            model = Author
            fields = ["id", "name"]

    class Derived(AuthorOut):
        name: str | None = None

    class Optional(ModelSchema):
        class Meta:
            model = Author
            fields = ["id", "name"]
            fields_optional = ["name"]

    made = create_schema(Author, name="Made", fields=["id", "name"])
    custom = create_schema(
        Author, name="Custom", fields=["id", "name"], custom_fields=[("name", str | None, None)]
    )
    found = {}
    for schema in (Own, Derived, Optional, made, custom):
        found[schema] = nullable(of_answer(read(answering(schema))))
    assert found == {
        Own: {"id"},
        Derived: {"name", "boss"},
        Optional: {"name"},
        made: set(),
        custom: {"name"},
    }


INT64 = {"minimum": -(2**63), "maximum": 2**63 - 1}


def test_choices_are_enums(read):
    class Shade(models.Model):
        kind = models.CharField(max_length=1, choices={"a": "A", "b": "B"}, blank=True)
        grade = models.IntegerField(
            choices=[("Low", [(1, "One")]), (2, "Two"), (None, "-")], null=True
        )
        half = models.FloatField(choices=[(0.5, "Half")])

        class Meta:
            app_label = "nowhere"

    class ShadeOut(ModelSchema):
        class Meta:
            model = Shade
            fields = ["kind", "grade", "half"]

    api = MattAPI()

    @api.post("/", response=EverythingOut)
    def make(request, shade: ShadeOut):
        return None

    document = read(api)
    everything = of_answer(document, method="post")["properties"]
    assert everything["colour"]["enum"] == ["red", "blue"]
    assert everything["level"]["enum"] == [1, 2]
    shade = document["components"]["schemas"]["ShadeOut"]["properties"]
    assert shade["kind"]["anyOf"][0]["enum"] == ["a", "b", ""], "what is read may be blank"
    assert shade["grade"]["anyOf"] == [{"type": "integer", "enum": [1, 2]}, {"type": "null"}]
    assert "enum" not in shade["half"]


def test_a_patch_offers_null_only_where_the_schema_does(read):
    class LampIn(Schema):
        name: Annotated[str, Field(max_length=40)]
        watts: int = 5
        note: str | None = None

    api = MattAPI()

    @api.patch("/", response=int)
    def change(request, changes: PatchDict[LampIn]):
        return 1

    @api.post("/", response=int)
    def make(request, lamp: LampIn):
        return 1

    schemas = read(api)["components"]["schemas"]
    assert schemas["LampInPatch"]["properties"] == {
        "name": {"title": "Name", "type": "string", "maxLength": 40},
        "watts": {"title": "Watts", "type": "integer", **INT64},
        "note": {"title": "Note", "anyOf": [{"type": "string"}, {"type": "null"}]},
    }
    assert "required" not in schemas["LampInPatch"]
    assert schemas["LampIn"]["properties"]["watts"]["default"] == 5


def test_text_cannot_say_null(read):
    class Filters(Schema):
        text: str | None = None
        sizes: list[int] | None = None

    api = MattAPI()

    @api.post("/", response=int)
    def find(
        request,
        filters: Query[Filters],
        note: Form[str | None] = None,
        picture: File[UploadedFile | None] = None,
    ):
        return 1

    route = read(api)["paths"]["/api/"]["post"]
    assert [p["schema"].get("type") for p in route["parameters"]] == ["string", "array"]
    (form,) = route["requestBody"]["content"].values()
    kinds = {name: schema["type"] for name, schema in form["schema"]["properties"].items()}
    assert kinds == {"note": "string", "picture": "string"}


def test_a_json_body_of_several_parameters_may_say_null(read):
    class Lamp(Schema):
        note: str | None = None

    api = MattAPI()

    @api.post("/", response=int)
    def make(request, lamp: Lamp, size: Body[int | None] = None):
        return 1

    document = read(api)
    (body,) = document["paths"]["/api/"]["post"]["requestBody"]["content"].values()
    assert nullable(resolve(document, body["schema"])) == {"size"}
    assert nullable(document["components"]["schemas"]["Lamp"]) == {"note"}


def test_an_event_has_data(read):
    api = MattAPI()

    @api.get("/", response=SSE[AuthorOut])
    def follow(request):
        yield {}

    content = read(api)["paths"]["/api/"]["get"]["responses"]["200"]["content"]
    assert content["text/event-stream"]["schema"]["required"] == ["data"]


def pages():
    """Return an API with a page of each kind of paginator, and two of one kind."""
    api = MattAPI(urls_namespace="pages")

    class Glass(Schema):
        x: int

    for path, paginator, options in (
        ("/limit", LimitOffsetPagination, {}),
        ("/number", PageNumberPagination, {"page_size": 5}),
        ("/cursor", CursorPagination, {"ordering": ("id",)}),
    ):

        @api.get(path, response=list[Glass])
        @ninja_paginate(paginator, **options)
        def listing(request):
            return []

    @api_controller("/more", use_unique_op_id=False)
    class More:
        @http_get("/generic", response=NinjaPaginationResponseSchema[Glass])
        @paginate(LimitOffsetPagination)
        def generic(self):
            return []

        @http_get("/linked", response=PaginatedResponseSchema[Glass])
        @paginate(PageNumberPaginationExtra)
        def linked(self):
            return []

        @http_get("/authors", response=PaginatedResponseSchema[AuthorOut])
        @paginate(PageNumberPaginationExtra)
        def authors(self):
            return Author.objects.all()

        @http_get("/numbers", response=NinjaPaginationResponseSchema[int])
        @paginate(LimitOffsetPagination)
        def numbers(self):
            return []

    api.register_controllers(More)
    return api


def page_names(document):
    return {
        path.removeprefix("/api"): route["get"]["responses"]["200"]["content"]["application/json"][
            "schema"
        ]["$ref"].rpartition("/")[2]
        for path, route in document["paths"].items()
    }


def test_a_page_is_named_after_what_is_on_it(read):
    document = read(pages())
    assert page_names(document) == {
        "/limit": "GlassPage",
        "/number": "GlassPage",
        "/cursor": "GlassCursorPage",
        "/more/generic": "GlassPage",
        "/more/linked": "GlassResultsPage",
        "/more/authors": "AuthorOutPage",
        "/more/numbers": "IntPage",
    }
    assert document["components"]["schemas"]["GlassPage"]["title"] == "GlassPage"
    assert not [name for name in document["components"]["schemas"] if "abc" in name]


def test_ninjas_reading_gives_pages_that_ninja_cannot_tell_apart_a_name_too(serve):
    names = page_names(serve(pages()).get("/api/openapi.json").json())
    assert names["/limit"] == names["/number"] == "PagedGlass", "as on Ninja"
    assert names["/cursor"] == "GlassCursorPage"
    assert names["/more/authors"] == "PaginatedResponseSchema_AuthorOut_"


def test_a_page_takes_no_name_from_a_schema_of_the_project(read):
    class GlassPage(Schema):
        mine: int

    api = pages()
    api.get("/mine", response=GlassPage)(lambda request: None)
    document = read(api)
    assert page_names(document)["/mine"] == "GlassPage"
    assert page_names(document)["/limit"] == "GlassItemsPage"
    assert list(document["components"]["schemas"]["GlassPage"]["properties"]) == ["mine"]


def test_without_the_setting_schemas_are_ninjas_own(serve):
    def documented(cls):
        api = cls(urls_namespace=cls.__name__)

        @api.get("/", response=list[EverythingOut])
        def everything(request):
            return []

        @api.get("/page", response=NinjaPaginationResponseSchema[AuthorOut])
        @paginate(LimitOffsetPagination)
        def page(request):
            return []

        @api.patch("/", response=int)
        def change(request, changes: PatchDict[AuthorIn]):
            return 1

        document = serve(api).get("/api/openapi.json").json()
        return document["components"]["schemas"]

    class AuthorIn(Schema):
        name: str
        rank: int = 1

    ours, theirs = documented(MattAPI), documented(NinjaExtraAPI)
    json_field = ours["EverythingOut"]["properties"].pop("document")
    assert theirs["EverythingOut"]["properties"].pop("document") != json_field, (
        "any JSON, not objects"
    )
    rank = ours["AuthorInPatch"]["properties"]["rank"]["anyOf"][0]
    assert {bound: rank.pop(bound) for bound in INT64} == INT64, "what is refused is documented"
    names = {"EverythingOut", "AuthorOut", "AuthorInPatch"}
    assert {name: ours[name] for name in names} == {name: theirs[name] for name in names}
    assert "NinjaPaginationResponseSchema_AuthorOut_" in ours
    assert "NinjaPaginationResponseSchema_AuthorOut_" in theirs


ALL = [
    "application/json",
    "application/vnd.msgpack",
    "application/yaml",
    "application/xml",
    "text/csv",
    "application/jsonl",
]


def listing(**options):
    api = MattAPI(urls_namespace="listing", **options)

    @api.get("/list", response=list[AuthorOut])
    def authors(request):
        return []

    @api.get("/page", response=NinjaPaginationResponseSchema[AuthorOut])
    @paginate(LimitOffsetPagination)
    def page(request):
        return Author.objects.all()

    @api.post("/one", response=AuthorOut)
    def one(request, author: AuthorOut):
        return author

    @api.put("/many", response=int)
    def many(request, authors: list[AuthorOut]):
        return 1

    @api.get("/numbers", response=list[int])
    def numbers(request):
        return [1]

    @api.get("/named", response=AuthorOut)
    @formats("xml", "json")
    def named(request):
        return {}

    return api


def types(document, path, method="get"):
    return list(document["paths"][f"/api{path}"][method]["responses"]["200"]["content"])


@pytest.mark.django_db
def test_formats_that_nobody_named_are_spoken_and_not_documented(serve):
    client = serve(listing())
    document = client.get("/api/openapi.json").json()
    for path, method in (("/list", "get"), ("/page", "get"), ("/one", "post"), ("/many", "put")):
        assert types(document, path, method) == ["application/json"]
    for path in ("/one", "/many"):
        (route,) = document["paths"][f"/api{path}"].values()
        assert list(route["requestBody"]["content"]) == ["application/json"]
    assert types(document, "/named") == ["application/json", "application/xml"]
    assert client.get("/api/list?format=yaml")["Content-Type"].startswith("application/yaml")


@pytest.mark.django_db
@pytest.mark.parametrize("by", ["setting", "api"])
def test_formats_that_are_named_are_documented_csv_for_lists_and_pages_json_first(
    serve, settings, by
):
    named = ["csv", "msgpack", "json", "yaml"]
    if by == "setting":
        settings.MATT = {"FORMATS": named}
    client = serve(listing(**({"formats": named} if by == "api" else {})))
    document = client.get("/api/openapi.json").json()
    values = ["application/json", "application/vnd.msgpack", "application/yaml"]
    rows = ["application/json", "text/csv", "application/vnd.msgpack", "application/yaml"]
    assert types(document, "/list") == types(document, "/page") == rows
    assert types(document, "/one", "post") == types(document, "/numbers") == values
    assert client.get("/api/numbers?format=csv").status_code == 406
    bodies = {
        path: list(document["paths"][f"/api{path}"][method]["requestBody"]["content"])
        for path, method in (("/one", "post"), ("/many", "put"))
    }
    assert bodies == {"/one": values, "/many": rows}
    page = document["paths"]["/api/page"]["get"]["responses"]["200"]["content"]["text/csv"]
    assert page["schema"]["items"] == {"$ref": "#/components/schemas/AuthorOut-Output"}
    answer = client.get("/api/page", HTTP_ACCEPT="text/csv")
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/csv; charset=utf-8")


class Token(HttpBearer):
    """Reads a token."""

    def authenticate(self, request, token):
        return token


class AsyncToken(HttpBearer):
    """The same for async routes."""

    async def authenticate(self, request, token):
        return token


@pytest.mark.parametrize("order", [(Token, AsyncToken), (AsyncToken, Token)])
def test_a_sync_and_an_async_class_of_one_scheme_are_one_scheme(serve, order):
    api = MattAPI()
    for number, auth in enumerate(order):

        async def view(request):
            return {}

        api.get(f"/{number}", auth=auth())(view)
    api.get("/both", auth=[Token(), Token()])(lambda request: {})
    document = serve(api).get("/api/openapi.json").json()
    assert document["components"]["securitySchemes"] == {
        "Token": {"type": "http", "scheme": "bearer"}
    }
    assert [route["get"]["security"] for route in document["paths"].values()] == [
        [{"Token": []}]
    ] * 3


@pytest.mark.django_db
@pytest.mark.parametrize("tier", ["rows", "instances", "pydantic"])
def test_answers_fit_the_strict_document_on_every_tier(read, serve, tier):
    api = MattAPI(tier=tier)
    api.get("/", response=list[EverythingOut])(lambda request: Everything.objects.order_by("id"))
    api.get("/sparse", response=list[EverythingOut], exclude_none=True)(
        lambda request: Everything.objects.order_by("id")
    )
    document = read(api)
    author = Author.objects.create(name="Ada")
    Everything.objects.create()
    Everything.objects.create(maybe=True, author=author, file="a.txt", image="b.png", path="/x")
    client = serve(api)
    for path in ("/api/", "/api/sparse"):
        answer = client.get(path).json()
        schema = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]
        Draft202012Validator({**schema["schema"], "components": document["components"]}).validate(
            answer
        )
        assert len(answer) == 2


def test_the_strict_document_of_every_kind_of_route_is_valid(read):
    read(build())


def test_the_default_of_a_decimal_is_said_as_decimals_are_written(read):
    class Priced(Schema):
        price: Decimal = Decimal(0)
        limit: Decimal | None = 1  # type: ignore[assignment]  # as Django's DecimalField(default=1) makes it
        count: int = 1

    found = of_answer(read(answering(Priced)))["properties"]
    assert [found[name]["default"] for name in ("price", "limit", "count")] == ["0", "1", 1]


def test_the_fields_to_order_by_are_named(read):
    api = MattAPI()
    for fields in (["name", "price"], None):

        @api.get(f"/{fields and len(fields)}", response=list[int])
        @ordering(Ordering, ordering_fields=fields)
        def listing(request):
            return []

    document = read(api)
    named, every = (path["get"]["parameters"][0] for path in document["paths"].values())
    assert named["description"] == (
        "Sort by `name` or `price`. A minus sign reverses the order (`-name`); "
        "commas separate several fields."
    )
    assert every["description"].startswith("Sort by any field.")
