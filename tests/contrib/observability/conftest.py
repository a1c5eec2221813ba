"""A project that has the app installed, asked by a sync and by an async client."""

import importlib
import re
import types
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient, Client
from django.urls import clear_url_caches, include, path

from django_matt.contrib.observability import urls
from django_matt.contrib.observability.observations import current, requests
from django_matt.contrib.observability.queries import observe_queries

APP = "django_matt.contrib.observability"


class Project:
    """The clients of a project, and its metrics."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.client = Client(raise_request_exception=False)
        self.async_client = AsyncClient(raise_request_exception=False)

    def ask(self, address: str, method: str = "GET", data: Any = "", **more: Any) -> Any:
        if self.kind == "sync":
            return self.client.generic(method, address, data, "application/json", **more)

        async def send() -> Any:
            return await self.async_client.generic(
                method, address, data, "application/json", **more
            )

        return async_to_sync(send)()

    def metrics(self) -> dict[str, float]:
        """The values by name and labels."""
        text = self.client.get(
            "/metrics", headers={"Authorization": "Bearer " + "t" * 16}
        ).content.decode()
        lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
        return {name: float(value) for name, _, value in lines}

    def total(self, name: str, *labels: str) -> float:
        """The sum of the values of a name whose labels contain all texts."""
        return sum(
            value
            for key, value in self.metrics().items()
            if re.match(rf"{name}(?:{{|$)", key) and all(each in key for each in labels)
        )


@pytest.fixture(params=["sync", "async"])
def project(request: Any, settings: Any) -> Iterator[Callable[..., Project]]:
    """Return ``project(api, debug=False, **options)``: the project that mounts the API at ``/api/``."""

    def install(api: Any, *, debug: bool = False, more: Any = (), **options: Any) -> Project:
        settings.MATT_OBSERVABILITY = {"METRICS_TOKEN": "t" * 16, **options}
        settings.INSTALLED_APPS = [*dict.fromkeys([*settings.INSTALLED_APPS, APP, *more])]
        settings.DEBUG = debug
        observe_queries()
        importlib.reload(urls)
        urlconf = types.ModuleType("urlconf_of_the_project")
        urlconf.urlpatterns = [path("api/", api.urls), path("", include(urls))]  # type: ignore[attr-defined]
        settings.ROOT_URLCONF = urlconf
        clear_url_caches()
        requests.clear()
        return Project(request.param)

    yield install
    requests.clear()
    current.set(None)
    # The next test imports the URLs with the path of the metrics that the last one has chosen.
    settings.MATT_OBSERVABILITY = {}
    importlib.reload(urls)
    clear_url_caches()
