"""The URLs of a project whose only API is the zoo."""

from django.urls import path

from tests.contrib.typescript import zoo

urlpatterns = [path("api/", zoo.make().urls)]
