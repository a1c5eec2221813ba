"""The OpenAPI 3.1 document: Ninja's, with stable names, every media type, and the errors of each operation."""

import json
import logging
import re
from collections.abc import Iterable
from copy import deepcopy
from http.client import responses as reasons
from typing import Any, cast

from ninja.constants import NOT_SET
from ninja.operation import Operation
from ninja.responses import NinjaJSONEncoder
from ninja.streaming import SSE
from pydantic.json_schema import JsonSchemaMode

from django_matt.hooks import OperationHook, bound_hooks
from django_matt.limits import has_rows
from django_matt.openapi.components import SchemaBook, Style, names_in, without_null
from django_matt.openapi.contributions import add_contribution
from django_matt.openapi.error_responses import (
    describe_status,
    error_components,
    error_statuses,
    foreign_statuses,
)
from django_matt.openapi.parameters import describe_limits, describe_ordering, name_headers
from django_matt.security_schemes import (
    challenge_scheme,
    each_callback,
    requirements_of,
    schemes_of,
)
from django_matt.settings import get_settings
from django_matt.upstream import BODY_CONTENT_TYPES, OpenAPISchema, flat_names, source_of

__all__ = ["MattOpenAPISchema", "name_schemes"]

logger = logging.getLogger("django_matt")

_FORMS = ("form", "file")
_NO_OBJECTS = {"array", "boolean", "integer", "number", "string"}


