"""The landing page, the API, the pictures while DEBUG is on, and the API's error format for everything else."""

from django.conf import settings
from django.conf.urls.static import static
from django.urls import include, path
from store.api import api
from store.pages import show_landing_page

from django_matt.errors.views import handler400, handler403, handler404, handler500

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]

urlpatterns = [
    path("", show_landing_page),
    path("api/", api.urls),
    # For staff, and for everybody while DEBUG is on.
    path("inspect/", include("django_matt.contrib.inspection.urls")),
    *static(settings.MEDIA_URL, document_root=settings.MEDIA_ROOT),
]
