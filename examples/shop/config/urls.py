"""The API, in DEBUG the pictures, and the API's own words for what is refused before it is reached."""

from django.conf import settings
from django.conf.urls.static import static
from django.http import HttpRequest, HttpResponse
from django.urls import path
from store.api import api

urlpatterns = [
    path("api/", api.urls),
    *static(settings.MEDIA_URL, document_root=settings.MEDIA_ROOT),
]


def handler400(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a foreign Host header, or a suspicious request, in the error format; Django finds this by its name."""
    return api.on_exception(request, exception)
