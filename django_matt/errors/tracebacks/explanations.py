"""What a developer gets to see of an unexpected error in DEBUG: data, a page, or a panel in the terminal."""

import json
import platform
import sys
import traceback
from typing import Any

import django
from django.http import HttpRequest, HttpResponse

from django_matt.errors.problems import (
    PROBLEM_JSON,
    ErrorResponse,
    document,
    prefers_html,
    stamp,
    to_jsonable,
)
from django_matt.errors.tracebacks.frames import Trace, active_filter, capture
from django_matt.errors.tracebacks.hints import find_hint
from django_matt.errors.tracebacks.safe_repr import Values, printable
from django_matt.pages import render_page

__all__ = ["debug_response", "explain"]

_MAX_BODY = 4_000


def explain(
    request: HttpRequest, exc: BaseException, answer: ErrorResponse, api: Any
) -> dict[str, Any]:
    """Return the problem document with what DEBUG adds.

    That is ``exception``, ``hint``, ``traceback``, ``request``, and ``plan``: how the route's answers are made.
    """
    trace = capture(exc, request)
    shown = document(request, answer)
    shown["exception"] = (
        f"{trace['type']}: {trace['message']}" if trace["message"] else trace["type"]
    )
    shown["hint"] = find_hint(exc, request, api)
    shown["traceback"] = trace
    shown["request"] = describe_request(request)
    shown["plan"] = _plan(request)
    return shown


def _plan(request: HttpRequest) -> list[dict[str, Any]]:
    """Return how the operation that failed answers: for each status the tier, the queries, why no faster tier."""
    describe = getattr(request, "_matt_plan", None)
    try:
        return [] if describe is None else describe()
    except Exception as error:  # noqa: BLE001 - the database may be what failed
        return [{"tier": f"not known: {type(error).__name__}: {error}"[:_MAX_BODY]}]


def debug_response(request: HttpRequest, exc: BaseException, shown: dict[str, Any]) -> HttpResponse:
    """Answer what :func:`explain` found, as a page for a browser and as a problem document for everyone else."""
    content = json.dumps(to_jsonable(shown, depth=60), indent=2)
    if prefers_html(request):
        context = {
            "problem": shown,
            "chain": _chain(shown["traceback"]),
            "as_json": content,
            "as_text": "".join(traceback.format_exception(exc, limit=-50))[:50_000],
            "versions": versions(),
        }
        response = render_page(request, "matt/error.html", context, shown["status"])
    else:
        response = HttpResponse(content, status=shown["status"], content_type=PROBLEM_JSON)
    return stamp(request, response)


def _chain(trace: Trace) -> list[dict[str, Any]]:
    """List an exception, its causes and the members of its groups in the order to read them, last call first."""
    headline, _, rest = trace["message"].partition("\n")
    has_yours = any(frame["yours"] for frame in trace["frames"])
    shown = {
        "headline": headline,
        "rest": rest,
        "has_yours": has_yours,
        "frames": trace["frames"][::-1],
    }
    found: list[dict[str, Any]] = [{**trace, **shown}]
    if trace["cause"] is not None:
        found += _chain(trace["cause"])
    for member in trace["exceptions"]:
        found += _chain(member)
    return found


def describe_request(request: HttpRequest) -> dict[str, Any]:
    """Return the request as text, its secrets hidden; reads nothing that was not read before."""
    cleanser = active_filter(request)
    values = Values(cleanser)
    headers = {
        name.removeprefix("HTTP_").replace("_", "-").title(): "********"
        if values.is_hidden(name)
        else printable(str(value)[:400])
        for name, value in request.META.items()
        if value and (name.startswith("HTTP_") or name in {"CONTENT_TYPE", "CONTENT_LENGTH"})
    }
    match = getattr(request, "resolver_match", None)
    return {
        "method": request.method,
        "path": request.path,
        "route": match.route if match else None,
        "parameters": {key: values.named(key, value) for key, value in match.kwargs.items()}
        if match
        else {},
        "query": {key: values.named(key, value) for key, value in list(request.GET.lists())[:50]},
        "headers": headers,
        "body": _body(request, values),
    }


def _body(request: HttpRequest, values: Values) -> str | None:
    content = getattr(request, "_body", None)
    if not isinstance(content, bytes) or not content:
        return None
    if len(content) > _MAX_BODY:
        return f"{len(content)} bytes, not shown"
    try:
        return Values(active_filter(request), max_text=_MAX_BODY).show(json.loads(content))
    except (ValueError, RecursionError):
        pass
    form = getattr(request, "_post", None)
    if form:
        cleansed: Any = active_filter(request).get_post_parameters(request)
        return "\n".join(f"{key} = {values.named(key, cleansed.getlist(key))}" for key in cleansed)
    return f"{len(content)} bytes of {request.content_type or 'an unnamed type'}"


def versions() -> dict[str, str]:
    """Return the versions that a report of a fault wants."""
    import ninja
    import ninja_extra
    import pydantic

    return {
        "Python": platform.python_version(),
        "Django": django.get_version(),
        "Django Ninja": ninja.__version__,
        "Ninja Extra": ninja_extra.__version__,
        "pydantic": pydantic.VERSION,
        "Executable": sys.executable,
    }
