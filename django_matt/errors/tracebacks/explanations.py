"""Shows an unexpected error to a developer in DEBUG: as data, as a page, or in the terminal."""

import json
import platform
import re
import sys
from typing import Any

import django
from django.conf import settings
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from pydantic import ValidationError

from django_matt.errors.calls import call_of
from django_matt.errors.problems import (
    PROBLEM_JSON,
    ErrorResponse,
    document,
    prefers_html,
    stamp,
    to_jsonable,
)
from django_matt.errors.tracebacks.frames import active_filter, as_text, capture, in_reading_order
from django_matt.errors.tracebacks.hints import find_hint
from django_matt.errors.tracebacks.response_hints import describe_mismatch
from django_matt.errors.tracebacks.safe_repr import Values, printable
from django_matt.pages import render_page
from django_matt.signatures import innermost

__all__ = ["debug_response", "explain", "printed_text"]

_MAX_BODY = 4_000
_SECRET_COOKIE = re.compile(r"sess|csrf|sid$|jwt", re.IGNORECASE)

_HOW = {
    "rows": "A queryset is written to JSON directly from the database rows.",
    "instances": "The result is written to JSON from the objects that the view returns, such as model instances.",
    "pydantic": "pydantic validates the result and writes it, as in Django Ninja.",
    "rows or instances": "A queryset is written to JSON directly from the database rows where possible. "
    "Any other result is written from the objects that the view returns.",
}
"""What each tier means to somebody who has not read about tiers."""


def explain(
    request: HttpRequest, exc: BaseException, answer: ErrorResponse, api: Any
) -> dict[str, Any]:
    """Return the problem document with what DEBUG adds.

    That is ``exception``, ``hint``, ``traceback``, ``request``, and ``plan``: how the route writes its responses.
    """
    call = call_of(request)
    trace = capture(exc, request, None if call is None else innermost(call.operation.view_func))
    mismatch = describe_mismatch(exc)
    if mismatch is not None:
        # In one sentence instead of pydantic's report, a note and the hint.
        trace["message"], trace["notes"] = printable(mismatch), []
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
        asked = shown["request"]
        facts = [
            ("Request id", shown["request_id"]),
            ("Request", f"{asked['method']} {asked['path']}"),
            *asked["parameters"].items(),
            *((f"?{name}", value) for name, value in asked["query"].items()),
            ("User", asked["user"]),
        ]
        # A template gets pairs: in it `query.items` is the parameter that is called `items`.
        context = {
            "problem": shown,
            "chain": in_reading_order(shown["traceback"]),
            "facts": facts,
            "more_facts": [
                (name, list(asked[f"{name}s"].items())) for name in ("cookie", "header")
            ],
            "ways": [_in_words(each) for each in shown["plan"]],
            "as_json": content,
            "as_text": as_text(shown["traceback"]),
            "versions": list(versions().items()),
        }
        response = render_page(request, "matt/error.html", context, shown["status"])
    else:
        response = HttpResponse(content, status=shown["status"], content_type=PROBLEM_JSON)
    return stamp(request, response)


def printed_text(exc: BaseException, shown: dict[str, Any], *, in_terminal: bool) -> str:
    """Return what the log prints instead of the traceback; empty to print that."""
    if in_terminal:
        return "(the traceback is shown above)"
    # pydantic's own text contains the value: it would evaluate a queryset, and show secrets.
    return as_text(shown["traceback"]) if isinstance(exc, ValidationError) else ""


def _in_words(plan: dict[str, Any]) -> dict[str, Any]:
    """Describe how a route responds, for readers who do not know tiers."""
    if "schema" not in plan:
        tier = str(plan["tier"])
        return {"how": f"{tier[:1].upper()}{tier[1:]}."}
    reason, unknown = plan["reason"], plan["unknown"]
    open_choice = plan["tier"] == "rows or instances"
    return {
        **plan,
        "how": _HOW.get(plan["tier"], ""),
        "reason": f"Why not faster: {reason}." if reason and not open_choice else None,
        "unknown": f"There may be more queries: {unknown}." if unknown else None,
    }


def describe_request(request: HttpRequest) -> dict[str, Any]:
    """Return the request as text, its secrets hidden; reads nothing that was not read before."""
    cleanser = active_filter(request)
    values = Values(cleanser)
    headers = {
        name.removeprefix("HTTP_").replace("_", "-").title(): "********"
        if values.is_hidden(name)
        # The query of a URL may contain a secret.
        else printable((value.partition("?")[0] if name == "HTTP_REFERER" else str(value))[:400])
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
        "user": _user(request, values),
        "cookies": {
            name: "********" if _SECRET_COOKIE.search(name) else values.named(name, value)
            for name, value in request.COOKIES.items()
            if name not in {settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME}
        }
        | dict.fromkeys(
            {settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME} & {*request.COOKIES},
            "********",
        ),
        "headers": headers,
        "body": _body(request, values),
    }


def _user(request: HttpRequest, values: Values) -> str:
    """Return who sent the request, as far as the request has asked for it: the database may be what failed."""
    known = request.__dict__
    user = known.get("_cached_user", known.get("_acached_user"))
    auth = known.get("auth")
    if user is None and isinstance(auth, Model):
        if not hasattr(auth, "is_authenticated"):
            # A token, perhaps: its text may be the secret.
            return f"not loaded: the request has a {auth._meta.label}"
        user = auth
    if user is None:
        return "not loaded: nothing has asked for it"
    key = getattr(user, "pk", None)
    return values.show(user).strip("<>") + (f", pk {key}" if key is not None else "")


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
