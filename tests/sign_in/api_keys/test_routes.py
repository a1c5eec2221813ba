"""The routes that manage keys, the command, the admin and the checks."""

import datetime
import io
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from django.utils import timezone

from django_matt import MattAPI
from django_matt.authentication import BearerAuthenticator
from django_matt.contrib.api_keys.authentication import ApiKeyAuth
from django_matt.contrib.api_keys.controllers import make_controller
from django_matt.contrib.api_keys.models import ApiKey
from django_matt.contrib.api_keys.owners import Owner
from django_matt.contrib.api_keys.services import create_key, revoke_keys

pytestmark = pytest.mark.django_db
KEYS = "/api/api-keys"


@pytest.fixture
def signed_in(client: Any, ada: Any) -> Any:
    client.force_login(ada)
    return client


def post(client: Any, path: str, data: Any = None, **options: Any) -> Any:
    return client.post(path, data, content_type="application/json", **options)


def works(client: Any, text: str) -> bool:
    return bool(client.get("/api/sync", headers={"X-API-Key": text}).status_code == 200)


def test_a_key_is_shown_once(signed_in: Any, ada: Any):
    made = post(signed_in, KEYS, {"name": "ci", "scopes": ["books:read"]})
    assert made.status_code == 201, made.content
    assert made.headers["Cache-Control"] == "no-store"
    text = made.json()["key"]
    assert works(signed_in, text)
    listed = signed_in.get(KEYS)
    assert [each["id"] for each in listed.json()] == [made.json()["id"]]
    assert text.split("_")[3] not in listed.content.decode()
    row = ApiKey.objects.get()
    assert (row.user, row.created_by, row.tenant_id) == (ada, ada, "")


def test_a_key_expires_after_the_longest_lifetime_or_earlier(signed_in: Any):
    now = timezone.now()
    post(signed_in, KEYS, {"name": "long"})
    post(signed_in, KEYS, {"name": "short", "expires_in_days": 1})
    lifetimes = {key.name: (key.expires_at - now).days for key in ApiKey.objects.all()}  # type: ignore[operator]
    assert lifetimes == {"long": 365, "short": 1}
    refused = post(signed_in, KEYS, {"name": "longer", "expires_in_days": 366})
    assert refused.status_code == 422


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": ""},
        {"name": "  "},
        {"name": "x" * 101},
        {"name": "x", "scopes": ["a b"]},
        {"name": "x", "scopes": ["books:delete"]},
        {"name": "x", "scopes": ["s"] * 101},
        {"name": "x", "expires_in_days": 0},
        {"name": "x", "expires_in_days": 10**30},
        {"name": "x", "owner": "everybody"},
        {"name": "x", "user": 1},
        {"name": "x\x00"},
        {"name": "\ud800"},
        [],
        None,
    ],
)
def test_invalid_bodies_are_a_422(signed_in: Any, body: Any):
    assert post(signed_in, KEYS, body).status_code in {400, 422}
    assert not ApiKey.objects.exists()


def test_22_nobody_gives_a_key_more_than_they_may_do(signed_in: Any):
    refused = post(signed_in, KEYS, {"name": "x", "scopes": ["books:read", "books:delete"]})
    assert refused.status_code == 422
    assert "books:delete" in refused.json()["detail"]


def test_the_number_of_keys_is_limited(signed_in: Any, settings: Any):
    settings.MATT_API_KEYS = {**settings.MATT_API_KEYS, "MAX_KEYS": 2}
    statuses = [post(signed_in, KEYS, {"name": "x"}).status_code for _ in range(3)]
    assert statuses == [201, 201, 409]
    signed_in.delete(f"{KEYS}/{ApiKey.objects.first().public_id}")  # type: ignore[union-attr]
    assert post(signed_in, KEYS, {"name": "x"}).status_code == 201


def test_only_a_session_may_manage_keys(client: Any, ada: Any):
    key, text = create_key(Owner(ada), name="ci")
    header = {"X-API-Key": text}
    assert client.get(KEYS, headers=header).status_code == 401
    assert post(client, KEYS, {"name": "child"}, headers=header).status_code == 401
    assert client.delete(f"{KEYS}/{key.public_id}", headers=header).status_code == 401


def test_the_session_needs_a_csrf_token(client: Any, ada: Any):
    from django.test import Client

    strict = Client(enforce_csrf_checks=True)
    strict.force_login(ada)
    assert post(strict, KEYS, {"name": "x"}).status_code == 403
    assert not ApiKey.objects.exists()


