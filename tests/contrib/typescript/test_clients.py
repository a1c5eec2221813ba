"""``api.ts``, ``react.ts`` and ``zod.ts`` as text: names, what each call knows, and what is left out."""

import io
import json
import re
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command
from ninja.pagination import CursorPagination
from ninja.security import HttpBearer

from django_matt import (
    JSONL,
    SSE,
    File,
    Form,
    LimitOffsetPagination,
    MattAPI,
    ModelSchema,
    PageNumberPagination,
    PageNumberPaginationExtra,
    Schema,
    UploadedFile,
    paginate,
)
from django_matt.contrib.typescript.documents import Document
from django_matt.contrib.typescript.validators import _Writer
from tests.contrib.typescript import zoo


class GroupOut(ModelSchema):
    class Meta:
        model = Group
        fields = ["id", "name"]


class Found(Schema):
    rows: list[int]
    total: int


class Node(Schema):
    name: str
    children: list["Node"]
    other: "Leaf | None" = None


class Leaf(Schema):
    of: Node
    short: str


class Token(HttpBearer):
    def authenticate(self, request, token):
        return token


@pytest.fixture
def write(serve, settings, tmp_path):
    settings.BASE_DIR = tmp_path

    def write(api: MattAPI, *arguments: str) -> dict[str, str]:
        serve(api)
        call_command("matt_types", "write", "--output", "web", *arguments, stdout=io.StringIO())
        return {path.name: path.read_text() for path in (tmp_path / "web").glob("*.ts")}

    return write


def call_of(text: str, path: str) -> str:
    """Return the declaration of the call of a path."""
    found: str
    (found,) = re.findall(rf'^export const .*"{re.escape(path)}".*$', text, re.M)
    return found


def test_the_client_is_written_with_the_types_and_the_rest_on_request(write):
    assert {"api.ts", "client.ts", "schema.d.ts"} <= set(write(zoo.make()))
    assert not {"react.ts", "zod.ts"} & set(write(zoo.make()))
    assert {"react.ts", "zod.ts"} <= set(write(zoo.make(), "--react", "--zod"))


def test_files_that_are_no_longer_wanted_are_removed(write):
    write(zoo.make(), "--react", "--zod")
    assert not {"react.ts", "zod.ts"} & set(write(zoo.make()))


def test_an_operation_has_an_export_and_a_place_in_its_group(write):
    api = MattAPI()

    @api.get("/things", response=list[int], tags=["things"])
    def list_things(request):
        """Return all */ of them."""

    @api.post("/things", response={201: int, 204: None}, tags=["things"], deprecated=True)
    def create_thing(request, number: int):
        return number

    text = write(api)["api.ts"]
    assert (
        'import { call as $call } from "./client";\nimport type { operations } from "./schema";\n'
        in text
    )
    listed, made = re.findall(r"^export const \w+ = /.*$", text, re.M)
    assert re.fullmatch(
        r'export const thingsList = /\* @__PURE__ \*/ \$call<operations\["\w+"\]>\("GET", "/api/things"\);',
        listed,
    )
    assert made.startswith("export const thingsCreate = ")
    assert made.endswith('("POST", "/api/things", { answers: { 201: "json", 204: "none" } });')
    assert "Return all *\\/ of them." in text
    group = text[text.index("export const things = {") :]
    assert "  list: thingsList,\n" in group
    assert "@deprecated" in group
    assert "  create: thingsCreate,\n" in group


def test_names_that_would_meet_get_a_number(write):
    api = MattAPI()

    def add(path: str, tag: str, name: str) -> None:
        def view(request: Any) -> None: ...

        view.__name__ = name
        api.get(path, tags=[tag])(view)

    add("/a", "call", "run")
    add("/b", "callRun", "it")
    add("/c", "call", "runIt")
    add("/d", "delete", "delete")
    text = write(api)["api.ts"]
    names = re.findall(r"^export const (\w+) ", text, re.M)
    assert len(names) == len({name.lower() for name in names}) == 7


