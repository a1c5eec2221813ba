"""JSON Schema → the text of a TypeScript type."""

from typing import Any

import pytest
from ninja import Schema
from pydantic import BaseModel, ConfigDict

from django_matt import MattAPI
from django_matt.contrib.typescript.settings import TypeScriptSettings
from django_matt.contrib.typescript.types import TypeWriter, property_key

REF = "#/components/schemas/"


def write(schema: Any, direction: Any = "out", schemas: Any = None, **options: Any) -> str:
    known = schemas or {}
    writer = TypeWriter(known, lambda name, _: name, TypeScriptSettings(**options))
    return writer.write(schema, direction)


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({}, "unknown"),
        (True, "unknown"),
        (False, "never"),
        ({"type": "string"}, "string"),
        ({"type": "integer"}, "number"),
        ({"type": ["string", "null"]}, "string | null"),
        ({"type": "string", "nullable": True}, "string | null"),
        ({"const": None}, "null"),
        ({"const": "a"}, '"a"'),
        ({"enum": ["a", 1, None, True]}, '"a" | 1 | true | null'),
        ({"enum": ["a | b", "c | b"], "type": "string"}, '"a | b" | "c | b"'),
        ({"enum": []}, "never"),
        ({"anyOf": [{"type": "null"}, {"type": "integer"}]}, "number | null"),
        ({"anyOf": [{"type": "integer"}, {"type": "number"}]}, "number"),
        ({"anyOf": [{"type": "integer"}, {}]}, "unknown"),
        ({"type": "array"}, "unknown[]"),
        ({"items": {"type": ["string", "null"]}}, "(string | null)[]"),
        (
            {
                "type": "array",
                "prefixItems": [{"type": "string"}, {}],
                "minItems": 2,
                "maxItems": 2,
            },
            "[string, unknown]",
        ),
        ({"prefixItems": [{"type": "string"}], "items": False}, "[string?]"),
        (
            {"prefixItems": [{"type": "string"}], "minItems": 1, "items": {"type": "integer"}},
            "[string, ...(/** @asType integer */ number)[]]",
        ),
        ({"type": "object"}, "Record<string, unknown>"),
        ({"type": "object", "properties": {}}, "Record<string, unknown>"),
        ({"type": "object", "additionalProperties": False}, "Record<string, never>"),
        (
            {"type": "object", "additionalProperties": {"type": "integer"}},
            "{ [key: string]: /** @asType integer */ number }",
        ),
        (
            {"patternProperties": {"^a": {"type": "integer"}}, "additionalProperties": False},
            "{ [key: string]: /** @asType integer */ number }",
        ),
        (
            {"additionalProperties": {"type": "integer"}, "propertyNames": {"enum": ["a", "b"]}},
            '{ [key in "a" | "b"]?: /** @asType integer */ number }',
        ),
        ({"properties": {"a-b": {"type": "null"}}}, '{\n  "a-b"?: null;\n}'),
        (
            {"properties": {"a": {"type": "string"}}, "additionalProperties": {"type": "integer"}},
            "{\n  a?: string;\n  [key: string]: number | string | undefined;\n}",
        ),
        (
            {"allOf": [{"enum": ["a"]}, {"anyOf": [{"enum": ["a"]}, {"enum": ["b"]}]}]},
            '"a" & ("a" | "b")',
        ),
        ({"allOf": [{"type": "string"}, {"description": "says nothing"}]}, "string"),
        (
            {"type": "object", "properties": {"a": {}}, "anyOf": [{"required": ["a"]}]},
            "{\n  a?: unknown;\n}",
        ),
        ({"type": "strange"}, "unknown"),
        ({"$ref": f"{REF}Missing"}, "unknown"),
    ],
)
def test_a_schema_is_written_as(schema, text):
    assert write(schema) == text


def test_a_long_union_has_a_line_for_each_member():
    text = write({"properties": {"a": {"enum": ["x" * 30, "y" * 30, "z" * 30]}}})
    lines = [f'    | "{letter * 30}"' for letter in "xyz"]
    assert text.splitlines() == ["{", "  a?:", *lines[:2], f"{lines[2]};", "}"]


def test_a_file_is_a_blob_in_a_form_alone():
    schema = {"type": "string", "format": "binary"}
    assert [write(schema, way) for way in ("form", "in", "out")] == ["Blob", "string", "string"]


def test_what_is_only_read_or_only_written_is_hidden_from_the_other_way():
    schema = {"properties": {"id": {"readOnly": True}, "password": {"writeOnly": True}}}
    assert write(schema, "in") == "{\n  password?: unknown;\n}"
    assert write(schema, "out") == "{\n  id?: unknown;\n}"


