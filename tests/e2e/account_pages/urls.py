"""The pages, and what password managers look for."""

from django.urls import include, path

urlpatterns = [
    path("", include("django_matt.contrib.accounts.urls")),
    path("", include("django_matt.contrib.password_managers.urls")),
]