def test_a_rotated_key_works_until_its_end(signed_in: Any, ada: Any):
    old = post(signed_in, KEYS, {"name": "ci", "scopes": ["books:read"]}).json()
    rotated = post(signed_in, f"{KEYS}/{old['id']}/rotate")
    assert rotated.status_code == 201, rotated.content
    new = rotated.json()
    assert new["id"] != old["id"]
    assert (new["name"], new["scopes"]) == ("ci", ["books:read"])
    assert works(signed_in, old["key"])
    assert works(signed_in, new["key"])
    row = ApiKey.objects.get(public_id=old["id"])
    assert row.expires_at is not None
    assert row.expires_at - timezone.now() < datetime.timedelta(days=7)
    assert row.successor.public_id == new["id"]
    assert row.successor.family == row.family
    ApiKey.objects.filter(pk=row.pk).update(expires_at=timezone.now())
    assert not works(signed_in, old["key"])
    assert works(signed_in, new["key"])


def test_rotation_without_overlap_ends_the_old_key_at_once(signed_in: Any):
    old = post(signed_in, KEYS, {"name": "ci"}).json()
    path = f"{KEYS}/{old['id']}/rotate"
    assert post(signed_in, path, {"overlap_seconds": 10**7}).status_code == 422
    assert post(signed_in, path, {"overlap_seconds": 0}).status_code == 201
    assert not works(signed_in, old["key"])


def test_rotation_does_not_extend_a_key_that_ends_earlier(signed_in: Any):
    old = post(signed_in, KEYS, {"name": "ci", "expires_in_days": 1}).json()
    post(signed_in, f"{KEYS}/{old['id']}/rotate")
    row = ApiKey.objects.get(public_id=old["id"])
    assert row.expires_at is not None
    assert row.expires_at - row.created_at == datetime.timedelta(days=1)
    assert row.successor.expires_at - row.successor.created_at == datetime.timedelta(days=1)


def test_a_key_is_rotated_once(signed_in: Any):
    old = post(signed_in, KEYS, {"name": "ci"}).json()
    statuses = [post(signed_in, f"{KEYS}/{old['id']}/rotate").status_code for _ in range(3)]
    assert statuses == [201, 409, 409]


def test_a_revoked_key_stops_at_once(signed_in: Any):
    made = post(signed_in, KEYS, {"name": "ci"}).json()
    assert works(signed_in, made["key"])
    assert signed_in.delete(f"{KEYS}/{made['id']}").status_code == 204
    assert not works(signed_in, made["key"])
    assert signed_in.delete(f"{KEYS}/{made['id']}").status_code == 204
    assert post(signed_in, f"{KEYS}/{made['id']}/rotate").status_code == 409


def test_the_keys_of_others_are_not_found(signed_in: Any):
    bob = get_user_model().objects.create_user("bob")
    key, text = create_key(Owner(bob), name="bobs")
    assert signed_in.get(KEYS).json() == []
    assert signed_in.delete(f"{KEYS}/{key.public_id}").status_code == 404
    assert post(signed_in, f"{KEYS}/{key.public_id}/rotate").status_code == 404
    assert signed_in.delete(f"{KEYS}/unknown").status_code == 404
    assert works(signed_in, text)


@pytest.mark.parametrize("key_id", ["%00", "x" * 5_000, "%ED%A0%80", "..", "1%20OR%201=1", "é"])
def test_hostile_ids_are_not_found(signed_in: Any, key_id: str):
    assert signed_in.delete(f"{KEYS}/{key_id}").status_code in {400, 404}
    assert post(signed_in, f"{KEYS}/{key_id}/rotate").status_code in {400, 404}


def test_staff_that_acts_as_a_user_creates_no_keys(serve: Any, ada: Any, settings: Any):
    class Acting(BearerAuthenticator):
        def authenticate(self, request: Any, credentials: Any) -> Any:
            return SimpleNamespace(user=ada, actor_id=1)

    api = MattAPI(extensions=[])
    api.register_controllers(make_controller(auth=Acting()))
    client = serve(api)
    key, _ = create_key(Owner(ada), name="x")
    header = {"Authorization": "Bearer x"}
    assert client.get(KEYS, headers=header).status_code == 200
    assert post(client, KEYS, {"name": "x"}, headers=header).status_code == 403
    assert post(client, f"{KEYS}/{key.public_id}/rotate", headers=header).status_code == 403


# ---- organizations ----