def test_a_tag_that_its_own_schema_leaves_open_is_added_in_the_union():
    union = {
        "oneOf": [{"$ref": f"{REF}Cat"}, {"$ref": f"{REF}Dog"}],
        "discriminator": {
            "propertyName": "kind",
            "mapping": {"cat": f"{REF}Cat", "lion": f"{REF}Cat", "dog": f"{REF}Dog"},
        },
    }
    schemas = {
        "Cat": {"properties": {"kind": {"type": "string"}}, "required": ["kind"]},
        "Dog": {"properties": {"kind": {"const": "dog"}}, "required": ["kind"]},
    }
    assert write(union, schemas=schemas) == '(Cat & { kind: "cat" | "lion" }) | Dog'
    assert (
        write({"type": "array", "items": union}, schemas=schemas)
        == '((Cat & { kind: "cat" | "lion" }) | Dog)[]'
    )


def test_dates_and_decimals_can_be_told_from_other_texts():
    schema = {"items": {"type": "string", "format": "date-time"}}
    assert write(schema, DATES="temporal") == "(/** @format date-time */ InstantText)[]"
    wanted = "(/** @format date-time */ string | { toJSON(): string })[]"
    assert write(schema, "in", DATES="temporal") == wanted
    price = {"type": "string", "format": "decimal"}
    assert write(price, DECIMALS="brand") == "DecimalText"
    assert write(price, "in", DECIMALS="brand") == "string"


def test_a_pointer_into_a_component_is_followed_and_a_circle_ends():
    schemas = {
        "Item": {
            "properties": {"id": {"type": "integer"}, "me": {"$ref": f"{REF}Item/properties/me"}}
        }
    }
    assert write({"$ref": f"{REF}Item/properties/id"}, schemas=schemas) == "number"
    assert write({"$ref": f"{REF}Item/properties/me"}, schemas=schemas) == "unknown"
    assert write({"$ref": f"{REF}Item/properties/no"}, schemas=schemas) == "unknown"


def test_ten_thousand_properties_are_written():
    names = [f"field_{number}" for number in range(10_000)]
    text = write({"properties": {key: {"type": "string"} for key in names}, "required": names})
    assert text.count(": string;") == 10_000


def test_a_comment_says_what_the_type_cannot():
    schema = {
        "properties": {
            "size": {
                "anyOf": [
                    {"type": "integer", "minimum": 1, "maximum": 2**62},
                    {"type": "null"},
                ],
                "description": "Ends */ here.\n@deprecated is no tag.",
                "deprecated": True,
                "default": 3,
            }
        }
    }
    assert write(schema) == (
        "{\n"
        "  /**\n"
        "   * Ends *\\/ here.\n"
        "   * \\@deprecated is no tag.\n"
        "   * May be beyond 2^53 - 1, where a number of JavaScript loses digits.\n"
        "   * @deprecated\n"
        "   * @multipleOf 1\n"
        "   * @minimum 1\n"
        "   * @maximum 4611686018427387904\n"
        "   * @default 3\n"
        "   */\n"
        "  size?: number | null;\n"
        "}"
    )


def test_the_bounds_that_the_database_gives_every_integer_are_no_warning():
    assert "2^53" not in write({"type": "integer", "minimum": 1, "maximum": 2**63 - 1})
    assert write({"properties": {"id": {"type": "integer", "maximum": 2**63 - 1}}}) == (
        "{\n  /** @asType integer */\n  id?: number;\n}"
    )


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({"type": "integer", "minimum": 1}, "(/** @asType integer @minimum 1 */ number)[]"),
        (
            {"anyOf": [{"type": "integer"}, {"type": "null"}]},
            "(/** @multipleOf 1 */ number | null)[]",
        ),
        ({"type": ["integer", "null"], "multipleOf": 5}, "(/** @multipleOf 5 */ number | null)[]"),
        ({"type": "integer", "enum": [1, 2]}, "(1 | 2)[]"),
        ({"type": "string", "pattern": "^a*/$"}, r"(/** @pattern ^a*\/$ */ string)[]"),
        ({"type": "string", "pattern": "a @minimum 1"}, "string[]"),
        ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, "(number | string)[]"),
        ({"type": "string", "default": "a"}, "string[]"),
    ],
)
def test_the_items_of_a_list_have_a_comment_of_their_own(schema, text):
    assert write({"type": "array", "items": schema}) == text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a", "a"),
        ("$a_1", "$a_1"),
        ("class", "class"),
        ("1a", '"1a"'),
        ("ß", '"ß"'),
        ('"', '"\\""'),
    ],
)
def test_a_key_is_quoted_if_it_must_be(name, text):
    assert property_key(name) == text


@pytest.mark.parametrize(("kind", "keeps"), [(Schema, False), (BaseModel, True)])
def test_further_keys_are_in_a_response_as_the_page_says(serve: Any, kind: Any, keeps: bool):
    class Open(kind):  # type: ignore[misc] # a class of either kind
        model_config = ConfigDict(extra="allow")
        name: str

    api = MattAPI(urls_namespace=f"further-{keeps}", docs_url=None)
    given = {"name": "a", "more": 1}

    @api.get("/one", response=Open)
    def one(request):
        return given

    def keys(request, body):
        return sorted(body.model_dump())

    keys.__annotations__["body"] = Open
    api.post("/keys")(keys)
    client = serve(api)
    assert client.get("/api/one").json() == (given if keeps else {"name": "a"})
    sent = client.post("/api/keys", given, content_type="application/json")
    assert sent.json() == ["more", "name"]
