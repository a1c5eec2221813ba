"""Test clients for your own tests, sync and async, with pytest fixtures. They send requests through all of Django."""

from django_matt.testing.clients import (
    AsyncMattClient,
    MattClient,
    TestAsyncClient,
    TestClient,
    TestResponse,
)

__all__ = ["AsyncMattClient", "MattClient", "TestAsyncClient", "TestClient", "TestResponse"]

try:
    import pytest
except ImportError:  # the clients work with unittest too
    pass
else:

    @pytest.fixture
    def matt_client() -> MattClient:
        """Return a client for the project's own URLs."""
        return MattClient()

    @pytest.fixture
    def async_matt_client() -> AsyncMattClient:
        """Return an async client for the project's own URLs."""
        return AsyncMattClient()

    __all__ += ["async_matt_client", "matt_client"]
