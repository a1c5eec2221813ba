"""The API, in DEBUG the pictures, and the error format for what is refused before it is reached."""

from django.conf import settings
from django.conf.urls.static import static
from django.urls import path
from store.api import api

from django_matt.errors.views import handler400, handler403, handler404, handler500

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]

urlpatterns = [
    path("api/", api.urls),
    *static(settings.MEDIA_URL, document_root=settings.MEDIA_ROOT),
]
