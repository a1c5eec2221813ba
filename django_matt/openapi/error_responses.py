"""The error responses of an operation, and how the document describes them."""

import re
from collections.abc import Iterator, Set
from http.client import responses as reasons
from typing import Any

from django.core.exceptions import ObjectDoesNotExist, RequestDataTooBig
from django.db import IntegrityError, OperationalError
from django.http import Http404
from ninja.errors import (
    AuthenticationError,
    AuthorizationError,
    HttpError,
    Throttled,
    ValidationError,
)
from ninja.operation import Operation
from ninja_extra import exceptions as extra
from ninja_extra.exceptions import NotFound, PermissionDenied
from ninja_extra.pagination import PageNumberPaginationExtra
from ninja_extra.permissions import AllowAny

from django_matt.errors.exceptions import SAFE, Problem
from django_matt.errors.handlers import answers_by_itself
from django_matt.errors.problems import PROBLEM_JSON, code_of, title_of
from django_matt.limits import find_paginators
from django_matt.security_schemes import needs_scopes
from django_matt.settings import get_settings
from django_matt.upstream import source_of

__all__ = ["describe_status", "error_components", "error_statuses", "foreign_statuses"]

DESCRIPTIONS: dict[int, tuple[str, str]] = {
    400: ("BadRequest", "The request is malformed: its body, its encoding or a header."),
    401: ("Unauthorized", "The request has no valid credentials."),
    403: ("Forbidden", "These credentials do not allow it, or the CSRF token is missing."),
    404: ("NotFound", "Nothing exists at this address."),
    406: ("NotAcceptable", "The route has none of the formats in the Accept header."),
    409: ("Conflict", "The request conflicts with stored data."),
    412: (
        "PreconditionFailed",
        "The data has changed since you read it (If-Match, If-Unmodified-Since).",
    ),
    413: ("ContentTooLarge", "The body is too large."),
    415: ("UnsupportedMediaType", "The route does not accept the format of the body."),
    422: ("UnprocessableContent", "The parameters or the body do not fit their schema."),
    428: ("PreconditionRequired", "Send If-Match, or another precondition, with this request."),
    429: ("TooManyRequests", "Too many requests. Wait as long as Retry-After says."),
    500: ("InternalServerError", "The server failed. The server's log names the request_id."),
    503: ("ServiceUnavailable", "The server cannot respond now. Try again later."),
}
"""The name of the component response of each status, and its meaning."""

_CAUSES: dict[int, tuple[type[Exception], ...]] = {
    400: (HttpError,),
    401: (AuthenticationError,),
    403: (AuthorizationError, PermissionDenied),
    404: (Http404, ObjectDoesNotExist, NotFound),
    409: (IntegrityError,),
    413: (RequestDataTooBig,),
    422: (ValidationError,),
    429: (Throttled, extra.Throttled),
    500: (Exception,),
    503: (OperationalError,),
}
"""The exception of each status; ``Problem`` for every other."""

_PROBLEM_ONLY = {500}
_REQUEST_ID = ("X-Request-ID", "The id of the request in the server's log.")
_HEADERS = {
    401: ("WWW-Authenticate", "The ways to authenticate."),
    429: ("Retry-After", "Seconds to wait."),
    503: ("Retry-After", "Seconds to wait."),
}

_DETAIL = {
    "title": "Detail",
    "type": "object",
    "properties": {
        "detail": {
            "title": "Detail",
            "description": "What is wrong, usually in one sentence.",
        }
    },
    "required": ["detail"],
}
_VALIDATION_DETAIL = {
    "title": "ValidationDetail",
    "type": "object",
    "properties": {
        "detail": {
            "title": "Detail",
            "description": "One entry per error in the request, or one sentence.",
            "anyOf": [
                {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {
                            "type": {
                                "type": "string",
                                "description": "The type of the error, as pydantic names it.",
                            },
                            "loc": {
                                "type": "array",
                                "items": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
                                "description": "Where: body, query, path …, then the names and indexes below it.",
                            },
                            "msg": {"type": "string"},
                        },
                        "required": ["type", "loc", "msg"],
                    },
                },
                {"type": "string"},
            ],
        },
        "omitted": {"type": "integer", "description": "How many more errors there are."},
    },
    "required": ["detail"],
}
_PROBLEM_PROPERTIES: dict[str, Any] = {
    "type": {"type": "string", "format": "uri-reference", "default": "about:blank"},
    "title": {"type": "string"},
    "status": {"type": "integer", "minimum": 400, "maximum": 599},
    "detail": {"type": "string"},
    "instance": {"type": "string", "format": "uri-reference"},
    "code": {"type": "string", "description": "The error's stable name."},
    "request_id": {"type": "string", "description": "The id of the request in the server's log."},
}
_PROBLEM = {
    "title": "Problem",
    "description": "A problem document (RFC 9457).",
    "type": "object",
    "properties": _PROBLEM_PROPERTIES,
    "required": ["type", "title", "status", "code", "request_id"],
}
_VALIDATION_PROBLEM = {
    "title": "ValidationProblem",
    "description": "A problem document (RFC 9457) with one entry per error in the request.",
    "type": "object",
    "properties": {
        **_PROBLEM_PROPERTIES,
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "pointer": {"type": "string", "description": "A JSON pointer (RFC 6901)."},
                    "detail": {"type": "string"},
                    "code": {"type": "string"},
                },
                "required": ["pointer", "detail", "code"],
            },
        },
        "omitted": {"type": "integer", "description": "How many more errors there are."},
    },
    "required": ["type", "title", "status", "code", "request_id"],
}


