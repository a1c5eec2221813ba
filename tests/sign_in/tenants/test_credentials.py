"""Property 19 with the real apps of API keys and tokens: a credential of one organization works in no other one."""

from time import time
from typing import Any

import pytest
from django.test import Client

from django_matt import MattAPI
from django_matt.authentication import AnyOf, SessionAuthenticator
from django_matt.contrib.audit.models import SecurityEvent
from django_matt.contrib.tenants.identity_providers import new_provider_id
from django_matt.contrib.tenants.models import IdentityProvider, Membership
from tests.sign_in.tenants.conftest import names
from tests.sign_in.tenants.models import Book

pytest.importorskip("django_matt.contrib.api_keys")
pytest.importorskip("django_matt.contrib.tokens")

from django_matt.contrib.api_keys.authentication import ApiKeyAuth
from django_matt.contrib.tokens.authentication import TokenAuth
from django_matt.sign_in import issue_tokens, may_manage_tenant

RED, BLUE = {"X-Tenant": "red"}, {"X-Tenant": "blue"}


@pytest.fixture
def client(serve, world):
    """A client of an API with sessions, keys and tokens; Ada is a member of both organizations."""
    api = MattAPI(
        urls_namespace=next(names),
        extensions=["matt_tenants", "matt_api_keys", "matt_tokens"],
        auth=AnyOf(ApiKeyAuth(), TokenAuth(), SessionAuthenticator()),
    )

    @api.get("/sync")
    def sync(request):
        return [book.title for book in Book.objects.order_by("pk")]

    @api.get("/async")
    async def asynchronous(request):
        return [book.title async for book in Book.objects.order_by("pk")]

    @api.get("/manages")
    def manages(request):
        return [may_manage_tenant(request, world[name].organization) for name in ("red", "blue")]

    @api.post("/issue")
    def issue(request):
        issued = issue_tokens(request, request.user)
        return {
            "token": issued and issued.access_token,
            "refresh": issued and issued.refresh_token,
        }

    Membership.objects.create(
        user=world["red"].user, organization=world["blue"].organization, role="member"
    )
    made = serve(api)
    made.force_login(world["red"].user)
    return made


def works_in_red_alone(world: Any, credential: dict[str, str]) -> None:
    client = Client(raise_request_exception=False)
    for url in ("/api/sync", "/api/async"):
        for named in ({}, RED):
            assert client.get(url, headers={**credential, **named}).json() == ["red 0", "red 1"]
        assert client.get(url, headers={**credential, **BLUE}).status_code in {401, 403}
    assert client.get("/api/organizations/blue/members", headers=credential).status_code == 403
    Membership.objects.filter(
        user=world["red"].user, organization=world["red"].organization
    ).delete()
    for url in ("/api/sync", "/api/async"):
        assert client.get(url, headers={**credential, **RED}).status_code in {401, 403}


def test_19_a_key_of_one_organization(client, world):
    made = client.post(
        "/api/api-keys",
        {"name": "robot", "scopes": []},
        content_type="application/json",
        headers=RED,
    )
    assert made.status_code == 201, made.content
    works_in_red_alone(world, {"X-API-Key": made.json()["key"]})


def test_19_a_token_of_one_organization(client, world):
    token = client.post("/api/issue", headers=RED).json()["token"]
    works_in_red_alone(world, {"Authorization": f"Bearer {token}"})


def test_who_may_manage_what_belongs_to_an_organization(client):
    assert client.get("/api/manages").json() == [True, False]
    client.logout()
    assert client.get("/api/manages").status_code == 401


def make_key(client: Client, **more: Any) -> dict[str, str]:
    headers = more.pop("headers", {})
    made = client.post(
        "/api/api-keys",
        {"name": "robot", "scopes": [], **more},
        content_type="application/json",
        headers=headers,
    )
    assert made.status_code == 201, made.content
    return {"X-API-Key": made.json()["key"]}


def make_token(client: Client, headers: dict[str, str]) -> tuple[dict[str, str], str]:
    issued = client.post("/api/issue", headers=headers).json()
    return {"Authorization": f"Bearer {issued['token']}"}, issued["refresh"]


def status(credential: dict[str, str], tenant: dict[str, str]) -> int:
    client = Client(raise_request_exception=False)
    found = {client.get(url, headers={**credential, **tenant}).status_code for url in ("/api/sync", "/api/async")}  # fmt: skip
    assert len(found) == 1
    return found.pop()


def demand_single_sign_on(client: Client, world: Any) -> Any:
    """Sign Ada in by the provider of red, and turn "SSO only" on."""
    red = world["red"].organization
    provider, _ = IdentityProvider.objects.get_or_create(
        organization=red,
        defaults={
            "provider_id": new_provider_id(red),
            "issuer": "https://login.red.example",
            "client_id": "c",
        },
    )
    session = client.session
    session["account_authentication_methods"] = [
        {"method": "socialaccount", "provider": provider.provider_id, "at": time()}
    ]
    session.save()
    return client.put(
        "/api/organizations/red/identity-provider",
        {"issuer": provider.issuer, "client_id": "c", "sso_only": True},
        content_type="application/json",
    )


def test_single_sign_on_alone_ends_what_members_got_by_other_ways(client, world):
    red = world["red"].organization
    keys = {name: make_key(client, headers=named) for name, named in (("red", RED), ("blue", BLUE))}
    tokens = {name: make_token(client, named) for name, named in (("red", RED), ("blue", BLUE))}
    robot = make_key(client, owner="organization", headers=RED)
    for name, named in (("red", RED), ("blue", BLUE)):
        assert [status(keys[name], named), status(tokens[name][0], named)] == [200, 200]

    assert demand_single_sign_on(client, world).status_code == 200
    assert [status(keys["red"], RED), status(tokens["red"][0], RED)] == [401, 401]
    assert [status(keys["blue"], BLUE), status(tokens["blue"][0], BLUE)] == [200, 200]
    assert status(robot, RED) == 200
    for name, expected in (("red", 401), ("blue", 200)):
        refreshed = Client().post(
            "/api/tokens/refresh",
            {"refresh_token": tokens[name][1]},
            content_type="application/json",
        )
        assert refreshed.status_code == expected
    for event in ("tokens_revoked", "key_revoked"):
        assert SecurityEvent.objects.get(name=event).tenant_id == str(red.pk)

    # Who has signed in by the provider gets new ones, which stay.
    token, key = make_token(client, RED)[0], make_key(client, headers=RED)
    assert demand_single_sign_on(client, world).status_code == 200
    assert [status(key, RED), status(token, RED)] == [200, 200]
