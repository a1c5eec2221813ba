"""A page like an admin's: a form for each operation, with inline styles that the project's policy forbids elsewhere."""

from collections.abc import Mapping, Sequence

from django.apps import AppConfig
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse

from django_matt import MattAPI


class DashboardConfig(AppConfig):
    name = "tests.apps.dashboard"

    def extend(self, api: MattAPI) -> None:
        def page(request: HttpRequest) -> HttpResponse:
            forms = [
                (each, {s: list(m.model_fields) for s, m in each.request_models.items()})
                for each in api.operations()
            ]
            return render(request, "apps/dashboard.html", {"title": api.title, "forms": forms})

        async def async_page(request: HttpRequest) -> HttpResponse:
            return page(request)

        views = [path("", page, name="dashboard"), path("async", async_page)]
        api.mount_views("dashboard/", views)

    def policies(self) -> Mapping[str, Mapping[str, Sequence[str]]]:
        below = reverse("api-1.0.0:dashboard")
        return {below: {"style-src": ["'self'", "'unsafe-inline'"]}}
