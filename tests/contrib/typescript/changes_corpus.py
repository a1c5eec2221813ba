"""Single changes of OpenAPI documents, and the ids and severities that oasdiff publishes for them.

``E``, ``W`` and ``I`` are its ERR, WARN and INFO. Rules that it does not have are marked with ``ours``.
"""

from dataclasses import dataclass
from typing import Any

E, W, I = "error", "warning", "info"  # noqa: E741

BOOK = {
    "type": "object",
    "properties": {"title": {"type": "string"}, "pages": {"type": "integer"}},
    "required": ["title"],
}


@dataclass(frozen=True)
class Case:
    name: str
    before: dict[str, Any]
    after: dict[str, Any]
    expected: dict[str, str]
    ours: bool = False
    """Whether a rule is expected that oasdiff does not have."""


def document(paths: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "openapi": "3.1.0",
        "info": {"title": "Books", "version": "1.0.0"},
        "paths": paths,
        **more,
    }


def operation(**more: Any) -> dict[str, Any]:
    return {"responses": {"200": {"description": "OK"}}, **more}


def route(**more: Any) -> dict[str, Any]:
    return document({"/books": {"get": operation(**more)}})


def sent(
    schema: Any, required: bool = True, media_type: str = "application/json"
) -> dict[str, Any]:
    body = {"required": required, "content": {media_type: {"schema": schema}}}
    return document({"/books": {"post": operation(requestBody=body)}})


def answered(schema: Any, media_type: str = "application/json") -> dict[str, Any]:
    response = {"description": "OK", "content": {media_type: {"schema": schema}}}
    return document({"/books": {"get": {"responses": {"200": response}}}})


def parameter(schema: Any, **more: Any) -> dict[str, Any]:
    return route(parameters=[{"name": "page", "in": "query", "schema": schema, **more}])


def header(schema: Any, **more: Any) -> dict[str, Any]:
    response = {"description": "OK", "headers": {"X-Total": {"schema": schema, **more}}}
    return document({"/books": {"get": {"responses": {"200": response}}}})


def member(schema: Any, required: bool = False) -> dict[str, Any]:
    """Return an object with one property."""
    return {
        "type": "object",
        "properties": {"title": schema},
        "required": ["title"] if required else [],
    }


def without_title() -> dict[str, Any]:
    return {"type": "object", "properties": {}, "required": []}


def schemas(parts: dict[str, Any], schema: Any, send: bool = False) -> dict[str, Any]:
    found = sent(schema) if send else answered(schema)
    return {**found, "components": {"schemas": parts}}


def secured(security: list[Any] | None, **schemes: Any) -> dict[str, Any]:
    more = {} if security is None else {"security": security}
    return {**route(**more), "components": {"securitySchemes": schemes}}


TEXT = {"type": "string"}
NUMBER = {"type": "number"}
WHOLE = {"type": "integer"}
NULLABLE = {"anyOf": [TEXT, {"type": "null"}]}
BEARER = {"type": "http", "scheme": "bearer"}
COOKIE = {"type": "apiKey", "in": "cookie", "name": "sessionid"}


def ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def deprecated(**more: Any) -> dict[str, Any]:
    return route(deprecated=True, **more)


NONE = document({})

