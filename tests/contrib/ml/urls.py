"""An API for the tests that start servers."""

from django.urls import path

from django_matt import MattAPI

api = MattAPI()
urlpatterns = [path("api/", api.urls)]
