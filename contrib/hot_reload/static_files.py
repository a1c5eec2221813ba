"""Static files in development: Django's, but asked for anew on every page."""

from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.http import FileResponse, HttpRequest, HttpResponse

__all__ = ["StaticFiles"]


class StaticFiles(ASGIStaticFilesHandler):
    """Answers with ``no-cache``: a browser keeps a file that says nothing for a tenth of its age, edits or not."""

    def serve(self, request: HttpRequest) -> HttpResponse | FileResponse:
        """Serve a file below ``STATIC_URL``."""
        response = super().serve(request)
        response.headers.setdefault("Cache-Control", "no-cache")
        return response
