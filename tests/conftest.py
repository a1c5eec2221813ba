"""``serve``: an API over the whole Django stack."""

import types
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import AsyncClient, Client
from django.urls import clear_url_caches, path

_BRING_THEIR_OWN = {"e2e", "examples"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run once what starts servers with databases of its own: it tests both, whichever the suite runs on."""
    for item in items:
        if _BRING_THEIR_OWN & set(item.path.parts) or item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.once)


@pytest.fixture
def serve(settings: Any, request: pytest.FixtureRequest) -> Iterator[Callable[..., Client]]:
    """Return ``serve(api, prefix="api/", **more)``: mount APIs by prefix, get a client that keeps 500s as answers."""

    def mount(api: Any, prefix: str = "api/", **more: Any) -> Client:
        urlconf = types.ModuleType(f"urlconf_{id(api)}")
        urlconf.urlpatterns = [path(prefix, api.urls), *(path(k, v.urls) for k, v in more.items())]  # type: ignore[attr-defined]
        settings.ROOT_URLCONF = urlconf
        clear_url_caches()
        client = Client(raise_request_exception=False)
        client.async_client = AsyncClient(raise_request_exception=False)  # type: ignore[attr-defined]
        return client

    yield mount
    clear_url_caches()
