"""Keys and the app of organizations together (property 19)."""

import itertools
from typing import Any

import pytest
from django.contrib.auth import get_user_model

from django_matt import MattAPI
from django_matt.authentication import AnyOf, SessionAuthenticator
from django_matt.contrib.api_keys.authentication import ApiKeyAuth

tenants = pytest.importorskip("django_matt.contrib.tenants.models")
pytestmark = pytest.mark.django_db

namespaces = (f"tenant-keys-{number}" for number in itertools.count())
KEYS = "/api/api-keys"


@pytest.fixture
def members(db: Any) -> Any:
    """Ada owns acme, bob is only a viewer there and owns other."""
    ada, bob = (get_user_model().objects.create_user(name) for name in ("ada", "bob"))
    acme = tenants.Organization.objects.create(name="Acme", slug="acme")
    other = tenants.Organization.objects.create(name="Other", slug="other")
    for user, organization, role in (
        (ada, acme, "owner"),
        (bob, acme, "viewer"),
        (bob, other, "owner"),
    ):
        tenants.Membership.objects.create(user=user, organization=organization, role=role)
    return ada, bob


@pytest.fixture
def client(serve: Any, settings: Any) -> Any:
    settings.MATT_API_KEYS = {"ORGANIZATION_ROLE": "member"}
    from django_matt.contrib.tenants.permissions import require_role
    from django_matt.sign_in import current_tenant

    auth = AnyOf(ApiKeyAuth(), SessionAuthenticator())
    api = MattAPI(
        urls_namespace=next(namespaces), auth=auth, extensions=["matt_tenants", "matt_api_keys"]
    )

    @api.get("/sync")
    def sync_route(request: Any) -> Any:
        return {"in": current_tenant(request).slug}

    @api.get("/async")
    async def async_route(request: Any) -> Any:
        from asgiref.sync import sync_to_async

        return {"in": (await sync_to_async(current_tenant)(request)).slug}

    @api.get("/member")
    def member(request: Any) -> Any:
        return {"role": require_role(request, "member").role}

    return serve(api)


def make(client: Any, user: Any, owner: str = "user", slug: str = "acme") -> Any:
    client.force_login(user)
    answer = client.post(
        KEYS,
        {"name": "x", "owner": owner},
        content_type="application/json",
        headers={"X-Tenant": slug},
    )
    client.logout()
    return answer.json().get("key", answer.status_code)


def ask(client: Any, path: str, key: str, slug: str = "acme") -> Any:
    return client.get(f"/api/{path}", headers={"X-API-Key": key, "X-Tenant": slug})


@pytest.mark.parametrize("owner", ["user", "organization"])
def test_19_a_key_of_a_tenant_works_only_there(client: Any, members: Any, owner: str, kind: str):
    ada, _ = members
    key = make(client, ada, owner)
    assert ask(client, kind, key).json() == {"in": "acme"}
    tenants.Membership.objects.create(
        user=ada, organization=tenants.Organization.objects.get(slug="other"), role="owner"
    )
    assert ask(client, kind, key, "other").status_code in {401, 403}


def test_19_a_lost_membership_bites_on_the_next_request(client: Any, members: Any, kind: str):
    _, bob = members
    key = make(client, bob)
    assert ask(client, kind, key).status_code == 200
    tenants.Membership.objects.filter(user=bob, organization__slug="acme").delete()
    assert ask(client, kind, key).status_code in {401, 403}


def test_who_manages_an_organization_makes_its_keys(client: Any, members: Any):
    ada, bob = members
    assert make(client, bob, "organization") == 403
    key = make(client, ada, "organization")
    assert ask(client, "member", key).json() == {"role": "member"}
    # It does not need the members who are there today.
    tenants.Membership.objects.filter(user=ada).delete()
    assert ask(client, "member", key).status_code == 200


def test_19_a_key_for_every_tenant_is_not_managed_from_within_one(client: Any, members: Any):
    ada, _ = members
    client.force_login(ada)
    everywhere = client.post(KEYS, {"name": "x"}, content_type="application/json").json()["id"]
    within = {"X-Tenant": "acme"}
    assert client.get(KEYS, headers=within).json() == []
    assert (
        client.post(
            f"{KEYS}/{everywhere}/rotate", {}, content_type="application/json", headers=within
        ).status_code
        == 404
    )
    assert client.delete(f"{KEYS}/{everywhere}", headers=within).status_code == 404
    assert [each["id"] for each in client.get(KEYS).json()] == [everywhere]
