"""The exception handlers of every ``MattAPI``, which a project's own handlers may replace."""

import logging
from functools import partial
from typing import Any

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse
from ninja.errors import HttpError
from ninja.errors import ValidationError as InvalidRequest
from ninja_extra.exceptions import APIException

from django_matt.errors.answering import leaves
from django_matt.errors.problems import ErrorResponse, document, respond, title_of
from django_matt.errors.registration import find_error
from django_matt.errors.reports import report, roll_back
from django_matt.upstream import handlers_of, lost, mark_logged

__all__ = [
    "answer_exception",
    "answer_unexpected",
    "answers_by_itself",
    "install_handler",
    "install_handlers",
    "report_stream_failure",
]

_UNEXPECTED = "Something went wrong on our side. Quote the request id when you report it."


def install_handlers(api: Any) -> None:
    """Register the error layer on ``api``, for the classes that Ninja and Ninja Extra register and no other.

    What Django raises is told apart inside the handler of ``Exception``, so that a project's own handler of
    ``Exception`` still sees everything that it saw on ``NinjaExtraAPI``.
    """
    for kind in (Exception, Http404, HttpError, InvalidRequest, APIException):
        api.add_exception_handler(kind, partial(answer_exception, api=api))


def install_handler(api: Any, kind: type[Exception]) -> None:
    """Handle the exceptions of a class, unless the project has its own handler."""
    if kind not in handlers_of(api):
        api.add_exception_handler(kind, partial(answer_exception, api=api))


def answers_by_itself(api: Any, kind: type[Exception]) -> bool:
    """Tell whether the project has its own handler for ``kind``, so that the response is not known."""
    if lost("handlers") is not None:
        return False
    handlers = handlers_of(api)
    handler: Any = next((handlers[cls] for cls in kind.__mro__ if cls in handlers), None)
    if isinstance(handler, partial) and handler.func is answer_exception:
        return False
    return getattr(handler, "__func__", None) is not getattr(api, "_stock_api_exception_handler", 0)


def answer_exception(request: HttpRequest, exc: Exception, *, api: Any) -> HttpResponse:
    """Return the response to an exception. If the server is at fault, report it, and tell the client nothing about it.

    Raise the exception again if it must first leave an operation.
    """
    if leaves(request, exc):
        raise exc
    roll_back(request)
    found = find_error(api, request, exc)
    if found is None:
        return answer_unexpected(request, exc, api=api)
    if settings.DEBUG:
        from django_matt.errors.tracebacks.hints import find_hint  # only DEBUG imports it

        if hint := find_hint(exc, request, api):
            found.members = {**found.members, "hint": hint}
    try:
        response = respond(api, request, found)
    except Exception as error:  # noqa: BLE001 - a status or a header that HTTP does not know is the server's fault
        return answer_unexpected(request, error, api=api)
    if found.is_fault or found.was_mapped:
        _report_mapped(request, exc, found)
        mark_logged(response)
    return response


def _report_mapped(
    request: HttpRequest, exc: Exception, found: ErrorResponse, where: str = ""
) -> None:
    level = logging.ERROR if found.is_fault else logging.WARNING
    name = "django.request"
    if isinstance(exc, SuspiciousOperation):
        # Where and as Django logs it.
        name, level = f"django.security.{type(exc).__name__}", logging.ERROR
    title = title_of(found.status) + where
    logger = logging.getLogger(name)
    report(request, exc, found.status, title=title, level=level, is_fault=found.is_fault, to=logger)


def _unexpected() -> ErrorResponse:
    return ErrorResponse(status=500, detail=_UNEXPECTED, code="internal_error", always_problem=True)


def answer_unexpected(request: HttpRequest, exc: Exception, *, api: Any) -> HttpResponse:
    """Return the response to an exception that is the server's fault."""
    if settings.DEBUG_PROPAGATE_EXCEPTIONS:
        raise exc
    if not settings.DEBUG and type(request) is HttpRequest:
        # No server made this bare request: Ninja's TestClient did, and promises the exception itself.
        raise exc
    answer = _unexpected()
    response: HttpResponse | None = None
    if settings.DEBUG:
        response = _explain(request, exc, answer, api)
    if response is None:
        report(request, exc, 500, title=title_of(500))
        response = respond(api, request, answer)
    # Django's handler logs every answer from 400 on once more, without the traceback.
    mark_logged(response)
    return response


def _explain(
    request: HttpRequest, exc: Exception, answer: ErrorResponse, api: Any
) -> HttpResponse | None:
    from django_matt.errors.tracebacks.explanations import debug_response, explain, printed_text
    from django_matt.errors.tracebacks.terminal import show_in_terminal

    try:
        shown = explain(request, exc, answer, api)
        response = debug_response(request, exc, shown)
        printed = printed_text(exc, shown, in_terminal=show_in_terminal(shown))
    except Exception:
        logging.getLogger("django_matt").exception("The error could not be explained.")
        return None
    report(request, exc, 500, title=title_of(500), printed=printed)
    return response


def report_stream_failure(api: Any, request: HttpRequest, exc: Exception) -> dict[str, Any]:
    """Report an exception in the middle of a stream and return the problem document to end the stream with."""
    try:
        found = find_error(api, request, exc)
    except Exception as error:  # noqa: BLE001 - what a project has registered fails: the stream still needs its end
        exc, found = error, None
    if found is None:
        found = _unexpected()
        found.is_fault = True
    if found.is_fault or found.was_mapped:
        _report_mapped(request, exc, found, " in a stream")
    return document(request, found)
