"""How large a page may be, who decides it, and that the document says so."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import Group
from ninja.pagination import (
    CursorPagination,
    LimitOffsetPagination,
    PageNumberPagination,
    PaginationBase,
)
from ninja.pagination import paginate as ninja_paginate
from ninja_extra import NinjaExtraAPI
from ninja_extra.pagination import PageNumberPaginationExtra, PaginatedResponseSchema

from django_matt import (
    Header,
    MattAPI,
    ModelSchema,
    Query,
    Schema,
    api_controller,
    http_get,
    paginate,
    searching,
)
from tests.openapi.shop import build
from tests.project.models import Everything

pytestmark = pytest.mark.django_db


class GroupOut(Schema):
    name: str


class Clamping(PaginationBase):
    """As a public project has it: it takes any limit, and gives 500 rows at most."""

    class Input(Schema):
        limit: int = 200
        offset: int = 0

    def paginate_queryset(self, queryset, pagination, request, **params):
        limit = min(pagination.limit, 3)
        start = pagination.offset
        return {"items": list(queryset[start : start + limit]), "count": queryset.count()}


class ClampingLimit(LimitOffsetPagination):
    """Clamps, then leaves the rest to Ninja."""

    def paginate_queryset(self, queryset, pagination, request, **params):
        pagination.limit = min(pagination.limit, 3)
        return super().paginate_queryset(queryset, pagination, request, **params)


class ClampingPage(PageNumberPagination):
    """Clamps where Ninja asks for the size."""

    def __init__(self, **options):
        super().__init__(**options)
        self.max_page_size: Any = float("inf")

    def _get_page_size(self, requested_page_size):
        return min(requested_page_size or 2, 3)


class Ordered(LimitOffsetPagination):
    """Says how rows are sorted, and nothing of how many there are."""

    def paginate_queryset(self, queryset, pagination, request, **params):
        return super().paginate_queryset(queryset.order_by("name"), pagination, request, **params)


def serve_pages(serve: Any, paginator: Any, api_class: Any = MattAPI, **options: Any) -> Any:
    Group.objects.bulk_create(Group(name=f"group {n:02}") for n in range(12))
    api = api_class()

    @api.get("/it", response=list[GroupOut])
    @ninja_paginate(paginator, **options)
    def it(request):
        return Group.objects.order_by("pk")

    return serve(api)


@pytest.mark.parametrize("api_class", [NinjaExtraAPI, MattAPI])
@pytest.mark.parametrize(
    ("paginator", "name"),
    [(Clamping, "limit"), (ClampingLimit, "limit"), (ClampingPage, "page_size")],
)
def test_a_class_that_clamps_its_pages_is_left_alone(serve, paginator, name, api_class):
    client = serve_pages(serve, paginator, api_class)
    answer = client.get("/api/it", {name: 100_000})
    assert answer.status_code == 200, answer.content
    assert len(answer.json()["items"]) == 3


def test_a_class_that_hands_on_to_ninja_s_is_capped_there(serve, settings):
    settings.MATT = {"MAX_PAGE_SIZE": 5}
    client = serve_pages(serve, Ordered)
    answer = client.get("/api/it", {"limit": 100_000})
    assert (answer.status_code, len(answer.json()["items"])) == (200, 5)


@pytest.mark.parametrize("paginator", [Clamping, ClampingLimit, LimitOffsetPagination])
def test_no_class_gets_an_offset_that_a_database_cannot_read(serve, paginator):
    client = serve_pages(serve, paginator)
    assert client.get("/api/it", {"offset": 2**62}).status_code == 422


# What is refused is documented


class Wide(ModelSchema):
    class Meta:
        model = Everything
        exclude = ["id", "file", "image", "tags", "author", "binary"]
        fields_optional = "__all__"


class Numbers(Schema):
    whole: int = 0
    maybe: int | None = None
    below: int = 0
    several: list[int] = []


def build_own() -> MattAPI:
    api = MattAPI()

    @api.get("/limit", response=list[GroupOut])
    @ninja_paginate(LimitOffsetPagination)
    def limit(request):
        return Group.objects.order_by("pk")

    @api.get("/number", response=list[GroupOut])
    @ninja_paginate(PageNumberPagination, max_page_size=float("inf"))
    def number(request):
        return Group.objects.order_by("pk")

    @api.get("/cursor", response=list[GroupOut])
    @ninja_paginate(CursorPagination)
    async def cursor(request):
        return Group.objects.all()

    @api.get("/found", response=PaginatedResponseSchema[GroupOut])
    @paginate(PageNumberPaginationExtra, page_size=20, max_page_size=50)
    @searching(search_fields=["name"])
    def found(request):
        return Group.objects.order_by("pk")

    @api_controller("/groups")
    class Groups:
        @http_get("/", response=list[GroupOut])
        @ninja_paginate(LimitOffsetPagination)
        def everyone(self):
            return Group.objects.order_by("pk")

    @api.post("/wide")
    def wide(request, payload: Wide):
        return {}

    @api.post("/numbers/{int:one}")
    def numbers(request, one: int, payload: Numbers):
        return {}

    @api.get("/numbers")
    def find(request, numbers: Query[Numbers], x_level: Header[int] = 0):
        return {}

    api.register_controllers(Groups)
    return api


def edges(schema: dict[str, Any], schemas: dict[str, Any]) -> Any:
    """Yield pairs of a value that a schema takes, and the next, which it does not."""
    for part in schema.get("anyOf", [schema]):
        if part.get("type") == "integer" and "enum" not in part and "const" not in part:
            # None is accepted without an end: past 64 bits all are refused.
            assert {"maximum", "exclusiveMaximum"} & part.keys(), schema
            assert {"minimum", "exclusiveMinimum"} & part.keys(), schema
            if "maximum" in part:
                yield part["maximum"], part["maximum"] + 1
            if "minimum" in part:
                yield part["minimum"], part["minimum"] - 1
            if "exclusiveMaximum" in part:
                yield part["exclusiveMaximum"] - 1, part["exclusiveMaximum"]
        elif part.get("type") == "number" and "exclusiveMaximum" in part:
            yield part["exclusiveMaximum"] - 1, part["exclusiveMaximum"]
            yield part["exclusiveMinimum"] + 1, part["exclusiveMinimum"]
        elif part.get("type") == "string" and "maxLength" in part and "format" not in part:
            yield "a" * part["maxLength"], "a" * (part["maxLength"] + 1)
        elif part.get("type") == "array":
            for good, bad in edges(part.get("items", {}), schemas):
                yield [good], [bad]


def cases(document: dict[str, Any]) -> Any:
    """Yield every documented edge of an API: (method, path, where, name, good, bad)."""
    schemas = document.get("components", {}).get("schemas", {})
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            for parameter in operation["parameters"]:
                for good, bad in edges(parameter["schema"], schemas):
                    yield method, path, parameter["in"], parameter["name"], good, bad
            content = operation.get("requestBody", {}).get("content", {})
            body = content.get("application/json", {}).get("schema", {})
            if "$ref" in body:
                body = schemas[body["$ref"].rpartition("/")[2]]
            for name, field in body.get("properties", {}).items():
                for good, bad in edges(field, schemas):
                    yield method, path, "body", name, good, bad


def send(client: Any, method: str, path: str, where: str, name: str, value: Any) -> Any:
    url = path.replace(f"{{{name}}}", str(value)) if where == "path" else path
    url = url.replace("{one}", "1").replace("{item_id}", "1")
    headers = {name: str(value)} if where == "header" else {}
    if method == "get":
        return client.get(url, {name: value} if where == "query" else {}, headers=headers)
    body = {name: value} if where == "body" else {}
    if "/items" in path:
        body = {"name": "Lamp"} | body
        headers = {"Authorization": "Bearer right"}
    send = getattr(client, method)
    return send(url, json.dumps(body), content_type="application/json", headers=headers)


@pytest.mark.filterwarnings("ignore:Returning tuple:DeprecationWarning")
@pytest.mark.parametrize("make", [build_own, build], ids=["own", "shop"])
def test_every_documented_edge_is_accepted_and_the_next_value_refused(serve, make):
    client = serve(make())
    document = client.get("/api/openapi.json").json()
    found = list(cases(document))
    assert found
    for method, path, where, name, good, bad in found:
        if where == "path" and "-" in str(good):
            continue  # no such address
        answer = send(client, method, path, where, name, good)
        if answer.status_code == 405:
            continue  # another route has this address
        # Extra's pages are a 404 past the last one.
        fits = answer.status_code < 300 or (name == "page" and answer.status_code == 404)
        assert fits, (method, path, name, good, answer.content)
        answer = send(client, method, path, where, name, bad)
        assert answer.status_code == 422 or (where == "path" and answer.status_code == 404), (
            method,
            path,
            name,
            bad,
        )


def test_the_document_names_every_limit(serve):
    document = serve(build_own()).get("/api/openapi.json").json()

    def query(path: str) -> dict[str, Any]:
        parameters = document["paths"][path]["get"]["parameters"]
        return {parameter["name"]: parameter for parameter in parameters}

    largest = 10_000_000
    for path in ("/api/limit", "/api/groups/"):
        schemas = {name: parameter["schema"] for name, parameter in query(path).items()}
        assert (schemas["limit"]["minimum"], schemas["limit"]["maximum"]) == (1, 1_000)
        assert (schemas["offset"]["minimum"], schemas["offset"]["maximum"]) == (0, largest)
    assert query("/api/number")["page"]["schema"]["maximum"] == largest
    size = query("/api/number")["page_size"]["schema"]["anyOf"][0]
    assert (size["minimum"], size["maximum"]) == (1, 1_000)
    assert query("/api/found")["page"]["schema"]["maximum"] == largest
    assert query("/api/found")["search"]["description"] == "At most 20 words."
    whole = query("/api/numbers")["whole"]["schema"]
    assert (whole["minimum"], whole["maximum"]) == (-(2**63), 2**63 - 1)
    wide = document["components"]["schemas"]["Wide"]["properties"]
    number, text, _ = wide["decimal"]["anyOf"]
    assert (number["exclusiveMinimum"], number["exclusiveMaximum"]) == (-(10**8), 10**8)
    assert text["pattern"] == r"^[+-]?0*\d{0,8}(\.\d{0,4}0*)?$"
    assert [wide[name]["anyOf"][0]["maxLength"] for name in ("char", "slug", "url")] == [
        50,
        50,
        200,
    ]


def test_a_schema_that_is_read_and_written_keeps_one_name(serve):
    api = MattAPI()

    class Pair(Schema):
        left: int
        right: list[int]

    @api.post("/it", response=Pair)
    def it(request, pair: Pair):
        return pair

    assert "Pair" in serve(api).get("/api/openapi.json").json()["components"]["schemas"]


def test_a_header_is_documented_by_the_name_that_servers_deliver(serve):
    api = MattAPI()

    class Trace(Schema):
        trace_id: str = ""

    @api.get("/it")
    def it(
        request,
        trace: Header[Trace],
        my_header: str = Header(...),
        other: str = Header("", alias="X_Own"),
    ):
        return [my_header, other, trace.trace_id]

    client = serve(api)
    parameters = client.get("/api/openapi.json").json()["paths"]["/api/it"]["get"]["parameters"]
    names = [parameter["name"] for parameter in parameters]
    assert sorted(names) == ["X_Own", "my-header", "trace-id"]
    sent = {"my-header": "a", "X-Own": "b", "trace-id": "c"}
    assert client.get("/api/it", headers=sent).json() == ["a", "b", "c"]
