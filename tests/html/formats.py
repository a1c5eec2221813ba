"""HTML: a page for browsers, a fragment for htmx, an error page."""

from typing import Any

from django.http import HttpRequest
from django.template.loader import render_to_string

from django_matt.errors.problems import ErrorResponse
from django_matt.formats import Format, RenderContext


class HTML(Format):
    """The template of an operation is named after it."""

    name = "html"
    media_type = "text/html"
    vary = ("HX-Request",)
    variants = ("fragment",)

    def render(self, result: Any, context: RenderContext) -> str:
        operation = context.operation
        assert operation is not None
        given = {
            "result": result,
            "context": context,
            "fragment": self._is_fragment(context.request),
        }
        return render_to_string(f"html/{operation.view_func.__name__}.html", given)

    def render_error(self, error: ErrorResponse, context: RenderContext) -> str:
        given = {"problem": context.data, "fragment": self._is_fragment(context.request)}
        return render_to_string("html/error.html", given)

    def variant(self, request: HttpRequest) -> str:
        return "fragment" if self._is_fragment(request) else self.name

    def describe(self, schema: dict[str, Any]) -> dict[str, Any]:
        return {"schema": {"type": "string"}}

    @staticmethod
    def _is_fragment(request: HttpRequest) -> bool:
        return request.headers.get("HX-Request") == "true"
