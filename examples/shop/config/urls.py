"""The API, and in DEBUG the pictures."""

from django.conf import settings
from django.conf.urls.static import static
from django.urls import path
from store.api import api

urlpatterns = [
    path("api/", api.urls),
    *static(settings.MEDIA_URL, document_root=settings.MEDIA_ROOT),
]
