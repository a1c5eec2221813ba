"""The pages at their usual place."""

from django.urls import include, path

urlpatterns = [path("accounts/", include("django_matt.contrib.accounts.pages.urls"))]