CORPUS = [
    # ---- operations ----
    Case("a path was added", NONE, route(), {"endpoint-added": I}),
    Case("a path was removed", route(), NONE, {"api-path-removed-without-deprecation": E}),
    Case(
        "an operation was removed",
        document({"/books": {"get": operation(), "post": operation()}}),
        document({"/books": {"get": operation()}}),
        {"api-removed-without-deprecation": E},
    ),
    Case(
        "a deprecated path was removed",
        deprecated(),
        NONE,
        {"api-path-removed-with-deprecation": I},
    ),
    Case(
        "a deprecated operation was removed",
        document({"/books": {"get": operation(), "post": operation(deprecated=True)}}),
        document({"/books": {"get": operation()}}),
        {"api-removed-with-deprecation": I},
    ),
    Case(
        "a path was removed before its sunset",
        deprecated(**{"x-sunset": "2026-12-01"}),
        NONE,
        {"api-path-removed-before-sunset": E},
    ),
    Case(
        "an operation was removed before its sunset",
        document(
            {
                "/books": {
                    "get": operation(),
                    "post": operation(deprecated=True, **{"x-sunset": "2026-12-01"}),
                }
            }
        ),
        document({"/books": {"get": operation()}}),
        {"api-removed-before-sunset": E},
    ),
    Case(
        "a path was removed on its sunset",
        deprecated(**{"x-sunset": "2026-11-29"}),
        NONE,
        {"api-removed-after-sunset": I},
        ours=True,
    ),
    Case(
        "a path was removed whose sunset is no date",
        deprecated(**{"x-sunset": "soon"}),
        NONE,
        {"api-path-sunset-parse": E},
    ),
    Case("an operation was deprecated", route(), deprecated(), {"endpoint-deprecated": I}),
    Case(
        "an operation was deprecated with a sunset",
        route(),
        deprecated(**{"x-sunset": "2027-06-01"}),
        {"endpoint-deprecated-with-sunset": I},
    ),
    Case(
        "an operation was deprecated with a sunset in the past",
        route(),
        deprecated(**{"x-sunset": "2026-01-01"}),
        {"api-sunset-date-too-small": E},
    ),
    Case(
        "an operation was deprecated with a sunset that is no date",
        route(),
        deprecated(**{"x-sunset": "soon"}),
        {"api-deprecated-sunset-parse": E},
    ),
    Case(
        "an operation is no longer deprecated", deprecated(), route(), {"endpoint-reactivated": I}
    ),
    Case(
        "a sunset was removed",
        deprecated(**{"x-sunset": "2027-06-01"}),
        deprecated(),
        {"sunset-deleted": E},
    ),
    Case(
        "a sunset moved into the past",
        deprecated(**{"x-sunset": "2027-06-01"}),
        deprecated(**{"x-sunset": "2026-06-01"}),
        {"api-sunset-date-changed-too-small": E},
    ),
    Case(
        "an operation id changed",
        route(operationId="list_books"),
        route(operationId="books"),
        {"api-operation-id-removed": I},
    ),
    Case(
        "an operation id was added",
        route(),
        route(operationId="books"),
        {"api-operation-id-added": I},
    ),
    Case("a tag was added", route(), route(tags=["books"]), {"api-tag-added": I}),
    Case("a tag was removed", route(tags=["books"]), route(), {"api-tag-removed": I}),
    Case(
        "a path parameter was renamed",
        document(
            {
                "/books/{id}": {
                    "get": operation(
                        parameters=[{"name": "id", "in": "path", "required": True, "schema": WHOLE}]
                    )
                }
            }
        ),
        document(
            {
                "/books/{book}": {
                    "get": operation(
                        parameters=[
                            {"name": "book", "in": "path", "required": True, "schema": WHOLE}
                        ]
                    )
                }
            }
        ),
        {"request-path-parameter-renamed": W},
        ours=True,
    ),
    # ---- security ----
    Case(
        "a public operation asks for a token",
        secured(None, Bearer=BEARER),
        secured([{"Bearer": []}], Bearer=BEARER),
        {"api-security-added": I, "api-security-tightened": E},
        ours=True,
    ),
    Case(
        "an operation became public",
        secured([{"Bearer": []}], Bearer=BEARER),
        secured(None, Bearer=BEARER),
        {"api-security-removed": I},
    ),
    Case(
        "another way to sign in was added",
        secured([{"Bearer": []}], Bearer=BEARER, Cookie=COOKIE),
        secured([{"Bearer": []}, {"Cookie": []}], Bearer=BEARER, Cookie=COOKIE),
        {"api-security-added": I},
    ),
    Case(
        "a way to sign in was removed",
        secured([{"Bearer": []}, {"Cookie": []}], Bearer=BEARER, Cookie=COOKIE),
        secured([{"Bearer": []}], Bearer=BEARER, Cookie=COOKIE),
        {"api-security-removed": I, "api-security-tightened": E},
        ours=True,
    ),
    Case(
        "a scope was added",
        secured([{"Bearer": []}], Bearer=BEARER),
        secured([{"Bearer": ["write"]}], Bearer=BEARER),
        {"api-security-scope-added": I, "api-security-tightened": E},
        ours=True,
    ),
    Case(
        "a scope was removed",
        secured([{"Bearer": ["write"]}], Bearer=BEARER),
        secured([{"Bearer": []}], Bearer=BEARER),
        {"api-security-scope-removed": I},
    ),
    Case(
        "a security scheme was added",
        secured(None),
        secured(None, Bearer=BEARER),
        {"api-security-component-added": I},
    ),
    Case(
        "a security scheme was removed",
        secured(None, Bearer=BEARER),
        secured(None),
        {"api-security-component-removed": I},
    ),
    Case(
        "a security scheme has another type",
        secured(None, Bearer=BEARER),
        secured(None, Bearer=COOKIE),
        {"api-security-component-type-changed": I},
    ),
    # ---- parameters ----
    Case(
        "an optional parameter was added",
        route(),
        parameter(TEXT),
        {"new-optional-request-parameter": I},
    ),
    Case(
        "a required parameter was added",
        route(),
        parameter(TEXT, required=True),
        {"new-required-request-parameter": E},
    ),
    Case("a parameter was removed", parameter(TEXT), route(), {"request-parameter-removed": W}),
    Case(
        "a deprecated parameter was removed",
        parameter(TEXT, deprecated=True),
        route(),
        {"request-parameter-removed-with-deprecation": I},
    ),
    Case(
        "a parameter became required",
        parameter(TEXT),
        parameter(TEXT, required=True),
        {"request-parameter-became-required": E},
    ),
    Case(
        "a parameter became optional",
        parameter(TEXT, required=True),
        parameter(TEXT),
        {"request-parameter-became-optional": I},
    ),
    Case(
        "a parameter was deprecated",
        parameter(TEXT),
        parameter(TEXT, deprecated=True),
        {"request-parameter-deprecated": I},
    ),
    Case(
        "a parameter's type changed",
        parameter(TEXT),
        parameter(WHOLE),
        {"request-parameter-type-changed": E},
    ),
    Case(
        "a parameter accepts any text",
        parameter(WHOLE),
        parameter(TEXT),
        {"request-parameter-type-generalized": I},
    ),
    Case(
        "a parameter accepts every number",
        parameter(WHOLE),
        parameter(NUMBER),
        {"request-parameter-type-generalized": I},
    ),
    Case(
        "a value of a parameter was removed",
        parameter({**TEXT, "enum": ["a", "b"]}),
        parameter({**TEXT, "enum": ["a"]}),
        {"request-parameter-enum-value-removed": E},
    ),
    Case(
        "a value of a parameter was added",
        parameter({**TEXT, "enum": ["a"]}),
        parameter({**TEXT, "enum": ["a", "b"]}),
        {"request-parameter-enum-value-added": I},
    ),
    Case(
        "a parameter became an enum",
        parameter(TEXT),
        parameter({**TEXT, "enum": ["a"]}),
        {"request-parameter-became-enum": E},
    ),
    Case(
        "the default of a parameter changed",
        parameter({**WHOLE, "default": 1}),
        parameter({**WHOLE, "default": 2}),
        {"request-parameter-default-value-changed": E},
    ),
    Case(
        "a parameter got a maximum",
        parameter(WHOLE),
        parameter({**WHOLE, "maximum": 9}),
        {"request-parameter-max-set": W},
    ),
    Case(
        "the maximum of a parameter decreased",
        parameter({**WHOLE, "maximum": 9}),
        parameter({**WHOLE, "maximum": 8}),
        {"request-parameter-max-decreased": E},
    ),
    Case(
        "the maximum of a parameter increased",
        parameter({**WHOLE, "maximum": 8}),
        parameter({**WHOLE, "maximum": 9}),
        {"request-parameter-max-increased": I},
    ),
    Case(
        "the minimum of a parameter increased",
        parameter({**WHOLE, "minimum": 0}),
        parameter({**WHOLE, "minimum": 1}),
        {"request-parameter-min-increased": E},
    ),
    Case(
        "a parameter got a pattern",
        parameter(TEXT),
        parameter({**TEXT, "pattern": "^a"}),
        {"request-parameter-pattern-added": E},
    ),
    Case(
        "a parameter may no longer be null",
        parameter({"type": ["string", "null"]}),
        parameter(TEXT),
        {"request-parameter-became-not-nullable": E},
    ),
    # ---- request bodies ----
    Case(
        "a required body was added",
        document({"/books": {"post": operation()}}),
        sent(BOOK),
        {"request-body-added-required": E},
    ),
    Case(
        "an optional body was added",
        document({"/books": {"post": operation()}}),
        sent(BOOK, required=False),
        {"request-body-added-optional": I},
    ),
    Case(
        "a body was removed",
        sent(BOOK),
        document({"/books": {"post": operation()}}),
        {"request-body-removed": E},
    ),
    Case(
        "a body became required",
        sent(BOOK, required=False),
        sent(BOOK),
        {"request-body-became-required": E},
    ),
    Case(
        "a body became optional",
        sent(BOOK),
        sent(BOOK, required=False),
        {"request-body-became-optional": I},
    ),
    Case(
        "the media type of a body changed",
        sent(BOOK),
        sent(BOOK, media_type="application/xml"),
        {"request-body-media-type-removed": E, "request-body-media-type-added": I},
    ),
    Case(
        "a required property was added",
        sent(without_title()),
        sent(member(TEXT, True)),
        {"new-required-request-property": E},
    ),
    Case(
        "a required property with a default was added",
        sent(without_title()),
        sent(member({**TEXT, "default": "x"}, True)),
        {"new-required-request-property-with-default": E},
    ),
    Case(
        "an optional property was added",
        sent(without_title()),
        sent(member(TEXT)),
        {"new-optional-request-property": I},
    ),
    Case(
        "a property was removed",
        sent(member(TEXT)),
        sent(without_title()),
        {"request-property-removed": W},
    ),
    Case(
        "a property became required",
        sent(member(TEXT)),
        sent(member(TEXT, True)),
        {"request-property-became-required": E},
    ),
    Case(
        "a property with a default became required",
        sent(member({**TEXT, "default": "x"})),
        sent(member({**TEXT, "default": "x"}, True)),
        {"request-property-became-required-with-default": E},
    ),
    Case(
        "a property became optional",
        sent(member(TEXT, True)),
        sent(member(TEXT)),
        {"request-property-became-optional": I},
    ),
    Case(
        "a property may be null",
        sent(member(TEXT)),
        sent(member(NULLABLE)),
        {"request-property-became-nullable": I},
    ),
    Case(
        "a property may no longer be null",
        sent(member(NULLABLE)),
        sent(member(TEXT)),
        {"request-property-became-not-nullable": E},
    ),
    Case(
        "the type of a property changed",
        sent(member(TEXT)),
        sent(member(WHOLE)),
        {"request-property-type-changed": E},
    ),
    Case(
        "a property accepts every number",
        sent(member(WHOLE)),
        sent(member(NUMBER)),
        {"request-property-type-generalized": I},
    ),
    Case(
        "a property accepts whole numbers only",
        sent(member(NUMBER)),
        sent(member(WHOLE)),
        {"request-property-type-changed": E},
    ),
    Case(
        "a property got a format",
        sent(member(TEXT)),
        sent(member({**TEXT, "format": "uuid"})),
        {"request-property-type-changed": E},
    ),
    Case(
        "a property lost its format",
        sent(member({**TEXT, "format": "uuid"})),
        sent(member(TEXT)),
        {"request-property-type-generalized": I},
    ),
    Case(
        "a property accepts a time with the date",
        sent(member({**TEXT, "format": "date"})),
        sent(member({**TEXT, "format": "date-time"})),
        {"request-property-type-generalized": I},
    ),
    Case(
        "a property accepts numbers too",
        sent(member({"anyOf": [TEXT, {"type": "boolean"}]})),
        sent(member({"anyOf": [TEXT, {"type": "boolean"}, WHOLE]})),
        {"request-property-list-of-types-widened": I},
    ),
    Case(
        "a property no longer accepts numbers",
        sent(member({"anyOf": [TEXT, WHOLE]})),
        sent(member(TEXT)),
        {"request-property-list-of-types-narrowed": E},
    ),
    Case(
        "a value of a property was removed",
        sent(member({**TEXT, "enum": ["a", "b"]})),
        sent(member({**TEXT, "enum": ["b"]})),
        {"request-property-enum-value-removed": E},
    ),
    Case(
        "a property became an enum",
        sent(member(TEXT)),
        sent(member({**TEXT, "enum": ["b"]})),
        {"request-property-became-enum": E},
    ),
    Case(
        "the default of a property changed",
        sent(member({**TEXT, "default": "a"})),
        sent(member({**TEXT, "default": "b"})),
        {"request-property-default-value-changed": I},
    ),
    Case(
        "a property got a maximal length",
        sent(member(TEXT)),
        sent(member({**TEXT, "maxLength": 9})),
        {"request-property-max-length-set": W},
    ),
    Case(
        "the maximal length of a property decreased",
        sent(member({**TEXT, "maxLength": 9})),
        sent(member({**TEXT, "maxLength": 8})),
        {"request-property-max-length-decreased": E},
    ),
    Case(
        "the minimal length of a property increased",
        sent(member({**TEXT, "minLength": 1})),
        sent(member({**TEXT, "minLength": 2})),
        {"request-property-min-length-increased": E},
    ),
    Case(
        "the pattern of a property changed",
        sent(member({**TEXT, "pattern": "a"})),
        sent(member({**TEXT, "pattern": "b"})),
        {"request-property-pattern-changed": W},
    ),
    Case(
        "the pattern of a property accepts everything",
        sent(member({**TEXT, "pattern": "a"})),
        sent(member({**TEXT, "pattern": ".*"})),
        {"request-property-pattern-generalized": I},
    ),
    Case(
        "the pattern of a parameter accepts everything",
        parameter({**TEXT, "pattern": "a"}),
        parameter({**TEXT, "pattern": ".*"}),
        {"request-parameter-pattern-generalized": I},
    ),
    Case(
        "the version of the API is lower",
        {**NONE, "info": {"title": "Books", "version": "1.10.0"}},
        {**NONE, "info": {"title": "Books", "version": "1.9.0"}},
        {"api-version-decreased": I},
    ),
    Case(
        "the pattern of a property was removed",
        sent(member({**TEXT, "pattern": "a"})),
        sent(member(TEXT)),
        {"request-property-pattern-removed": I},
    ),
    Case(
        "an array needs more items",
        sent({"type": "array", "items": TEXT, "minItems": 1}),
        sent({"type": "array", "items": TEXT, "minItems": 2}),
        {"request-body-min-items-increased": E},
    ),
    Case("a body has another type", sent(TEXT), sent(WHOLE), {"request-body-type-changed": E}),
    Case(
        "the items of a body have another type",
        sent({"type": "array", "items": TEXT}),
        sent({"type": "array", "items": WHOLE}),
        {"request-property-type-changed": E},
    ),
    Case(
        "unknown properties are refused",
        sent(BOOK),
        sent({**BOOK, "additionalProperties": False}),
        {"request-body-additional-properties-forbidden": E},
        ours=True,
    ),
    Case(
        "a schema of a union was removed",
        schemas({"Cat": member(TEXT), "Dog": BOOK}, {"oneOf": [ref("Cat"), ref("Dog")]}, send=True),
        schemas({"Cat": member(TEXT), "Dog": BOOK}, {"oneOf": [ref("Cat")]}, send=True),
        {"request-body-one-of-removed": E},
    ),
    Case(
        "a schema of a union was added",
        schemas({"Cat": member(TEXT), "Dog": BOOK}, {"oneOf": [ref("Cat")]}, send=True),
        schemas({"Cat": member(TEXT), "Dog": BOOK}, {"oneOf": [ref("Cat"), ref("Dog")]}, send=True),
        {"request-body-one-of-added": I},
    ),
    # ---- responses ----
    Case(
        "a success was added",
        route(),
        document(
            {
                "/books": {
                    "get": {
                        "responses": {"200": {"description": "OK"}, "202": {"description": "OK"}}
                    }
                }
            }
        ),
        {"response-success-status-added": I},
    ),
    Case(
        "a success was removed",
        document(
            {
                "/books": {
                    "get": {
                        "responses": {"200": {"description": "OK"}, "202": {"description": "OK"}}
                    }
                }
            }
        ),
        route(),
        {"response-success-status-removed": E},
    ),
    Case(
        "an error was added",
        route(),
        document(
            {
                "/books": {
                    "get": {
                        "responses": {"200": {"description": "OK"}, "409": {"description": "No"}}
                    }
                }
            }
        ),
        {"response-non-success-status-added": I},
    ),
    Case(
        "an error was removed",
        document(
            {
                "/books": {
                    "get": {
                        "responses": {"200": {"description": "OK"}, "409": {"description": "No"}}
                    }
                }
            }
        ),
        route(),
        {"response-non-success-status-removed": I},
    ),
    Case(
        "the media type of a response changed",
        answered(BOOK),
        answered(BOOK, media_type="text/csv"),
        {"response-media-type-removed": E, "response-media-type-added": I},
    ),
    Case(
        "a required property of a response was removed",
        answered(member(TEXT, True)),
        answered(without_title()),
        {"response-required-property-removed": E},
    ),
    Case(
        "an optional property of a response was removed",
        answered(member(TEXT)),
        answered(without_title()),
        {"response-optional-property-removed": W},
    ),
    Case(
        "a required property of a response was added",
        answered(without_title()),
        answered(member(TEXT, True)),
        {"response-required-property-added": I},
    ),
    Case(
        "an optional property of a response was added",
        answered(without_title()),
        answered(member(TEXT)),
        {"response-optional-property-added": I},
    ),
    Case(
        "a property of a response became optional",
        answered(member(TEXT, True)),
        answered(member(TEXT)),
        {"response-property-became-optional": E},
    ),
    Case(
        "a property of a response became required",
        answered(member(TEXT)),
        answered(member(TEXT, True)),
        {"response-property-became-required": I},
    ),
    Case(
        "a property of a response may be null",
        answered(member(TEXT)),
        answered(member(NULLABLE)),
        {"response-property-became-nullable": E},
    ),
    Case(
        "a property of a response is never null",
        answered(member(NULLABLE)),
        answered(member(TEXT)),
        {"response-property-became-not-nullable": I},
    ),
    Case(
        "the type of a response's property changed",
        answered(member(TEXT)),
        answered(member(WHOLE)),
        {"response-property-type-changed": E},
    ),
    Case(
        "a response's property may be any number",
        answered(member(WHOLE)),
        answered(member(NUMBER)),
        {"response-property-type-generalized": E},
    ),
    Case(
        "a response's property is a whole number",
        answered(member(NUMBER)),
        answered(member(WHOLE)),
        {"response-property-type-specialized": I},
    ),
    Case(
        "a response's property lost its format",
        answered(member({**TEXT, "format": "uuid"})),
        answered(member(TEXT)),
        {"response-property-type-changed": E},
    ),
    Case(
        "a response's property may be a number too",
        answered(member(TEXT)),
        answered(member({"anyOf": [TEXT, WHOLE]})),
        {"response-property-list-of-types-widened": E},
    ),
    Case(
        "a response's property is never a number",
        answered(member({"anyOf": [TEXT, WHOLE]})),
        answered(member(TEXT)),
        {"response-property-list-of-types-narrowed": I},
    ),
    Case(
        "a value of a response's property was added",
        answered(member({**TEXT, "enum": ["a"]})),
        answered(member({**TEXT, "enum": ["a", "b"]})),
        {"response-property-enum-value-added": W},
    ),
    Case(
        "a value of a response's property was removed",
        answered(member({**TEXT, "enum": ["a", "b"]})),
        answered(member({**TEXT, "enum": ["a"]})),
        {"response-property-enum-value-removed": I},
    ),
    Case(
        "a value of a response was removed",
        answered({**TEXT, "enum": ["a", "b"]}),
        answered({**TEXT, "enum": ["a"]}),
        {"response-mediatype-enum-value-removed": I},
    ),
    Case(
        "a response's property is longer",
        answered(member({**TEXT, "maxLength": 8})),
        answered(member({**TEXT, "maxLength": 9})),
        {"response-property-max-length-increased": E},
    ),
    Case(
        "a response's property has no maximal length",
        answered(member({**TEXT, "maxLength": 8})),
        answered(member(TEXT)),
        {"response-property-max-length-unset": E},
    ),
    Case(
        "a response's property may be less",
        answered(member({**WHOLE, "minimum": 1})),
        answered(member({**WHOLE, "minimum": 0})),
        {"response-property-min-decreased": E},
    ),
    Case(
        "a response has another type",
        answered(TEXT),
        answered(WHOLE),
        {"response-body-type-changed": E},
    ),
    Case(
        "a response may be null",
        answered(TEXT),
        answered(NULLABLE),
        {"response-body-became-nullable": E},
    ),
    Case(
        "a constant of a response changed",
        answered(member({"const": "a"})),
        answered(member({"const": "b"})),
        {"response-property-const-changed": E},
    ),
    Case(
        "a schema of a response's union was added",
        schemas({"Cat": member(TEXT), "Dog": BOOK}, {"oneOf": [ref("Cat")]}),
        schemas({"Cat": member(TEXT), "Dog": BOOK}, {"oneOf": [ref("Cat"), ref("Dog")]}),
        {"response-body-one-of-added": E},
    ),
    Case(
        "a schema of a response's anyOf was added",
        schemas({"Cat": member(TEXT), "Dog": BOOK}, {"anyOf": [ref("Cat")]}),
        schemas({"Cat": member(TEXT), "Dog": BOOK}, {"anyOf": [ref("Cat"), ref("Dog")]}),
        {"response-body-any-of-added": I, "response-body-any-of-widened": E},
        ours=True,
    ),
    Case(
        "a component of a response changed",
        schemas({"Book": member(TEXT, True)}, {"type": "array", "items": ref("Book")}),
        schemas({"Book": member(TEXT)}, {"type": "array", "items": ref("Book")}),
        {"response-property-became-optional": E},
    ),
    Case("a header was added", route(), header(WHOLE), {"response-header-added": I}),
    Case(
        "a required header was removed",
        header(WHOLE, required=True),
        route(),
        {"required-response-header-removed": E},
    ),
    Case(
        "an optional header was removed",
        header(WHOLE),
        route(),
        {"optional-response-header-removed": W},
    ),
    Case(
        "a header became optional",
        header(WHOLE, required=True),
        header(WHOLE),
        {"response-header-became-optional": E},
    ),
    Case(
        "the type of a header changed",
        header({"type": "object"}),
        header({"type": "array"}),
        {"response-header-type-changed": E},
    ),
    # ---- components and texts ----
    Case(
        "a schema was removed",
        {**route(), "components": {"schemas": {"Book": BOOK}}},
        {**route(), "components": {"schemas": {}}},
        {"api-schema-removed": I},
    ),
    Case(
        "a summary changed",
        route(summary="Books"),
        route(summary="All books"),
        {"documentation-changed": I},
        ours=True,
    ),
    Case(
        "an extension changed",
        route(),
        route(**{"x-team": "shop"}),
        {"extension-changed": I},
        ours=True,
    ),
    Case(
        "a webhook was removed",
        {**NONE, "webhooks": {"sold": {"post": operation()}}},
        NONE,
        {"webhook-removed": E},
    ),
    # ---- what no rule knows ----
    Case(
        "a schema refuses something else",
        sent({"not": TEXT}),
        sent({"not": WHOLE}),
        {"unclassified": E},
        ours=True,
    ),
    Case(
        "a callback was added",
        route(),
        route(callbacks={"done": {}}),
        {"unclassified": E},
        ours=True,
    ),
]
