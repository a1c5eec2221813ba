"""How an error is sent: as Ninja's body, or as a problem document (RFC 9457) if the client or the API asks for it."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse
from django.http.request import MediaType
from django.utils.cache import patch_vary_headers
from django.utils.functional import Promise

from django_matt.errors.exceptions import Problem
from django_matt.errors.reports import get_request_id
from django_matt.settings import get_settings

__all__ = [
    "PROBLEM_JSON",
    "ErrorResponse",
    "FieldError",
    "asks_for_problem",
    "code_of",
    "document",
    "pointer",
    "prefers_html",
    "respond",
    "title_of",
    "to_jsonable",
    "validation_errors",
]

PROBLEM_JSON = "application/problem+json"

_MAX_TEXT = 2_000
_CODES = {422: "validation_error"} | {
    kind.status_code: kind.default_code
    for kind in Problem.__subclasses__()
    if kind.status_code != 422 and kind.__module__ == Problem.__module__
}


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one value of a request.

    ``loc`` is the location of the value, as in Ninja's validation errors: ``("body", "lines", 0, "count")``. ``message`` may be
    a lazy string.
    """

    loc: Sequence[str | int]
    message: str | Promise
    code: str = "invalid"


@dataclass(slots=True, kw_only=True)
class ErrorResponse:
    """An error response, before its format is chosen."""

    status: int
    detail: str | Promise
    """One sentence for the client; a lazy string is translated into the language of the request."""
    code: str = ""
    body: Any = None
    """The body in Ninja's shape; ``{"detail": detail}`` if it is ``None``."""
    headers: dict[str, str] = field(default_factory=dict)
    errors: list[dict[str, Any]] = field(default_factory=list)
    omitted: int = 0
    """How many errors were left out of ``errors``."""
    members: dict[str, Any] = field(default_factory=dict)
    always_problem: bool = False
    field_errors: Sequence[FieldError] = ()
    """The errors of single values of the request, for a registered error; ``errors`` and ``body`` are derived from them."""
    is_fault: bool = False
    """Whether the server is at fault: it is then logged as an error, and ``got_request_exception`` is sent."""
    was_mapped: bool = False
    """Whether it comes from an exception that was not raised as a response: the log then says where it was raised."""


def title_of(status: int) -> str:
    """Return the short name of a status, ``Error`` for one that has none."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def code_of(status: int) -> str:
    """Return the default code of a status.

    >>> code_of(404), code_of(418), code_of(499)
    ('not_found', 'im_a_teapot', 'error')
    """
    try:
        return _CODES.get(status) or HTTPStatus(status).name.lower()
    except ValueError:
        return "error"


def pointer(loc: Iterable[Any]) -> str:
    """Return a location as a JSON pointer in its URI fragment form (RFC 6901, 6).

    >>> pointer(["body", "items", 0, "a/b"])
    '#/body/items/0/a~1b'
    """
    parts = (str(part)[:100].replace("~", "~0").replace("/", "~1") for part in loc)
    return "#" + "".join(
        "/" + quote(part.encode("utf-8", "replace"), safe="~!$&'()*+,;=:@") for part in parts
    )


def validation_errors(items: Sequence[Any], body_param: str | None = None) -> list[dict[str, Any]]:
    """Return Ninja's validation errors as members of a problem document.

    Ninja's ``loc`` names the view's parameter behind ``body`` although the client's document has no such level;
    ``body_param`` is that name, and is left out of the pointer.
    """
    shown = []
    for item in items:
        if not isinstance(item, Mapping):
            shown.append({"pointer": "#", "detail": str(item)[:_MAX_TEXT], "code": "invalid"})
            continue
        loc = item.get("loc", ())
        loc = list(loc) if isinstance(loc, list | tuple) else [loc]
        if body_param is not None and loc[1:2] == [body_param]:
            del loc[1]
        detail = str(item.get("msg", "") or "Invalid value.")[:_MAX_TEXT]
        code = str(item.get("type", "") or "invalid")
        shown.append({"pointer": pointer(loc), "detail": detail, "code": code})
    return shown


def document(request: HttpRequest, answer: ErrorResponse) -> dict[str, Any]:
    """Return the problem document of a response."""
    code = answer.code or code_of(answer.status)
    shown: dict[str, Any] = {
        "type": get_settings().PROBLEM_TYPE.replace("{code}", code),
        "title": title_of(answer.status),
        "status": answer.status,
        "detail": answer.detail,
        "instance": quote(
            str(request.path)[:_MAX_TEXT].encode("utf-8", "replace"), safe="/~!$&'()*+,;=:@"
        ),
        "code": code,
    }
    if answer.errors:
        shown["errors"] = answer.errors
    if answer.omitted:
        shown["omitted"] = answer.omitted
    shown["request_id"] = get_request_id(request)
    # RFC 9457 lets an extension add members, not replace the ones above.
    return {**answer.members, **shown}


def respond(api: Any, request: HttpRequest, answer: ErrorResponse) -> HttpResponse:
    """Return a response with Ninja's body, or a problem document if the API, the client or the error asks for it."""
    render = getattr(api, "render_error", None)
    rendered: HttpResponse | None = None if render is None else render(request, answer)
    if rendered is not None:
        response = rendered
    elif (
        answer.always_problem or getattr(api, "problem_details", False) or asks_for_problem(request)
    ):
        content = json.dumps(to_jsonable(document(request, answer)))
        response = HttpResponse(content, status=answer.status, content_type=PROBLEM_JSON)
    else:
        body = {"detail": answer.detail} if answer.body is None else answer.body
        try:
            response = api.create_response(request, body, status=answer.status)
        except Exception:  # noqa: BLE001 - an error that cannot be written in the asked form is still answered
            content = json.dumps(to_jsonable(body))
            response = HttpResponse(content, status=answer.status, content_type="application/json")
    for name, value in answer.headers.items():
        response[name] = value
    return stamp(request, response)


