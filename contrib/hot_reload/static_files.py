"""Static files in development: Django's handler, without caching in the browser."""

from typing import Any

from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.http import FileResponse, HttpRequest, HttpResponse

__all__ = ["IS_ASSET", "StaticFiles"]

IS_ASSET = "matt_is_asset"
"""The key of a request's scope that is set for static files, which write no log line."""


class StaticFiles(ASGIStaticFilesHandler):
    """Sends ``Cache-Control: no-cache``. Without it, browsers guess how long a file is fresh, and miss your edits."""

    def serve(self, request: HttpRequest) -> HttpResponse | FileResponse:
        """Serve a file below ``STATIC_URL``."""
        asked: Any = request
        asked.scope[IS_ASSET] = True
        response = super().serve(request)
        response.headers.setdefault("Cache-Control", "no-cache")
        return response
