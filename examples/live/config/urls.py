"""The page, the API, and the metrics."""

from django.urls import include, path
from django.views.generic import TemplateView
from orders.api import api

urlpatterns = [
    path("", TemplateView.as_view(template_name="orders/board.html")),
    path("api/", api.urls),
    path("", include("django_matt.contrib.observability.urls")),
]
