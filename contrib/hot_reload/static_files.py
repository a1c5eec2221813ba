"""Static files in development: Django's handler, without caching in the browser."""

from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.http import FileResponse, HttpRequest, HttpResponse

__all__ = ["StaticFiles"]


class StaticFiles(ASGIStaticFilesHandler):
    """Sends ``Cache-Control: no-cache``. Without it, browsers guess how long a file is fresh, and miss your edits."""

    def serve(self, request: HttpRequest) -> HttpResponse | FileResponse:
        """Serve a file below ``STATIC_URL``."""
        response = super().serve(request)
        response.headers.setdefault("Cache-Control", "no-cache")
        return response
