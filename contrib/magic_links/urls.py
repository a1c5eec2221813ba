"""The pages: ``path("sign-in/", include("django_matt.contrib.magic_links.urls"))``."""

from django.urls import path

from django_matt.contrib.magic_links.pages import link_page, request_page

__all__ = ["app_name", "urlpatterns"]

app_name = "matt_magic_links"
urlpatterns = [
    path("email", request_page, name="request"),
    path("link", link_page, name="link"),
]
