"""The shop of these tests, on every kind of route."""

from typing import Any

import pytest

from tests.sign_in.idempotency.shops import Shop


@pytest.fixture(params=["sync", "async", "asgi"])
def shop(request: pytest.FixtureRequest, serve: Any, db: None) -> Shop:
    return Shop(serve, request.param)


@pytest.fixture
def sync_shop(serve: Any, db: None) -> Shop:
    """For what does not depend on the kind of route."""
    return Shop(serve, "sync")
