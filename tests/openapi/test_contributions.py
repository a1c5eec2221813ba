"""What apps add to the document: parts, documents of others, and what becomes of those that fail."""

from typing import Any

import pytest
from ninja.security import HttpBearer
from openapi_spec_validator import OpenAPIV31SpecValidator

from django_matt import MattAPI, Schema
from django_matt.openapi import OpenAPIPart


class User(Schema):
    name: str


class HasUser(Schema):
    user: User


class Token(HttpBearer):
    def authenticate(self, request, token):
        return token


FOREIGN: dict[str, Any] = {
    "openapi": "3.0.3",
    "info": {"title": "Accounts", "version": "1"},
    "security": [{"Token": []}],
    "tags": [{"name": "session", "description": "Sessions"}],
    "paths": {
        "/session": {
            "parameters": [{"$ref": "#/components/parameters/Client"}],
            "get": {
                "operationId": "read_user",
                "tags": ["session"],
                "responses": {
                    "200": {
                        "description": "OK",
                        "content": {
                            "application/json": {"schema": {"$ref": "#/components/schemas/HasUser"}}
                        },
                    }
                },
            },
            "delete": {"security": [], "responses": {"204": {"description": "Gone"}}},
        }
    },
    "components": {
        "parameters": {"Client": {"name": "client", "in": "header", "schema": {"type": "string"}}},
        "schemas": {
            "User": {
                "type": "object",
                "properties": {"email": {"type": "string", "nullable": True}},
            },
            # The same as the API's own, but of another User.
            "HasUser": {
                "title": "HasUser",
                "type": "object",
                "properties": {"user": {"$ref": "#/components/schemas/User"}},
                "required": ["user"],
            },
            "Either": {
                "oneOf": [{"$ref": "#/components/schemas/User"}],
                "discriminator": {
                    "propertyName": "kind",
                    "mapping": {"a": "#/components/schemas/User", "b": "User"},
                },
            },
        },
        "securitySchemes": {"Token": {"type": "apiKey", "name": "X-Session", "in": "header"}},
    },
}


@pytest.fixture
def api() -> MattAPI:
    api = MattAPI()

    @api.get("/user", response=HasUser, auth=Token(), operation_id="read_user")
    def read_user(request):
        return {}

    return api


def document_of(serve: Any, api: MattAPI) -> dict[str, Any]:
    answer = serve(api).get("/api/openapi.json")
    assert answer.status_code == 200
    document: dict[str, Any] = answer.json()
    OpenAPIV31SpecValidator(document).validate()
    return document


def test_a_foreign_document_is_merged_below_a_prefix(serve, api):
    api.add_openapi(OpenAPIPart.from_document(FOREIGN, prefix="auth/"))
    document = document_of(serve, api)
    assert set(document["paths"]) == {"/api/user", "/api/auth/session"}
    assert document["tags"] == [{"name": "session", "description": "Sessions"}]
    # What is the API's own stays.
    own = document["paths"]["/api/user"]["get"]
    assert (own["operationId"], own["security"]) == ("read_user", [{"Token": []}])
    assert "name" in document["components"]["schemas"]["User"]["properties"]


def test_a_prefix_with_a_slash_is_from_the_root_of_the_site(serve, api):
    api.add_openapi(OpenAPIPart.from_document(FOREIGN, prefix="/auth"))
    assert "/auth/session" in document_of(serve, api)["paths"]


def test_what_has_a_taken_name_is_renamed_with_all_that_refers_to_it(serve, api):
    api.add_openapi(OpenAPIPart.from_document(FOREIGN))
    document = document_of(serve, api)
    schemas = document["components"]["schemas"]
    assert schemas["User2"]["properties"] == {"email": {"type": ["string", "null"]}}
    assert schemas["HasUser2"]["properties"]["user"] == {"$ref": "#/components/schemas/User2"}
    mapping = {"a": "#/components/schemas/User2", "b": "User2"}
    assert schemas["Either"]["discriminator"]["mapping"] == mapping
    item = document["paths"]["/api/session"]
    assert item["get"]["operationId"] == "read_user2"
    answer = item["get"]["responses"]["200"]["content"]["application/json"]
    assert answer["schema"] == {"$ref": "#/components/schemas/HasUser2"}
    assert item["get"]["security"] == [{"Token2": []}]
    assert item["delete"]["security"] == []
    assert document["components"]["securitySchemes"]["Token2"]["name"] == "X-Session"
    # The document that was given is not changed, and may be merged again.
    assert "nullable" in FOREIGN["components"]["schemas"]["User"]["properties"]["email"]


def test_what_is_the_same_is_shared(serve, api):
    part = OpenAPIPart.from_document(FOREIGN)
    api.add_openapi(OpenAPIPart(components=part.components))
    api.add_openapi(OpenAPIPart(components={"parameters": part.components["parameters"]}))
    names = set(document_of(serve, api)["components"]["parameters"])
    assert names == {"Client"}


def test_a_function_may_return_a_part(serve, api):
    @api.add_openapi
    def contribute(document):
        assert "/api/user" in document["paths"]
        return OpenAPIPart(paths={"/more": {"get": {"responses": {"200": {"description": "OK"}}}}})

    assert "/api/more" in document_of(serve, api)["paths"]


def test_another_method_joins_a_path_that_is_described(serve, api):
    answers = {"responses": {"204": {"description": "Gone"}}}
    shared = {"name": "a", "in": "query", "schema": {"type": "string"}}
    api.add_openapi(OpenAPIPart(paths={"/user": {"parameters": [shared], "delete": answers}}))
    item = document_of(serve, api)["paths"]["/api/user"]
    assert item["delete"]["parameters"] == [shared]
    assert "parameters" not in item


def fails(document):
    document["paths"].clear()
    raise LookupError("no such app")


def not_json(document):
    document["x-odd"] = object()


TAKEN = OpenAPIPart(paths={"/user": {"get": {}}}, title="Accounts")


@pytest.mark.parametrize(
    ("contribution", "name", "why"),
    [
        (fails, f"{__name__}.fails", "LookupError: no such app"),
        (not_json, f"{__name__}.not_json", "TypeError"),
        (TAKEN, "Accounts", "ValueError: GET /api/user is described already."),
    ],
    ids=["raises", "no JSON", "described already"],
)
def test_what_fails_is_named_and_left_out(serve, api, caplog, contribution, name, why):
    whole = document_of(serve, api)
    again = MattAPI(urls_namespace="again")
    again.get("/user", response=HasUser, auth=Token(), operation_id="read_user")(lambda request: {})
    again.add_openapi(contribution)
    again.add_openapi(OpenAPIPart(tags=[{"name": "after"}]))
    document = document_of(serve, again)
    assert document.pop("tags") == [{"name": "after"}]
    for each in (whole, document):
        del each["paths"]["/api/user"]["get"]["summary"]
    assert document == whole
    (record,) = [each for each in caplog.records if each.name == "django_matt"]
    assert record.getMessage() == f"{name} is left out of the OpenAPI document."
    assert why in caplog.text


def test_only_documents_of_openapi_3_are_read():
    with pytest.raises(ValueError, match=r"its version is '2\.0'"):
        OpenAPIPart.from_document({"openapi": "2.0"})