class MattOpenAPISchema(OpenAPISchema):
    """The document of one API, which is the same in every process, in the order of the routes."""

    def __init__(self, api: Any, path_prefix: str, *, strict: bool | None = None) -> None:
        """Build the whole document at once; ``path_prefix`` is where the API is mounted.

        ``strict`` describes responses as they are sent; by default, ``MATT["STRICT_OPENAPI"]`` decides.
        """
        operations = [each.operation for each in api.operations() if each.documented]
        self._strict = get_settings().STRICT_OPENAPI if strict is None else strict
        self._book = SchemaBook(
            read=(model for operation in operations for model in operation.models),
            written=(
                (model, self._style(operation))
                for operation in operations
                for model in operation.response_models.values()
                if model not in (None, NOT_SET)
            ),
            strict=self._strict,
        )
        self._scheme_names = name_schemes(operations)
        self._errors: set[int] = set()
        self._error_types: dict[str, None] = {}
        self._error_pages: dict[str, Any] = {}
        self._paths: dict[str, Any] = {}
        self._method = ""
        self.hook_problems: list[str] = []
        """What hooks failed to say, for the system check."""
        super().__init__(api, path_prefix)
        for contribute in api.openapi_contributions:
            add_contribution(self, path_prefix, contribute)

    def get_paths(self) -> dict[str, Any]:
        """Return the paths; a parameter that only the path names is a string."""
        self._paths = super().get_paths()
        for path, operations in self._paths.items():
            for operation in operations.values():
                known = {p.get("name") for p in operation["parameters"] if p.get("in") == "path"}
                for name in re.findall(r"{([^}]+)}", path):
                    if name not in known:
                        operation["parameters"].append(
                            {
                                "in": "path",
                                "name": name,
                                "schema": {"type": "string"},
                                "required": True,
                            }
                        )
        return self._paths

    def methods(self, operations: list[Operation]) -> dict[str, Any]:
        """Return one entry for each method; HEAD is GET without its body and is not listed beside it."""
        listed = {method for operation in operations for method in operation.methods}
        result: dict[str, Any] = {}
        for operation in operations:
            for method in operation.methods:
                if operation.include_in_schema and not (method == "HEAD" and "GET" in listed):
                    self._method = method
                    result[method.lower()] = self.operation_details(operation)
        return result

    def operation_details(self, operation: Operation) -> dict[str, Any]:
        """Describe the operation under the method at hand."""
        details: dict[str, Any] = {
            "operationId": self._operation_id(operation),
            "summary": operation.summary,
            "parameters": self.operation_parameters(operation),
            "responses": self.responses(operation),
        }
        optional = {
            "description": operation.description,
            "tags": operation.tags and list(operation.tags),
            "deprecated": operation.deprecated,
            "requestBody": self.request_body(operation),
            "security": self.operation_security(operation),
        }
        details |= {key: value for key, value in optional.items() if value}
        extra = deepcopy(operation.openapi_extra or {})
        if "responses" in extra:
            extra["responses"] = self._declared(details["responses"], extra["responses"])
        self.deep_dict_update(details, extra)
        for hook in bound_hooks(operation):
            if type(hook).describe is not OperationHook.describe:
                self._describe_by_hook(hook, operation, details)
        details["responses"] |= self._error_responses(operation, details["responses"])
        details["responses"] = dict(
            sorted(details["responses"].items(), key=lambda item: str(item[0]))
        )
        return details

    def _describe_by_hook(
        self, hook: OperationHook, operation: Operation, details: dict[str, Any]
    ) -> None:
        """Let a hook change the description; log and skip what fails, or what JSON cannot express."""
        before = deepcopy(details)
        try:
            hook.describe(details, self._method)
            json.dumps(details, cls=NinjaJSONEncoder)
        except Exception as error:  # noqa: BLE001 - code of an app's
            details.clear()
            details.update(before)
            self._note_problem(hook, "describe", operation, error)

    def _note_problem(
        self, hook: OperationHook, method: str, operation: Operation, error: Exception
    ) -> None:
        name = f"{type(hook).__module__}.{type(hook).__qualname__}.{method}()"
        problem = (
            f"What {name} adds to {self._method} {operation.path} is left out of the OpenAPI document: "
            f"{type(error).__name__}: {error}"
        )
        logger.error("%s", problem, exc_info=error)
        self.hook_problems.append(problem)

    def operation_parameters(self, operation: Operation) -> list[dict[str, Any]]:
        """Return the parameters; the examples of a schema stay in the schema."""
        parameters = super().operation_parameters(operation)
        for parameter in parameters:
            # A schema's examples are a list, a parameter's are a map (OpenAPI 3.1, Parameter Object).
            if isinstance(parameter.get("examples"), list):
                del parameter["examples"]
        describe_limits(parameters, operation)
        if self._strict:
            describe_ordering(parameters, operation)
        return parameters

    def request_body(self, operation: Operation) -> dict[str, Any]:
        """Return the body in every format that the operation reads."""
        body = super().request_body(operation)
        sources = {source_of(model) for model in operation.models}
        if sources & BODY_CONTENT_TYPES.keys() == {"body"}:
            (content,) = body["content"].values()
            is_list = content["schema"].get("type") == "array"
            body["content"] = dict.fromkeys(self._readable_types(operation, is_list), content)
        return body

    def responses(self, operation: Operation) -> dict[int, dict[str, Any]]:
        """Return what the route declares, in every format that the operation writes."""
        result: dict[int, dict[str, Any]] = {}
        for status, model in operation.response_models.items():
            if status is Ellipsis:
                continue
            result[status] = {"description": reasons.get(status, "Unknown Status Code")}
            if model in (None, NOT_SET):
                continue
            schema = self._inlined(self._book.page(model, "serialization", self._style(operation)))
            if operation.stream_format is not None:
                result[status]["content"] = self._stream(operation, schema)
            else:
                result[status]["content"] = self._content(operation, model, schema)
        return result

    def operation_security(self, operation: Operation) -> list[dict[str, Any]] | None:
        """Return the ways to authenticate; classes of one scheme, as a sync and an async one, are one way."""
        result: list[dict[str, Any]] = []
        for auth in each_callback(operation.auth_callbacks):
            schemes = schemes_of(auth)
            for requirement in requirements_of(auth):
                named = {}
                for written, scopes in requirement.items():
                    scheme = schemes.get(written)
                    if scheme is None:
                        continue  # a mistake, which the system check reports
                    name = next(key for key, known in self._scheme_names.items() if known == scheme)
                    self.securitySchemes[name] = scheme
                    named[name] = list(scopes)
                if named not in result:
                    result.append(named)
        return result or None

    def get_components(self) -> dict[str, Any]:
        """Return what the paths refer to, each part sorted by name."""
        schemas = self._book.reachable(self._paths)
        only_problems = bool(getattr(self.api, "problem_details", False))
        media_types = [] if only_problems else list(self._error_types)
        responses, error_schemas = error_components(
            self._errors,
            media_types,
            set(schemas),
            foreign=foreign_statuses(self.api),
            # Only a scheme of HTTP has a challenge.
            challenges=any(map(challenge_scheme, self.securitySchemes.values())),
        )
        for response in responses.values():
            response["content"] |= self._error_pages
        self.schemas = dict(sorted((schemas | error_schemas).items()))
        components: dict[str, Any] = {"schemas": self.schemas}
        if responses:
            components["responses"] = dict(sorted(responses.items()))
        if self.securitySchemes:
            components["securitySchemes"] = dict(sorted(self.securitySchemes.items()))
        return components

    def classes_in(self, part: Any) -> dict[str, type]:
        """Return the classes behind the components that a part of the document refers to, by component name.

        Components that no class makes, as those of errors, are left out.
        """
        classes = self._book.classes
        return {name: classes[name] for name in self._book.reachable(part) if name in classes}

    @staticmethod
    def _inlined(schema: dict[str, Any]) -> dict[str, Any]:
        """Return the annotation inside of Ninja's wrapper of a response model."""
        (only,) = schema["properties"].values()
        return cast("dict[str, Any]", only)

    def _operation_id(self, operation: Operation) -> str:
        wanted = operation.operation_id or self.api.get_openapi_operation_id(operation)
        if sum(method != "HEAD" for method in operation.methods) > 1:
            wanted = f"{wanted}_{self._method.lower()}"
        name, number = wanted, 1
        while name in self.all_operation_ids:
            number += 1
            name = f"{wanted}_{number}"
        self.all_operation_ids.add(name)
        return name

    def _error_responses(self, operation: Operation, declared: dict[Any, Any]) -> dict[int, Any]:
        known = {str(status) for status in declared}
        statuses = [
            status
            for status in error_statuses(
                operation, self._method, self._negotiates(operation), self._hook_statuses(operation)
            )
            if str(status) not in known
        ]
        self._errors.update(statuses)
        rendering = {
            each.media_type: each for each in self._formats(operation) or () if not each.dumps
        }
        for name in self._media_types(operation, rows=False):
            if name not in rendering:
                self._error_types[name] = None
            elif rendering[name].renders_errors:
                self._error_pages[name] = rendering[name].describe({})
        return {s: {"$ref": f"#/components/responses/{describe_status(s)[0]}"} for s in statuses}

    def _hook_statuses(self, operation: Operation) -> set[int]:
        found: set[int] = set()
        for hook in bound_hooks(operation):
            try:
                found.update(map(int, hook.error_statuses(self._method)))
            except Exception as error:  # noqa: BLE001 - code of an app's
                self._note_problem(hook, "error_statuses", operation, error)
        return found

    @staticmethod
    def _declared(known: dict[Any, Any], extra: dict[Any, Any]) -> dict[Any, Any]:
        """Spell the statuses of ``openapi_extra`` as the known ones, so that JSON names none twice."""
        spelling = {str(status): status for status in known}
        return {spelling.get(str(status), status): value for status, value in extra.items()}

    def _formats(self, operation: Operation) -> Any:
        """Return the formats that the operation negotiates, ``None`` if one renderer decides alone."""
        formats_of = getattr(self.api, "formats_of", None)
        return formats_of(operation) if formats_of else None

    def _negotiates(self, operation: Operation) -> bool:
        formats = self._formats(operation)
        return formats is not None and len(formats) > 1

    def _readable_types(self, operation: Operation, is_list: bool) -> list[str]:
        formats = self._formats(operation)
        if formats is None:
            return [BODY_CONTENT_TYPES["body"]]
        return _json_first(formats.readable_types(rows=is_list, named=True))

    def _media_types(self, operation: Operation, *, rows: bool) -> list[str]:
        formats = self._formats(operation)
        if formats is None:
            return [str(self.api.renderer.media_type)]
        return _json_first(formats.media_types(rows=rows, named=True))

    def _content(
        self, operation: Operation, model: Any, schema: dict[str, Any]
    ) -> dict[str, dict[str, Any]]:
        """Return a response in each format; for a page, formats that only write lists contain the items."""
        everywhere = self._media_types(operation, rows=False)
        if not has_rows(model.model_fields["response"].annotation):
            return self._described(operation, dict.fromkeys(everywhere, schema))
        rows = schema
        for name in names_in({"$ref": schema.get("$ref")}):
            properties = self._book.definitions[name].get("properties", {})
            rows = properties.get("items") or properties.get("results") or schema
        # CSV writes objects: a list of numbers would always be a 406.
        refused = {"text/csv"} if rows.get("items", {}).get("type") in _NO_OBJECTS else set()
        schemas = {
            name: schema if name in everywhere else rows
            for name in self._media_types(operation, rows=True)
            if name not in refused
        }
        return self._described(operation, schemas)

    def _described(
        self, operation: Operation, schemas: dict[str, Any]
    ) -> dict[str, dict[str, Any]]:
        """Return the media types as their formats describe them."""
        made = {each.media_type: each for each in self._formats(operation) or ()}
        return {
            name: made[name].describe(schema) if name in made else {"schema": schema}
            for name, schema in schemas.items()
        }

    def _style(self, operation: Operation) -> Style:
        if not self._strict:
            return Style(operation.by_alias)
        omits_defaults = operation.exclude_unset or operation.exclude_defaults
        return Style(operation.by_alias, omits_defaults, operation.exclude_none)

    def _stream(self, operation: Operation, schema: dict[str, Any]) -> dict[str, Any]:
        content: dict[str, Any] = operation.stream_format.openapi_content_schema(  # type: ignore[union-attr]
            _event_data(operation, schema)
        )
        for media in content.values() if self._strict else ():
            if "data" in media["schema"].get("properties", {}):
                media["schema"].setdefault("required", ["data"])
        return content

    def _extract_parameters(self, model: Any) -> list[dict[str, Any]]:
        parameters = super()._extract_parameters(cast("Any", _Prepared(model, self._book)))
        if self._strict and source_of(model) != "body":
            for parameter in parameters:
                # Text cannot say null: what has no value is left out.
                parameter["schema"] = without_null(parameter["schema"])
        if source_of(model) == "header":
            name_headers(parameters, model)
        return parameters

    def _create_schema_from_model(
        self,
        model: Any,
        by_alias: bool = True,
        remove_level: bool = True,
        mode: JsonSchemaMode = "validation",
    ) -> tuple[dict[str, Any], bool]:
        if flat_names(model) is not None:
            schema = self._flatten_schema(model)
        else:
            schema = self._book.page(model, "validation")
        if self._strict and source_of(model) in _FORMS:
            properties = schema["properties"]
            schema["properties"] = {name: without_null(properties[name]) for name in properties}
        if remove_level and len(schema["properties"]) == 1:
            ((name, only),) = schema["properties"].items()
            return only, name in schema.get("required", ())
        return schema, True

    def add_schema_definitions(self, definitions: dict[str, Any]) -> None:
        """Do nothing: the book has every definition."""


