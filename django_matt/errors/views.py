"""Handlers of errors outside of every API, in the error format: an unknown ``Host``, another URL, a failed CSRF check.

Import them into the root URLconf, where Django looks for them. Browsers still get Django's own pages::

    from django_matt.errors.views import handler400, handler403, handler404, handler500
"""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views import defaults

from django_matt.errors.exceptions import BadRequest, NotFound, PermissionDenied, Problem
from django_matt.errors.problems import ErrorResponse, prefers_html, respond

__all__ = ["handler400", "handler403", "handler404", "handler500"]


def _answer(
    request: HttpRequest, kind: type[Problem], page: Callable[..., Any], *args: Any
) -> HttpResponseBase:
    if prefers_html(request):
        made: HttpResponseBase = page(request, *args)
        return made
    answer = ErrorResponse(
        status=kind.status_code,
        detail=kind.default_detail,
        code=kind.default_code,
        always_problem=True,
    )
    return respond(None, request, answer)


def handler400(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Handle a suspicious request, such as one with a host that is not in ``ALLOWED_HOSTS``."""
    return _answer(request, BadRequest, defaults.bad_request, exception)


def handler403(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Handle ``PermissionDenied`` from a middleware or another view of the project."""
    return _answer(request, PermissionDenied, defaults.permission_denied, exception)


def handler404(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Handle a URL that no pattern of the project matches."""
    return _answer(request, NotFound, defaults.page_not_found, exception)


class _Fault(Problem):
    default_detail = "Something went wrong on our side. Quote the request id when you report it."
    default_code = "internal_error"


def handler500(request: HttpRequest) -> HttpResponseBase:
    """Handle an exception that a middleware or another view of the project did not catch."""
    return _answer(request, _Fault, defaults.server_error)
