"""Static files in development: Django's, but asked for anew on every page."""

from typing import Any

from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase

__all__ = ["StaticFiles"]


class StaticFiles(ASGIStaticFilesHandler):
    """Answers with ``no-cache``: a browser keeps a file that says nothing for a tenth of its age, edits or not."""

    def serve(self, request: HttpRequest) -> HttpResponseBase:
        """Serve a file below ``STATIC_URL``."""
        response: Any = super().serve(request)
        response.headers.setdefault("Cache-Control", "no-cache")
        return response  # type: ignore[no-any-return]
