"""The landing page: what this is, and what to try."""

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from django_matt.pages import render_page
from store.api import api
from store.services.demo import PASSWORD

__all__ = ["show_landing_page"]


def show_landing_page(request: HttpRequest) -> HttpResponse:
    """Show the landing page, with the stylesheet that the API serves for its own pages."""
    namespace = api.urls_namespace
    stylesheet = reverse(f"{namespace}:matt-asset", kwargs={"name": "matt.css"})
    context = {
        "api": reverse(f"{namespace}:api-root"),
        "assets": stylesheet.removesuffix("matt.css"),
        "host": request.build_absolute_uri("/").rstrip("/"),
        "password": PASSWORD,
    }
    return render_page(request, "store/landing.html", context)