def describe_status(status: int) -> tuple[str, str]:
    """Return the name of a status's component response, and what it means."""
    if status in DESCRIPTIONS:
        return DESCRIPTIONS[status]
    reason = reasons.get(status, f"Error {status}")
    return re.sub(r"\W", "", reason), f"{reason}."


def error_statuses(
    operation: Operation, method: str, several_formats: bool, of_hooks: set[int]
) -> Iterator[int]:
    """Yield the statuses that the framework itself may return for the operation, in order."""
    sources = {source_of(model) for model in operation.models}
    body = bool(sources & {"body", "form", "file"})
    writes = method not in SAFE
    applies = {
        400: bool(sources),
        401: bool(operation.auth_callbacks),
        403: _is_permitted_by_rule(operation)
        or needs_scopes(operation.auth_callbacks)
        or (writes and _checks_csrf(operation)),
        404: "path" in sources or _answers_pages(operation),
        406: several_formats,
        409: writes,
        413: body,
        415: body,
        422: bool(sources),
        429: bool(operation.throttle_objects),
        500: True,
        503: True,
    }
    found = {status for status, applied in applies.items() if applied}
    yield from sorted(found | of_hooks)


def foreign_statuses(api: Any) -> set[int]:
    """Return the statuses that the project's own handlers handle, so that their bodies are not known."""
    return {
        status
        for status in DESCRIPTIONS
        if any(answers_by_itself(api, kind) for kind in _CAUSES.get(status, (Problem,)))
    }


def error_components(
    statuses: set[int],
    media_types: list[str],
    taken: set[str],
    *,
    foreign: Set[int] = frozenset(),
    challenges: bool = True,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the component responses and schemas for these statuses, beside a user's names ``taken``.

    ``media_types`` are those of Ninja's own error bodies; a problem document comes beside them, or alone. The body of a
    ``foreign`` status may be anything. With ``challenges`` a 401 says how to authenticate.
    """
    bodies = {
        "Detail": _DETAIL,
        "Problem": _PROBLEM,
        "ValidationDetail": _VALIDATION_DETAIL,
        "ValidationProblem": _VALIDATION_PROBLEM,
    }
    schemas: dict[str, Any] = {}

    def reference(name: str) -> dict[str, Any]:
        free = name
        while free in taken:
            free = f"Matt{free}"
        schemas[free] = bodies[name]
        return {"schema": {"$ref": f"#/components/schemas/{free}"}}

    responses: dict[str, Any] = {}
    for status in sorted(statuses):
        name, description = describe_status(status)
        if status in foreign:
            responses[name] = {"description": description, "content": {"*/*": {"schema": {}}}}
            continue
        prefix = "Validation" if status == 422 else ""
        content = {}
        if status not in _PROBLEM_ONLY:
            content = {kind: reference(f"{prefix}Detail") for kind in media_types}
        if "application/json" in content:
            content["application/json"]["example"] = _example_detail(status)
        content[PROBLEM_JSON] = reference(f"{prefix}Problem") | {
            "example": _example_problem(status)
        }
        headers: list[tuple[str, str]] = [_REQUEST_ID]
        if status in _HEADERS and (challenges or status != 401):
            headers.append(_HEADERS[status])
        responses[name] = {
            "description": description,
            "headers": {
                header: {"description": meaning, "schema": {"type": "string"}}
                for header, meaning in headers
            },
            "content": content,
        }
    return responses, schemas


def _example_detail(status: int) -> dict[str, Any]:
    """Return a body of Ninja's: without it, viewers show the first status that the schema allows, or random text."""
    if status != 422:
        return {"detail": title_of(status)}
    return {"detail": [{"type": "missing", "loc": ["body", "name"], "msg": "Field required"}]}


def _example_problem(status: int) -> dict[str, Any]:
    code = code_of(status)
    example: dict[str, Any] = {
        "type": get_settings().PROBLEM_TYPE.replace("{code}", code),
        "title": title_of(status),
        "status": status,
        "code": code,
        "request_id": "3f0c9e5a7b1d4c62a8e0d4b7f6a19c35",
    }
    if status == 422:
        error = {"pointer": "#/body/name", "detail": "Field required", "code": "missing"}
        example["errors"] = [error]
    return example


def _is_permitted_by_rule(operation: Operation) -> bool:
    get_route_function = getattr(operation.view_func, "get_route_function", None)
    if get_route_function is None:
        return False
    function = get_route_function()
    rules = function.route.permissions or function.api_controller.permission_classes or []
    return any(rule is not AllowAny and not isinstance(rule, AllowAny) for rule in rules)


def _checks_csrf(operation: Operation) -> bool:
    if operation.csrf_exempt:
        return False
    return any(getattr(auth, "csrf", False) for auth in operation.auth_callbacks)


def _answers_pages(operation: Operation) -> bool:
    """Tell whether a page after the last one is a 404, as with Ninja Extra's page numbers; Ninja returns an empty page."""
    paginators = find_paginators(operation.view_func)
    return any(isinstance(paginator, PageNumberPaginationExtra) for _, paginator in paginators)
