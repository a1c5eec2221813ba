"""An API of a project that has the app installed, asked by a sync and by an async client."""

from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from django_matt import MattAPI

HEALTH = "django_matt.contrib.health"
CHECKED = "tests.contrib.health.apps.CheckedConfig"


@pytest.fixture(params=["sync", "async"])
def healthy(request: Any, serve: Any, settings: Any) -> Callable[..., Any]:
    """Return ``healthy(*apps, api=None, **options)``: ``ask(path, method="get")`` of an API of such a project."""

    def install(*more: str, api: Any = None, **options: Any) -> Callable[..., Any]:
        settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, HEALTH, *more]
        settings.MATT_HEALTH = options
        client = serve(api or MattAPI())

        def ask(path: str, method: str = "get", **headers: str) -> Any:
            if request.param == "sync":
                return getattr(client, method)(f"/api{path}", headers=headers)
            send = getattr(client.async_client, method)
            return async_to_sync(send)(f"/api{path}", headers=headers)

        return ask

    return install
