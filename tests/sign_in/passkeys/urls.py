"""Plain allauth.headless, and an API with the route of the app."""

from django.urls import include, path

from django_matt import MattAPI

api = MattAPI(urls_namespace="passkeys", extensions=["matt_passkeys"])

urlpatterns = [path("_allauth/", include("allauth.headless.urls")), path("api/", api.urls)]
