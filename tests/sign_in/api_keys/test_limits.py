"""Keys and the app of rate limits together."""

import itertools
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model

from django_matt import MattAPI
from django_matt.contrib.api_keys.authentication import ApiKeyAuth
from django_matt.contrib.api_keys.owners import Owner
from django_matt.contrib.api_keys.services import create_key, rotate_key

limits = pytest.importorskip("django_matt.contrib.rate_limits.limits")
pytestmark = pytest.mark.django_db

namespaces = (f"limited-keys-{number}" for number in itertools.count())


@pytest.mark.parametrize("owned_by", ["user", "organization"])
def test_each_key_has_its_own_limit_and_shares_it_with_its_successor(
    serve: Any, kind: str, owned_by: str, monkeypatch: pytest.MonkeyPatch
):
    for config in apps.get_app_configs():
        if hasattr(config, "resolve_tenant"):
            monkeypatch.setattr(config, "resolve_tenant", lambda request: None)
    api = MattAPI(urls_namespace=next(namespaces), extensions=["matt_rate_limits"])
    limit, auth = limits.rate_limit("2/hour", by="key"), ApiKeyAuth()

    @api.get("/sync", auth=auth)
    @limit
    def sync_route(request: Any) -> Any:
        return {}

    @api.get("/async", auth=auth)
    @limit
    async def async_route(request: Any) -> Any:
        return {}

    client = serve(api)

    def ask(text: str) -> int:
        return int(client.get(f"/api/{kind}", headers={"X-API-Key": text}).status_code)

    user = get_user_model().objects.create_user("ada") if owned_by == "user" else None
    owner = Owner(user, "" if user else "7")
    key, text = create_key(owner, name="one")
    _, other = create_key(owner, name="two")
    assert [ask(text), ask(text), ask(text)] == [200, 200, 429]
    assert ask(other) == 200
    _, successor = rotate_key(key)
    assert ask(successor) == 429
