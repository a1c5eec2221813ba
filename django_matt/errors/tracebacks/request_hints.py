"""Mistakes in how a request reaches a view: its URL, its body, its parameters, its CSRF token."""

from typing import Any

from django.http import RawPostDataException
from django.urls import Resolver404, resolve
from ninja.errors import HttpError
from ninja.errors import ValidationError as InvalidRequest

from django_matt.errors.calls import call_of
from django_matt.errors.exceptions import Problem
from django_matt.errors.tracebacks.hints import hint
from django_matt.signatures import innermost
from django_matt.upstream import controller_of, registered_controllers, source_of

__all__: list[str] = []


@hint
def _unregistered_controller(exc: BaseException, request: Any, api: Any) -> str | None:
    if not (isinstance(exc, Problem) and exc.routing and exc.status_code == 404) or api is None:
        return None
    path = f"/{str(getattr(request, 'path', '')).strip('/')}/"
    for kind in registered_controllers():
        controller: Any = controller_of(kind)
        prefix = str(getattr(controller, "prefix", "")).partition("{")[0].strip("/")
        if prefix and f"/{prefix}/" in path and not controller.is_registered(api):
            return f"{kind.__name__} is not registered on this API: call api.register_controllers({kind.__name__})."
    return None


@hint
def _other_slash(exc: BaseException, request: Any, api: Any) -> str | None:
    if not (isinstance(exc, Problem) and exc.routing and exc.status_code == 404):
        return None
    path = str(getattr(request, "path_info", ""))
    other = path.rstrip("/") if path.endswith("/") else f"{path}/"
    try:
        match = resolve(other)
    except Resolver404:
        return None
    if match.view_name.endswith(":api-root"):
        return None
    which = "with" if other.endswith("/") else "without"
    return f"There is a route at {other}, {which} a slash at the end: Django compares URLs exactly."


@hint
def _body_of_get(exc: BaseException, request: Any, api: Any) -> str | None:
    call = None if request is None else call_of(request)
    method = getattr(request, "method", "")
    if call is None or not isinstance(exc, InvalidRequest) or method not in {"GET", "HEAD"}:
        return None
    for model in call.operation.models:
        if source_of(model) == "body":
            name = ", ".join(model.model_fields)
            view = innermost(call.operation.view_func).__name__
            return (
                f"`{view}` reads `{name}` from the body, and a {method} request has none. To read it from the "
                f"query string, write {name}: Query[…] in the signature of the view."
            )
    return None


_TYPES = {"form": "multipart/form-data", "file": "multipart/form-data"}


@hint
def _body_of_another_type(exc: BaseException, request: Any, api: Any) -> str | None:
    call = None if request is None else call_of(request)
    sent = getattr(request, "content_type", "") or ""
    if call is None or not isinstance(exc, InvalidRequest | HttpError | Problem):
        return None
    sources = {source_of(model) for model in call.operation.models}
    is_form = sent in {"multipart/form-data", "application/x-www-form-urlencoded"}
    if isinstance(exc, InvalidRequest) and sources & {"form", "file"} and sent and not is_form:
        return (
            f"The route reads a form, and the request has the Content-Type {sent}: send a form, or declare the "
            "parameter without Form(…) or File(…)."
        )
    if "body" in sources and is_form and getattr(exc, "status_code", 0) in {400, 415}:
        return (
            "The route reads JSON, and the request has a form: send JSON with `Content-Type: application/json` "
            '(Django\'s test client: content_type="application/json"), or declare the parameter as Form[…].'
        )
    return None


@hint
def _csrf(exc: BaseException, request: Any, api: Any) -> str | None:
    if isinstance(exc, HttpError) and exc.status_code == 403 and "CSRF" in str(exc):
        return (
            "The route is authenticated by a cookie, so Django checks its CSRF token: send the value of the cookie "
            "`csrftoken` in the header `X-CSRFToken`, and name other origins of your pages in CSRF_TRUSTED_ORIGINS."
        )
    return None


@hint
def _body_read_twice(exc: BaseException, request: Any, api: Any) -> str | None:
    if isinstance(exc, RawPostDataException):
        return "The request's stream was read before request.body: read request.body first, or read only one of them."
    return None