@pytest.mark.parametrize(
    ("paginator", "options", "expected"),
    [
        (LimitOffsetPagination, {}, '"offset", "items"'),
        (PageNumberPagination, {}, '"page", "items"'),
        (PageNumberPaginationExtra, {}, '"page", "results"'),
        (CursorPagination, {"ordering": ["id"]}, '"cursor", "results"'),
    ],
)
def test_every_paginator_has_an_iterator(write, paginator, options, expected):
    api = MattAPI()

    @api.get("/groups", response=list[GroupOut], tags=["groups"])
    @paginate(paginator, **options)
    def list_groups(request):
        return Group.objects.order_by("id")

    text = write(api)["api.ts"]
    rows = expected.split(", ")[1]
    assert re.search(
        rf'export const groupsPages = /\* @__PURE__ \*/ \$pages<operations\["\w+"\], {rows}>\(groupsList, {expected}\);',
        text,
    )
    assert "  pages: groupsPages,\n" in text


def test_a_list_with_pages_of_its_own_is_found_by_its_parameters(write):
    api = MattAPI()

    @api.get("/found", response=Found, tags=["search"])
    def find(request, page: int = 1):
        return {"rows": [], "total": 0}

    @api.get("/whole", response=list[int], tags=["search"])
    def whole(request, page: int = 1):
        return []

    @api.get("/one", response=GroupOut, tags=["search"])
    def one(request, page: int = 1):
        return {}

    text = write(api)["api.ts"]
    assert '$pages<operations["' in text
    assert re.findall(r"\$pages<.*>\((\w+), \"page\", \"rows\"\)", text) == ["searchFind"]
    assert "  findPages: searchFindPages,\n" in text


def test_what_is_not_json_is_sent_and_read_as_what_it_is(write):
    api = MattAPI()
    binary = {
        "responses": {
            200: {"content": {"image/png": {"schema": {"type": "string", "format": "binary"}}}}
        }
    }
    csv = {"responses": {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}}}
    key = {
        "parameters": [{"in": "header", "name": "Idempotency-Key", "schema": {"type": "string"}}]
    }

    @api.post("/upload", response=GroupOut)
    def upload(request, image: File[UploadedFile]): ...

    @api.post("/form", response=GroupOut)
    def form(request, name: Form[str]): ...

    @api.get("/picture", openapi_extra=binary)
    def picture(request): ...

    @api.get("/table", openapi_extra=csv)
    def table(request): ...

    @api.post("/keyed", response=GroupOut, openapi_extra=key)
    def keyed(request): ...

    @api.get("/ticks", response=SSE[int])
    def ticks(request): ...

    @api.get("/lines", response=JSONL[int])
    def lines(request): ...

    text = write(api)["api.ts"]
    assert call_of(text, "/api/upload").endswith(', { body: "multipart" });')
    assert call_of(text, "/api/form").endswith(', { body: "form" });')
    assert call_of(text, "/api/picture").endswith(
        ', { answers: { 200: "blob" }, accept: "image/png" });'
    )
    assert call_of(text, "/api/table").endswith(
        ', { answers: { 200: "text" }, accept: "text/csv" });'
    )
    assert call_of(text, "/api/keyed").endswith(", { keyed: true });")
    assert '"GET", "/api/ticks", "text/event-stream");' in call_of(text, "/api/ticks")
    assert '"GET", "/api/lines", "application/jsonl");' in call_of(text, "/api/lines")
    assert 'import { stream as $stream } from "./streams";' in text


def test_an_api_without_operations_has_an_empty_client(write):
    files = write(MattAPI(), "--react", "--zod")
    assert files["api.ts"].endswith("export {};\n")
    assert "export const" not in files["react.ts"]


def test_only_reads_are_queries_and_only_writes_are_mutations(write):
    api = MattAPI()

    @api.get("/groups", response=list[GroupOut], tags=["groups"])
    @paginate(LimitOffsetPagination)
    def list_groups(request): ...

    @api.post("/groups", response=GroupOut, tags=["groups"])
    def create_group(request, body: GroupOut): ...

    @api.get("/groups/live", response=SSE[int], tags=["groups"])
    def watch(request): ...

    text = write(api, "--react")["react.ts"]
    names = re.findall(r"^export const (\w+)", text, re.M)
    assert names == ["groupsListQuery", "useGroupsList", "groupsListPagesQuery", "useGroupsCreate"]
    assert '(["groups", "list"], groupsList)' in text


