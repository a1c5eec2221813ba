"""The URLs of the front end. Include them last: ``path("", include("django_matt.contrib.spa.urls"))``."""

from django.urls import re_path

from django_matt.contrib.spa.views import page

__all__ = ["app_name", "urlpatterns"]

app_name = "matt_spa"
urlpatterns = [re_path(r"^(?P<path>.*)$", page, name="page")]