class _Prepared:
    """A parameter model whose schema is already in the book, for Ninja's flattening."""

    def __init__(self, model: Any, book: SchemaBook) -> None:
        self.__ninja_param_source__ = model.__ninja_param_source__
        self.__name__ = model.__name__
        self._model, self._book = model, book

    def model_json_schema(self, **_: Any) -> dict[str, Any]:
        schema = self._book.page(self._model, "validation")
        definitions = self._book.reachable(schema)
        known = {name: _without_aliases(found, definitions) for name, found in definitions.items()}
        return _without_aliases(schema, definitions) | {"$defs": known}


def _without_aliases(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """Replace the name of a type that is not an object by the type: Ninja's flattening loses the parameter's name."""
    properties = dict(schema.get("properties", {}))
    for name, details in properties.items():
        match details.get("allOf"):
            case [{"$ref": reference}]:
                found = definitions[reference.rpartition("/")[2]]
                if "properties" not in found and "enum" not in found:
                    rest = {key: value for key, value in details.items() if key != "allOf"}
                    properties[name] = found | rest
    return schema | {"properties": properties} if properties else schema


def _event_data(operation: Operation, schema: dict[str, Any]) -> dict[str, Any]:
    """Describe a server-sent event's data as what it is: text with JSON (OpenAPI 3.1, 4.8.14)."""
    if not issubclass(operation.stream_format, SSE):  # type: ignore[arg-type]
        return schema
    return {"type": "string", "contentMediaType": "application/json", "contentSchema": schema}


def name_schemes(operations: Iterable[Operation]) -> dict[str, Any]:
    """Name each security scheme as its class does, else after the class: the shortest name of several for one scheme.

    Two schemes of one name are told apart by a number, in the order of the routes.
    """
    found: list[tuple[Any, set[tuple[bool, int, str]]]] = []
    for operation in operations:
        for auth in each_callback(operation.auth_callbacks):
            for written, scheme in schemes_of(auth).items():
                wanted = (not hasattr(auth, "security_schemes"), len(written), written)
                for known, names in found:
                    if known == scheme:
                        names.add(wanted)
                        break
                else:
                    found.append((scheme, {wanted}))
    named: dict[str, Any] = {}
    for scheme, names in found:
        name = written = min(names)[-1]
        number = 1
        while name in named:
            number += 1
            name = f"{written}{number}"
        named[name] = scheme
    return named


def _json_first(names: list[str]) -> list[str]:
    """Put JSON first, because many client generators read only the first content type."""
    return sorted(names, key=lambda name: name != "application/json")