def test_zod_schemas_are_in_an_order_in_which_each_is_known(write):
    api = MattAPI()

    @api.post("/nodes", response=Leaf, tags=["nodes"])
    def add(request, node: Node): ...

    text = write(api, "--zod")["zod.ts"]
    declared: set[str] = set()
    for name, rest in re.findall(
        r"^export const (\w+)(?:: [^=]*)? = (.*?);\n(?=\n|$)", text, re.M | re.S
    ):
        eager = re.sub(r"\$z\.lazy\(\(\) => \w+\)", "", rest)
        known = {
            "Node",
            "NodeInput",
            "NodeOutput",
            "Leaf",
            "LeafInput",
            "LeafOutput",
            "Problem",
            "ValidationProblem",
        }
        used = known & set(re.findall(r"(?<![\w$.\"])[A-Z]\w+", eager))
        assert used <= declared, f"{name} uses {used - declared}"
        declared.add(name)
    assert "$z.lazy(() => Node" in text


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (
            {"type": "string", "minLength": 1, "maxLength": 3},
            '$z.string().min(1).refine($atMost(3), "At most 3 characters")',
        ),
        ({"type": "string", "pattern": "^[a-z]+$"}, '$z.string().regex($pattern("^[a-z]+$"))'),
        ({"type": "string", "pattern": r"(?P<x>a)\Z"}, "$z.string()"),
        ({"type": "string", "pattern": r"^\w+$"}, "$z.string()"),
        ({"type": "string", "format": "date"}, "$z.iso.date()"),
        ({"type": "integer", "minimum": 1, "exclusiveMaximum": 9}, "$z.int().gte(1).lt(9)"),
        ({"type": "integer", "maximum": 2**63 - 1}, "$z.int()"),
        ({"enum": ["a", "b"]}, '$z.enum(["a", "b"])'),
        ({"enum": ["a", 1, None]}, '$z.literal(["a", 1, null])'),
        ({"const": 3}, "$z.literal(3)"),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "$z.int().nullable()"),
        ({"type": ["integer", "string"]}, "$z.union([$z.int(), $z.string()])"),
        (
            {"type": "array", "items": {"type": "number"}, "minItems": 1},
            "$z.array($z.number()).min(1)",
        ),
        (
            {"type": "array", "prefixItems": [{"type": "number"}], "maxItems": 1},
            "$z.tuple([$z.number()])",
        ),
        (
            {"type": "object", "additionalProperties": {"type": "string"}},
            "$z.record($z.string(), $z.string())",
        ),
        (
            {"type": "object", "properties": {"a b": {}}, "additionalProperties": False},
            '$z.strictObject({\n  "a b": $z.unknown().optional(),\n})',
        ),
        # Without brackets, it would be the prototype of the object, and the field would be lost.
        (
            {"type": "object", "properties": {"__proto__": {}}, "additionalProperties": False},
            '$z.strictObject({\n  ["__proto__"]: $z.unknown().optional(),\n})',
        ),
        (True, "$z.unknown()"),
        (False, "$z.never()"),
    ],
    ids=json.dumps,
)
def test_a_schema_as_zod(schema, expected):
    assert _Writer(Document.of({"openapi": "3.1.0"}), {}).write(schema) == expected


def test_a_chain_of_many_components_is_no_deep_recursion():
    schemas: dict[str, Any] = {
        f"C{number}": {
            "type": "object",
            "properties": {"next": {"$ref": f"#/components/schemas/C{number + 1}"}},
        }
        for number in range(3_000)
    }
    document = Document.of(
        {"openapi": "3.1.0", "components": {"schemas": {**schemas, "C3000": {"type": "string"}}}}
    )
    order = _Writer(document, {}).order
    assert order[0] == "C3000"
    assert order[-1] == "C0"