@pytest.fixture
def offer(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return ``offer(name, function)``: an app has this method, and those that have it already do the same."""

    def put(name: str, function: Any) -> None:
        offering = [each for each in apps.get_app_configs() if hasattr(each, name)]
        for config in offering or [apps.get_app_config("matt_api_keys")]:
            monkeypatch.setattr(config, name, function, raising=False)

    return put


@pytest.fixture
def tenant(offer: Any) -> Any:
    """The tenant of every request, as an app that knows tenants says it; ``pk`` may be changed."""
    found = SimpleNamespace(pk=7)
    offer("resolve_tenant", lambda request: found)
    offer("may_manage_tenant", lambda request, tenant: False)
    return found


def test_a_manager_makes_keys_of_the_organization(signed_in: Any, ada: Any, tenant: Any):
    body = {"name": "sync", "owner": "organization", "scopes": ["books:read"]}
    assert post(signed_in, KEYS, body).status_code == 403
    assert signed_in.get(f"{KEYS}?owner=organization").status_code == 403
    ada.is_staff = True
    ada.save()
    made = post(signed_in, KEYS, body)
    assert made.status_code == 201, made.content
    assert made.json()["owner_kind"] == "organization"
    listed = signed_in.get(f"{KEYS}?owner=organization").json()
    assert [each["id"] for each in listed] == [made.json()["id"]]
    answer = signed_in.get("/api/sync", headers={"X-API-Key": made.json()["key"]})
    assert answer.json() == {"user": "", "scopes": ["books:read"]}
    # It is not the user's: the organization keeps it.
    ada.is_active = False
    ada.save()
    assert works(signed_in, made.json()["key"])


def test_22_a_manager_gives_a_key_of_the_organization_only_their_own_scopes(
    signed_in: Any, ada: Any, tenant: Any
):
    ada.is_staff = True
    ada.save()
    body = {"name": "sync", "owner": "organization", "scopes": ["books:delete"]}
    assert post(signed_in, KEYS, body).status_code == 422


def test_a_key_works_in_its_own_tenant_only(signed_in: Any, ada: Any, tenant: Any, kind: str):
    ada.is_staff = True
    ada.save()
    keys = [
        post(signed_in, KEYS, {"name": "x", "owner": owner}).json()
        for owner in ("user", "organization")
    ]
    for each in keys:
        header = {"X-API-Key": each["key"]}
        tenant.pk = 7
        assert signed_in.get(f"/api/{kind}", headers=header).status_code == 200
        tenant.pk = 8
        assert signed_in.get(f"/api/{kind}", headers=header).status_code == 401
        assert signed_in.delete(f"{KEYS}/{each['id']}").status_code == 404


def test_the_app_that_knows_tenants_may_say_who_manages_them(
    signed_in: Any, tenant: Any, settings: Any, offer: Any
):
    settings.MATT_API_KEYS = {"ALLOWED_SCOPES": "tests.sign_in.api_keys.conftest.rights_of_ada"}
    body = {"name": "x", "owner": "organization"}
    for may, status in ((False, 403), (True, 201)):
        offer("may_manage_tenant", lambda request, tenant, may=may: may)
        assert post(signed_in, KEYS, body).status_code == status


def test_an_app_that_knows_tenants_sees_whose_key_it_is(
    signed_in: Any, tenant: Any, kind: str, offer: Any
):
    seen: list[Any] = []

    def resolve(request: Any) -> Any:
        seen.append((request.auth.tenant_id, request.user.get_username()))
        return tenant

    made = post(signed_in, KEYS, {"name": "x"}).json()
    offer("resolve_tenant", resolve)
    answer = signed_in.get(f"/api/{kind}", headers={"X-API-Key": made["key"]})
    assert answer.status_code == 200
    assert seen == [("7", "ada")]


def test_all_keys_of_an_organization_are_revoked_together(client: Any, offer: Any):
    offer("resolve_tenant", lambda request: None)
    made = [create_key(Owner(None, "7"), name="x")[1] for _ in range(2)]
    other = create_key(Owner(None, "8"), name="x")[1]
    assert revoke_keys(Owner(None, "7")) == 2
    assert [works(client, text) for text in (*made, other)] == [False, False, True]


# ---- keys that make keys ----


def test_22_a_key_gives_another_key_only_its_own_scopes(serve: Any, ada: Any, settings: Any):
    settings.MATT_API_KEYS = {
        "ALLOWED_SCOPES": "tests.sign_in.api_keys.conftest.rights_of_ada",
        "PATH": None,
    }
    api = MattAPI(extensions=["matt_api_keys"])
    api.register_controllers(make_controller(auth=ApiKeyAuth()))
    client = serve(api)
    _, text = create_key(Owner(ada), name="x", scopes=["books:read"])
    header = {"X-API-Key": text}
    body = {"name": "y", "scopes": ["books:write"]}
    assert post(client, KEYS, body, headers=header).status_code == 422
    assert post(client, KEYS, {**body, "scopes": []}, headers=header).status_code == 201
    # Nor does it get a stronger key by rotating one.
    strong, _ = create_key(Owner(ada), name="x", scopes=["books:write"])
    assert post(client, f"{KEYS}/{strong.public_id}/rotate", headers=header).status_code == 403
    itself = text.split("_")[2]
    assert post(client, f"{KEYS}/{itself}/rotate", headers=header).status_code == 201
    _, text = create_key(Owner(None, "7"), name="x")
    assert post(client, KEYS, body, headers={"X-API-Key": text}).status_code == 403


# ---- events ----


def test_what_happens_to_keys_is_recorded(
    signed_in: Any, ada: Any, monkeypatch: pytest.MonkeyPatch
):
    events: list[Any] = []
    config = apps.get_app_config("matt_api_keys")
    monkeypatch.setattr(config, "record_security_event", events.append, raising=False)
    made = post(signed_in, KEYS, {"name": "ci"}).json()
    post(signed_in, f"{KEYS}/{made['id']}/rotate")
    signed_in.delete(f"{KEYS}/{made['id']}")
    signed_in.delete(f"{KEYS}/{made['id']}")
    assert [each.name for each in events] == ["key_created", "key_rotated", "key_revoked"]
    assert all(each.user == ada and each.data["key"] == made["id"] for each in events)
    assert made["key"].split("_")[3] not in str(events)


# ---- command, admin, checks ----


def run(*arguments: str) -> str:
    out, err = io.StringIO(), io.StringIO()
    call_command("matt_api_keys", *arguments, stdout=out, stderr=err)
    return out.getvalue()


def test_the_command_creates_lists_and_revokes(client: Any, ada: Any):
    text = run("create", "--user", "ada", "--name", "ci", "--scope", "books:read").strip()
    assert works(client, text)
    key = ApiKey.objects.get()
    listed = run("list", "--user", "ada")
    assert key.public_id in listed
    assert "books:read" in listed
    assert key.public_id in run("list")
    assert "Revoked" in run("revoke", key.public_id, "--no-input")
    assert not works(client, text)
    assert "already" in run("revoke", key.public_id, "--no-input")


@pytest.mark.parametrize(
    "arguments",
    [
        ("create", "--user", "nobody", "--name", "x"),
        ("create", "--user", "ada", "--name", "x", "--scope", "books:delete"),
        ("create", "--user", "ada", "--name", "x", "--days", "400"),
        ("create", "--user", "ada", "--name", "x", "--days", "0"),
        ("revoke", "unknown", "--no-input"),
    ],
)
def test_the_command_refuses_what_is_wrong(client: Any, ada: Any, arguments: Any):
    with pytest.raises(CommandError):
        run(*arguments)
    assert not ApiKey.objects.exists()


def ids(**options: Any) -> list[str | None]:
    return [
        each.id for each in run_checks(**options) if (each.id or "").startswith("matt_api_keys")
    ]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({}, []),
        ({"PREFIX": "My Shop"}, ["E001"]),
        ({"HEADER": "Cookie"}, ["E001"]),
        ({"UNKNOWN": 1}, ["E001"]),
        ({"AUTH": ["no.such.Thing"]}, ["E001"]),
        ({"ALLOWED_SCOPES": "no.such.thing"}, ["E001"]),
        ({"AUTH": ["django_matt.contrib.api_keys.authentication.ApiKeyAuth"]}, ["W001"]),
    ],
)
def test_wrong_settings_are_reported(settings_module: Any, given: dict[str, Any], found: list[str]):
    from django_matt.settings import _forget

    settings_module("MATT_API_KEYS", given)
    _forget(setting="MATT_API_KEYS")
    assert ids() == [f"matt_api_keys.{each}" for each in found]


def test_unsafe_settings_are_reported_before_a_deployment(settings: Any):
    deploy = {"include_deployment_checks": True}
    settings.MATT_API_KEYS = {"PREFIX": "shop"}
    assert ids(**deploy) == []
    settings.MATT_API_KEYS = {"MAX_LIFETIME": None}
    assert ids(**deploy) == ["matt_api_keys.W002", "matt_api_keys.W003"]
