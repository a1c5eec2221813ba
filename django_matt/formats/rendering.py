"""Responses of formats that render: from what a view returned, or from an error, to a response."""

import logging
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja.operation import Operation

from django_matt.errors.exceptions import NotAcceptable
from django_matt.errors.problems import ErrorResponse, asks_for_problem, document
from django_matt.formats.negotiation import FormatSet
from django_matt.formats.protocol import Format, RenderContext
from django_matt.formats.responses import JSON_TYPE

__all__ = ["render_error", "render_result"]

logger = logging.getLogger("django_matt")


def render_result(
    formats: FormatSet,
    chosen: Format,
    result: Any,
    context: RenderContext,
    temporal: HttpResponse | None,
) -> HttpResponse:
    """Return the response of ``chosen`` for what a view returned, with what the view set on its own response."""
    response = _respond(chosen, chosen.render(result, context), context.status)
    if temporal is not None:
        response.cookies.update(temporal.cookies)
        for name, value in temporal.headers.items():
            if (name, value) != ("Content-Type", JSON_TYPE):
                response.headers[name] = value
    formats.vary(response)
    return response


def render_error(
    formats: FormatSet, request: HttpRequest, error: ErrorResponse, operation: Operation | None
) -> HttpResponse | None:
    """Return the response of the client's format for an error; ``None`` if that format answers none."""
    try:
        chosen = formats.select(request)
    except NotAcceptable:
        return None
    if not chosen.renders_errors or asks_for_problem(request):
        return None
    context = RenderContext(request, error.status, operation, lambda: document(request, error))
    try:
        rendered = chosen.render_error(error, context)
    except Exception:
        logger.exception("The format %r could not render an error.", chosen.name)
        return None
    if rendered is None:
        return None
    response = _respond(chosen, rendered, error.status)
    formats.vary(response)
    return response


def _respond(chosen: Format, rendered: bytes | str | HttpResponse, status: int) -> HttpResponse:
    if not isinstance(rendered, HttpResponse):
        return HttpResponse(rendered, status=status, content_type=chosen.content_type)
    if not getattr(rendered, "is_rendered", True):
        # A TemplateResponse, which nobody else would render before its content is asked for.
        rendered.render()  # type: ignore[attr-defined]
    return rendered
