"""An API with the routes that manage keys, and routes that need a key, sync and async."""

import itertools
from typing import Any

import pytest
from django.contrib.auth import get_user_model

from django_matt import MattAPI
from django_matt.authentication import AnyOf, SessionAuthenticator
from django_matt.contrib.api_keys.authentication import ApiKeyAuth

namespaces = (f"keys-{number}" for number in itertools.count())


def rights_of_ada(owner: Any) -> Any:
    """The scopes of a user: what the first name says, so that a test can change it."""
    return None if owner.user is None else owner.user.first_name.split()


def is_manager(request: Any, tenant: Any) -> bool:
    return bool(request.user.is_staff)


def make_api() -> MattAPI:
    api = MattAPI(urls_namespace=next(namespaces), extensions=["matt_api_keys"])

    @api.get("/sync", auth=ApiKeyAuth())
    def sync_route(request: Any) -> Any:
        return {"user": request.user.get_username(), "scopes": sorted(request.auth.scopes)}

    @api.get("/async", auth=ApiKeyAuth())
    async def async_route(request: Any) -> Any:
        scopes = await request.auth.aload_scopes()
        return {"user": request.user.get_username(), "scopes": sorted(scopes)}

    @api.post("/sync/write", auth=ApiKeyAuth(scopes=["books:write"]))
    def sync_write(request: Any) -> Any:
        return {"id": request.auth.id}

    @api.post("/async/write", auth=ApiKeyAuth(scopes=["books:write"]))
    async def async_write(request: Any) -> Any:
        return {"id": request.auth.id}

    @api.post("/sync/any", auth=AnyOf(SessionAuthenticator(), ApiKeyAuth()))
    def sync_any(request: Any) -> Any:
        return {"user": request.user.get_username()}

    @api.post("/async/any", auth=AnyOf(SessionAuthenticator(), ApiKeyAuth()))
    async def async_any(request: Any) -> Any:
        return {"user": request.user.get_username()}

    return api


@pytest.fixture(params=["sync", "async"])
def kind(request: Any) -> str:
    """Whether the route is a ``def`` or an ``async def``."""
    return str(request.param)


@pytest.fixture
def api() -> MattAPI:
    return make_api()


@pytest.fixture
def client(serve: Any, api: MattAPI, settings: Any) -> Any:
    settings.MATT_API_KEYS = {
        "ALLOWED_SCOPES": "tests.sign_in.api_keys.conftest.rights_of_ada",
        "MANAGES_ORGANIZATION": "tests.sign_in.api_keys.conftest.is_manager",
    }
    return serve(api)


@pytest.fixture
def ada(db: Any) -> Any:
    """A user who may read and write books."""
    return get_user_model().objects.create_user(
        "ada", "ada@example.com", "pw", first_name="books:read books:write"
    )
