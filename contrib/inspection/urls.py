"""The address of the page: ``path("inspect/", include("django_matt.contrib.inspection.urls"))``."""

from django.urls import path

from django_matt.contrib.inspection.views import show
from django_matt.pages import asset_urls

__all__ = ["app_name", "urlpatterns"]

app_name = "matt_inspection"
urlpatterns = [path("", show, name="report"), *asset_urls()]
