"""The addresses of the metrics and the pages: ``path("", include("django_matt.contrib.observability.urls"))``."""

from django.urls import path

from django_matt.contrib.observability import pages, views
from django_matt.contrib.observability.settings import get_settings
from django_matt.pages import asset_urls

__all__ = ["app_name", "urlpatterns"]

app_name = "matt_observability"
_path = get_settings().METRICS_PATH
urlpatterns = [
    *([] if _path is None else [path(_path.lstrip("/"), views.show_metrics, name="metrics")]),
    path("_matt/requests", pages.show_requests, name="requests"),
    path("_matt/requests/<int:number>", pages.show_request, name="request"),
    path("_matt/advice", pages.show_advice, name="advice"),
    *asset_urls(),
]
