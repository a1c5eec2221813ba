"""The OpenAPI document, over HTTP."""

import json
import os
import subprocess
import sys
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.admin.views.decorators import staff_member_required
from django.contrib.auth.models import Permission
from django.urls import set_script_prefix
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from ninja.orm.fields import AnyObject
from ninja.renderers import JSONRenderer
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import ConfigDict, Field

from django_matt import (
    MattAPI,
    ModelSchema,
    Query,
    Router,
    Schema,
    api_controller,
    http_get,
)
from django_matt.contrib.conditional import conditional
from django_matt.formats import formats
from tests.openapi.shop import build


@pytest.fixture
def shop(serve):
    return serve(build()).get("/api/openapi.json").json()


def schema_of(document, path, method="post", status="200"):
    content = document["paths"][path][method]["responses"][status]["content"]
    return content["application/json"]["schema"]["$ref"].rsplit("/", 1)[-1]


def test_the_document_is_valid_openapi_3_1(shop):
    assert shop["openapi"] == "3.1.0"
    OpenAPIV31SpecValidator(shop).validate()


def test_two_processes_with_different_hash_seeds_write_the_same_bytes():
    code = (
        "import django; django.setup(); import json; from tests.openapi.shop import build;"
        "print(json.dumps(build().get_openapi_schema(path_prefix='/api/')))"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={
                **os.environ,
                "PYTHONHASHSEED": seed,
                "DJANGO_SETTINGS_MODULE": "tests.project.settings",
            },
            check=True,
            capture_output=True,
            timeout=60,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(seen) == 1
    assert json.loads(seen.pop())["info"]["version"] == "2.1"


def test_every_operation_id_is_there_once_also_where_a_route_has_two_methods(shop):
    ids = [
        operation["operationId"] for path in shop["paths"].values() for operation in path.values()
    ]
    assert len(ids) == len(set(ids))
    assert {"tests_openapi_shop_change_item_put", "tests_openapi_shop_change_item_patch"} < set(ids)


def test_two_functions_of_one_name_get_two_ids(serve):
    api = MattAPI()
    for path in ("/a", "/b"):

        @api.get(path)
        def same(request):
            return {}

    document = serve(api).get("/api/openapi.json").json()
    ids = [path["get"]["operationId"] for path in document["paths"].values()]
    assert len(set(ids)) == 2
    assert all(operation_id.startswith("tests_openapi_test_document_same") for operation_id in ids)


def test_each_operation_lists_the_errors_that_apply_and_no_others(serve):
    document = serve(build(formats=["json"])).get("/api/openapi.json").json()

    def statuses(path, method):
        return " ".join(document["paths"][path][method]["responses"])

    assert statuses("/api/items", "get") == "200 400 422 500 503"
    assert statuses("/api/items", "post") == "201 400 401 409 413 415 422 500 503"
    assert statuses("/api/items/{item_id}", "get") == "200 400 404 422 429 500 503"
    assert "403" in statuses("/api/note", "post"), "a session cookie needs the CSRF token"
    assert statuses("/api/members/", "get") == "200 403 500 503"
    assert "403" not in statuses("/api/members/", "post"), "AllowAny refuses nobody"


def test_a_declared_response_wins_over_ours(shop):
    assert schema_of(shop, "/api/items", status="409") == "Maker"


def test_an_error_comes_in_ninjas_body_or_as_a_problem(shop):
    content = shop["components"]["responses"]["UnprocessableContent"]["content"]
    assert content["application/json"]["schema"]["$ref"].endswith("/ValidationDetail")
    assert content["application/problem+json"]["schema"]["$ref"].endswith("/ValidationProblem")
    assert list(shop["components"]["responses"]["InternalServerError"]["content"]) == [
        "application/problem+json"
    ]


def test_every_format_is_listed_and_csv_for_lists_only(serve):
    api = MattAPI(formats=["json", "yaml", "csv"], urls_namespace="formats")

    class Row(Schema):
        x: int

    @api.post("/", response={200: Row, 201: list[Row]})
    def add(request, row: Row):
        return row

    @api.get("/plain", response=Row)
    @formats("json")
    def plain(request):
        return {"x": 1}

    document = serve(api).get("/api/openapi.json").json()
    add_, plain_ = document["paths"]["/api/"]["post"], document["paths"]["/api/plain"]["get"]
    assert list(add_["responses"]["200"]["content"]) == ["application/json", "application/yaml"]
    assert "text/csv" in add_["responses"]["201"]["content"]
    assert list(add_["requestBody"]["content"]) == ["application/json", "application/yaml"]
    assert "406" in add_["responses"]
    assert list(plain_["responses"]["200"]["content"]) == ["application/json"]
    assert "406" not in plain_["responses"]
    OpenAPIV31SpecValidator(document).validate()


def test_a_renderer_of_the_users_decides_alone(serve):
    class Text(JSONRenderer):
        media_type = "application/vnd.shop+json"

    api = MattAPI(renderer=Text())
    api.get("/", response=int)(lambda request: 1)
    document = serve(api).get("/api/openapi.json").json()
    responses = document["paths"]["/api/"]["get"]["responses"]
    assert list(responses["200"]["content"]) == ["application/vnd.shop+json"]
    assert "406" not in responses


def test_errors_over_http_fit_the_schemas_that_the_document_gives_them(serve):
    client = serve(build())
    document = client.get("/api/openapi.json").json()
    for path, options, status in (
        ("/api/items", {"data": {"name": "x"}, "content_type": "application/json"}, 401),
        ("/api/members/", {"data": "{", "content_type": "application/json"}, 400),
        ("/api/members/", {"data": {}, "content_type": "application/json"}, 422),
        ("/api/members/", {"data": "x", "content_type": "image/png"}, 415),
    ):
        declared = document["paths"][path]["post"]["responses"][str(status)]["$ref"].rsplit("/", 1)[
            -1
        ]
        content = document["components"]["responses"][declared]["content"]
        for accept in ("application/json", "application/problem+json"):
            answer = client.post(path, HTTP_ACCEPT=accept, **options)
            assert answer.status_code == status
            kind = answer["Content-Type"].split(";")[0]
            schema = {**content[kind]["schema"], "components": document["components"]}
            assert kind == accept
            Draft202012Validator(schema).validate(answer.json())


def test_the_example_of_an_error_has_the_status_of_the_error_and_fits_its_schema(shop):
    statuses = {}
    for path in shop["paths"].values():
        for operation in path.values():
            for status, found in operation["responses"].items():
                if "$ref" in found:
                    statuses[found["$ref"].rsplit("/", 1)[-1]] = int(status)
    assert statuses
    for name, status in statuses.items():
        content = shop["components"]["responses"][name]["content"]
        assert content["application/problem+json"]["example"]["status"] == status
        for kind, media in content.items():
            schema = {**media["schema"], "components": shop["components"]}
            if "json" in kind:
                Draft202012Validator(schema).validate(media["example"])


def test_problem_details_leave_only_problems(serve):
    api = MattAPI(problem_details=True)

    @api.get("/{number}")
    def number(request, number: int):
        return number

    responses = serve(api).get("/api/openapi.json").json()["components"]["responses"]
    assert all(
        list(found["content"]) == ["application/problem+json"] for found in responses.values()
    )


def test_what_is_read_and_what_is_written_have_two_names_only_where_they_differ(shop):
    schemas = shop["components"]["schemas"]
    assert "label" in schemas["Item-Output"]["properties"]
    assert "label" not in schemas["Item-Input"]["properties"]
    assert "Maker" in schemas
    assert not {"Item", "Maker-Input", "Maker-Output"} & set(schemas)


def test_two_classes_of_one_name_do_not_overwrite_each_other(serve):
    def thing(kind):
        class Thing(Schema):
            value: kind  # type: ignore[valid-type]

        return Thing

    api = MattAPI()
    api.get("/a", response=thing(int))(lambda request: {"value": 1})
    api.get("/b", response=thing(str))(lambda request: {"value": "x"})
    document = serve(api).get("/api/openapi.json").json()
    kinds = [
        document["components"]["schemas"][schema_of(document, path, "get")]["properties"]["value"][
            "type"
        ]
        for path in ("/api/a", "/api/b")
    ]
    assert kinds == ["integer", "string"]


def test_a_schema_written_by_name_and_by_alias_has_a_name_for_each(serve):
    class Inner(Schema):
        first_name: str = Field(serialization_alias="firstName")

    class Outer(Schema):
        inner: Inner

    api = MattAPI()
    api.get("/name", response=Outer)(lambda request: None)
    api.get("/alias", response=Outer, by_alias=True)(lambda request: None)
    document = serve(api).get("/api/openapi.json").json()
    schemas = document["components"]["schemas"]

    def inner_fields(path):
        outer = schemas[schema_of(document, path, "get")]
        name = outer["properties"]["inner"]["$ref"].rsplit("/", 1)[-1]
        return list(schemas[name]["properties"])

    assert inner_fields("/api/name") == ["first_name"]
    assert inner_fields("/api/alias") == ["firstName"]
    OpenAPIV31SpecValidator(document).validate()


def test_a_schema_that_holds_itself_is_described(serve):
    class Node(Schema):
        children: list["Node"] = []

    Node.model_rebuild(_types_namespace={"Node": Node})
    api = MattAPI()

    @api.post("/", response=Node)
    def grow(request, node: Node):
        return node

    document = serve(api).get("/api/openapi.json").json()
    items = document["components"]["schemas"]["Node"]["properties"]["children"]["items"]
    assert items == {"$ref": "#/components/schemas/Node"}


def test_a_users_schema_named_problem_keeps_its_name(serve):
    class Problem(Schema):
        """Ours is another."""

        theirs: int

    class QueryParams(Schema):
        """A name that Ninja uses inside."""

        x: int

    api = MattAPI()

    @api.post("/", response=Problem)
    def make(request, body: QueryParams, y: int = 1):
        return {"theirs": 1}

    document = serve(api).get("/api/openapi.json").json()
    schemas = document["components"]["schemas"]
    assert list(schemas["Problem"]["properties"]) == ["theirs"]
    assert "status" in schemas["MattProblem"]["properties"]
    assert list(schemas["QueryParams"]["properties"]) == ["x"]


def test_a_json_field_is_any_json(serve):
    class Setting(Schema):
        value: AnyObject
        maybe: AnyObject | None = None

    api = MattAPI()
    api.get("/", response=Setting)(lambda request: {"value": [1]})
    client = serve(api)
    assert client.get("/api/").json() == {"value": [1], "maybe": None}
    properties = client.get("/api/openapi.json").json()["components"]["schemas"]["Setting"][
        "properties"
    ]
    assert properties["value"] == {"title": "Value"}
    assert {} in properties["maybe"]["anyOf"]


def test_defaults_required_in_answers_split_the_schema(serve):
    class Lamp(Schema):
        model_config = ConfigDict(json_schema_serialization_defaults_required=True)
        watts: Decimal = Decimal(5)

    api = MattAPI()

    @api.post("/", response=Lamp)
    def light(request, lamp: Lamp):
        return lamp

    schemas = serve(api).get("/api/openapi.json").json()["components"]["schemas"]
    assert schemas["Lamp-Output"]["required"] == ["watts"]
    assert "required" not in schemas["Lamp-Input"]


def test_a_model_schema_is_described(serve):
    class DescribedPermission(ModelSchema):
        class Meta:
            model = Permission
            fields = ["id", "name"]

    api = MattAPI()
    api.get("/", response=list[DescribedPermission])(lambda request: [])
    document = serve(api).get("/api/openapi.json").json()
    assert set(document["components"]["schemas"]["DescribedPermission"]["properties"]) == {
        "id",
        "name",
    }


def test_flat_query_parameters_come_from_a_schema(shop):
    names = [p["name"] for p in shop["paths"]["/api/items"]["get"]["parameters"]]
    assert names == ["text", "sizes", "order"]


def test_a_parameter_that_only_the_prefix_names_is_documented(serve):
    api, router = MattAPI(), Router()

    @router.get("/list")
    def listing(request, **kwargs):
        return {}

    api.add_router("/rooms/{room}", router)
    document = serve(api).get("/api/openapi.json").json()
    (parameter,) = document["paths"]["/api/rooms/{room}/list"]["get"]["parameters"]
    assert parameter == {
        "in": "path",
        "name": "room",
        "schema": {"type": "string"},
        "required": True,
    }
    OpenAPIV31SpecValidator(document).validate()


def test_examples_of_a_parameter_keep_the_document_valid(serve):
    api = MattAPI()

    @api.get("/")
    def find(request, text: str = Query("", examples=["lamp"])):
        return {}

    document = serve(api).get("/api/openapi.json").json()
    assert document["paths"]["/api/"]["get"]["parameters"][0]["schema"]["examples"] == ["lamp"]
    OpenAPIV31SpecValidator(document).validate()


def test_openapi_extra_merges_and_names_no_status_twice(serve):
    api = MattAPI(openapi_extra={"info": {"license": {"name": "MIT"}}, "x-ours": 1})
    extra: Any = {
        "tags": ["more"],
        "responses": {"200": {"description": "Fine."}, 422: {"description": "Theirs."}},
    }

    @api.get("/{n}", tags=["first"], openapi_extra=extra)
    def one(request, n: int):
        return n

    client = serve(api)
    content = client.get("/api/openapi.json").content
    assert content.count(b'"200"') == 1
    assert content.count(b'"422"') == 1
    document = json.loads(content)
    operation = document["paths"]["/api/{n}"]["get"]
    assert operation["responses"]["422"] == {"description": "Theirs."}
    assert operation["tags"] == ["first", "more"]
    assert api.get_openapi_schema()["paths"]["/api/{n}"]["get"]["tags"] == ["first", "more"]
    assert document["info"]["license"] == {"name": "MIT"}
    assert document["x-ours"] == 1


def test_a_stream_keeps_its_media_type(shop):
    content = shop["paths"]["/api/events"]["get"]["responses"]["200"]["content"]
    assert list(content) == ["text/event-stream"]


def test_head_is_not_listed_beside_get(serve):
    api = MattAPI()
    api.api_operation(["GET", "HEAD"], "/")(lambda request: {})
    (path,) = serve(api).get("/api/openapi.json").json()["paths"].values()
    assert list(path) == ["get"]


def test_two_security_schemes_of_one_class_name_are_both_there(serve):
    from ninja.security import APIKeyHeader

    def key(name):
        class Key(APIKeyHeader):
            param_name = name

            def authenticate(self, request, key):
                return key

        return Key()

    api = MattAPI()
    api.get("/a", auth=key("X-A"))(lambda request: {})
    api.get("/b", auth=key("X-B"))(lambda request: {})
    document = serve(api).get("/api/openapi.json").json()
    schemes = document["components"]["securitySchemes"]
    assert [schemes[name]["name"] for name in ("Key", "Key2")] == ["X-A", "X-B"]
    assert document["paths"]["/api/b"]["get"]["security"] == [{"Key2": []}]


def test_a_contribution_adds_paths_to_the_document(serve):
    api = MattAPI()

    def contribute(document):
        document["paths"]["/elsewhere"] = {"get": {"responses": {"200": {"description": "OK"}}}}

    api.add_openapi(contribute)
    document = serve(api).get("/api/openapi.json").json()
    assert "/elsewhere" in document["paths"]
    OpenAPIV31SpecValidator(document).validate()


def test_a_hidden_operation_is_not_in_the_document(serve):
    class Secret(Schema):
        x: int

    api = MattAPI()
    api.get("/", response=Secret, include_in_schema=False)(lambda request: {"x": 1})
    document = serve(api).get("/api/openapi.json").json()
    assert document["paths"] == {}
    assert document["components"]["schemas"] == {}


def test_the_document_is_answered_with_an_etag_and_then_304(serve):
    client = serve(build())
    first = client.get("/api/openapi.json")
    again = client.get("/api/openapi.json", HTTP_IF_NONE_MATCH=first["ETag"])
    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")
    assert client.get("/api/openapi.json", HTTP_IF_NONE_MATCH='"other"').status_code == 200


def test_the_document_is_built_once_for_a_prefix(serve):
    built = []

    class Counting(MattAPI):
        def get_openapi_schema(self, **options):
            built.append(options)
            return super().get_openapi_schema(**options)

    client = serve(Counting())
    for _ in range(3):
        client.get("/api/openapi.json")
    assert len(built) == 1


def test_script_name_and_prefix_parameters_are_in_the_paths(serve):
    api = MattAPI()
    api.get("/x")(lambda request, **kwargs: {})
    client = serve(api, prefix="<slug:tenant>/api/")
    for tenant in ("red", "blue"):
        assert list(client.get(f"/{tenant}/api/openapi.json").json()["paths"]) == [
            f"/{tenant}/api/x"
        ]
    set_script_prefix("/mounted/")
    try:
        document = client.get("/red/api/openapi.json").json()
    finally:
        set_script_prefix("/")
    assert list(document["paths"]) == ["/mounted/red/api/x"]


def test_two_apis_have_two_documents(serve):
    one, two = MattAPI(title="One"), MattAPI(title="Two", urls_namespace="two")

    @api_controller("/things", use_unique_op_id=False)
    class Things:
        @http_get("/")
        def everything(self):
            return []

    two.register_controllers(Things)
    client = serve(one, **{"two/": two})
    assert client.get("/api/openapi.json").json()["info"]["title"] == "One"
    document = client.get("/two/openapi.json").json()
    assert list(document["paths"]) == ["/two/things/"]


def test_staff_only_holds_for_the_document_too(serve, settings):
    settings.LOGIN_URL = "/login"
    api = MattAPI(docs_decorator=staff_member_required(login_url="/login"))
    client = serve(api)
    assert client.get("/api/openapi.json").status_code == 302
    assert client.get("/api/docs").status_code == 302


def test_a_body_and_a_query_are_read_by_alias_where_answers_are_written_by_name(serve):
    class Person(Schema):
        full_name: str = Field(alias="fullName")

    api = MattAPI()

    @api.post("/", response=Person)
    def meet(request, person: Person, page_size: int = Query(1, alias="pageSize")):
        return person

    document = serve(api).get("/api/openapi.json").json()
    schemas = document["components"]["schemas"]
    assert list(schemas["Person-Input"]["properties"]) == ["fullName"]
    assert list(schemas["Person-Output"]["properties"]) == ["full_name"]
    assert document["paths"]["/api/"]["post"]["parameters"][0]["name"] == "pageSize"


def test_a_conditional_route_says_its_headers_304_412_and_428(serve):
    api = MattAPI()

    @api.get("/it", response=list[int])
    @conditional(last_modified="updated_at")
    def read(request): ...

    @api.put("/it", response={204: None})
    @conditional(last_modified=lambda request: None, required=True)
    def write(request): ...

    document = serve(api).get("/api/openapi.json").json()
    OpenAPIV31SpecValidator(document).validate()
    read_, write_ = (document["paths"]["/api/it"][method] for method in ("get", "put"))

    def named(details):
        return [parameter["name"] for parameter in details["parameters"]]

    assert named(read_) == ["If-None-Match", "If-Modified-Since"]
    assert named(write_) == ["If-Match", "If-Unmodified-Since"]
    assert set(read_["responses"]["304"]["headers"]) == {"ETag", "Last-Modified"}
    assert set(read_["responses"]["200"]["headers"]) == {"ETag", "Last-Modified"}
    assert {"412"} <= set(read_["responses"])
    assert not {"428"} & set(read_["responses"])
    assert {"412", "428"} <= set(write_["responses"])
    assert "304" not in write_["responses"]