def stamp(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Add the headers of every error response: the request id, ``Vary``, and those that its status requires."""
    if response.status_code == 401:
        # The binding knows how the operation authenticates.
        if challenge := getattr(request, "_matt_challenge", ""):
            response.setdefault("WWW-Authenticate", challenge)
    elif response.status_code in {429, 503}:
        response.setdefault("Retry-After", "1")
    response["X-Request-ID"] = get_request_id(request)
    patch_vary_headers(response, ["Accept"])
    return response


def _accepted(request: HttpRequest) -> list[MediaType]:
    header = str(request.headers.get("Accept", ""))[:_MAX_TEXT]
    return [MediaType(part) for part in header.split(",") if part.strip()]


def asks_for_problem(request: HttpRequest) -> bool:
    """Tell whether the client accepts problem documents by their name."""
    return any(
        str(kind).partition(";")[0] == PROBLEM_JSON and kind.quality > 0
        for kind in _accepted(request)
    )


def prefers_html(request: HttpRequest) -> bool:
    """Tell whether the client names HTML, as browsers do, and no JSON that it likes as much or named before."""
    html = data = 0.0
    for kind in _accepted(request):
        name = str(kind).partition(";")[0]
        if name in {"text/html", "application/xhtml+xml"} and kind.quality > data:
            html = max(html, kind.quality)
        elif name.endswith(("/json", "+json")) and kind.quality >= html:
            data = max(data, kind.quality)
    return html > data or (html > 0 and html == data and _first_is_html(request))


def _first_is_html(request: HttpRequest) -> bool:
    return str(_accepted(request)[0]).startswith("text/html")


def to_jsonable(value: Any, depth: int = 12) -> Any:
    """Return ``value`` as JSON data: other types, and anything nested too deep, become strings."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, str):
        return str(value)
    if depth and isinstance(value, Mapping):
        return {str(key): to_jsonable(item, depth - 1) for key, item in value.items()}
    if depth and isinstance(value, list | tuple | set | frozenset):
        return [to_jsonable(item, depth - 1) for item in value]
    try:
        return str(value)[:_MAX_TEXT]
    except Exception:  # noqa: BLE001 - a value that cannot say what it is must not hide the error it belongs to
        return f"<{type(value).__name__}>"
