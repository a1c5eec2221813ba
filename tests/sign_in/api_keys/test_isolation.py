"""Every route of keys and of the audit log, called as everybody who must not get an answer."""

import itertools
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone

from django_matt import MattAPI
from django_matt.authentication import AnyOf, SessionAuthenticator
from django_matt.contrib.api_keys.authentication import ApiKeyAuth
from django_matt.contrib.api_keys.models import ApiKey
from django_matt.contrib.api_keys.owners import Owner
from django_matt.contrib.api_keys.services import create_key
from django_matt.testing import MattClient
from django_matt.testing.isolation import Actor, assert_isolated

pytestmark = pytest.mark.django_db

namespaces = (f"isolated-keys-{number}" for number in itertools.count())


def test_nobody_gets_the_keys_and_events_of_others(serve: Any):
    api = MattAPI(
        urls_namespace=next(namespaces),
        auth=AnyOf(ApiKeyAuth(), SessionAuthenticator()),
        extensions=["matt_api_keys", "matt_audit"],
    )

    @api.get("/keys/{key_id}", operation_id="read_key")
    async def read_key(request: Any, key_id: str) -> Any:
        return {"name": (await ApiKey.objects.aget(public_id=key_id, user=request.user)).name}

    serve(api)
    ada, bob = (get_user_model().objects.create_user(name) for name in ("ada", "bob"))
    root = get_user_model().objects.create_superuser("root")
    key, _ = create_key(Owner(ada), name="the deployment of ada")
    revoked, revoked_text = create_key(Owner(ada), name="old")
    ApiKey.objects.filter(pk=revoked.pk).update(revoked_at=timezone.now())
    owner, other, staff = MattClient(), MattClient(), MattClient()
    owner.sign_in(ada)
    other.sign_in(bob)
    staff.sign_in(root)
    assert_isolated(
        api,
        owner=owner,
        actors={
            "other": Actor(client=other, has_own_rows=True),
            "other_key": Actor(
                headers={"X-API-Key": create_key(Owner(bob), name="x")[1]}, has_own_rows=True
            ),
            "staff": Actor(client=staff, has_own_rows=True, may={"list_security_events"}),
            "revoked": {"X-API-Key": revoked_text},
        },
        objects={"key_id": key.public_id},
        secrets=["the deployment of ada"],
        untested={"list_security_events"},
    )
