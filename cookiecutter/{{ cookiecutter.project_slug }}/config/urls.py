"""The admin, the API, and one error format for what neither answers."""

from django.contrib import admin
from django.urls import path
from django.views.generic import RedirectView
from django_matt.errors.views import handler400, handler403, handler404, handler500

from config.api import api

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]

urlpatterns = [
    path("", RedirectView.as_view(url="/api/docs")),
    path("admin/", admin.site.urls),
    path("api/", api.urls),
]
