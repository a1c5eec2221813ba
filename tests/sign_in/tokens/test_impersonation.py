"""Staff with a permission use the API as another user: for a short time, named in the token, without gaining rights."""

from datetime import timedelta
from typing import Any

import jwt
import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from django_matt import sign_in
from django_matt.contrib.tokens.models import Family


@pytest.fixture
def staff(db: None) -> User:
    user = User.objects.create_user("staff", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="impersonate"))
    return user


@pytest.fixture
def impersonate(client: Client, login: Any) -> Any:
    """Return ``impersonate(actor, user)``."""

    def send(actor: User, user: Any, token: str = "") -> Any:
        token = token or login(actor).access_token
        return client.post(
            "/api/tokens/impersonate",
            {"user": str(getattr(user, "pk", user))},
            content_type="application/json",
            headers={"Authorization": f"Bearer {token}"},
        )

    return send


def test_staff_with_the_permission_act_as_a_user(impersonate, me, staff, ada, events):
    answer = impersonate(staff, ada)
    assert answer.status_code == 200
    token = answer.json()["access_token"]
    assert me(token).json() == {"user": ada.pk}
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["act"] == {"sub": str(staff.pk)}
    assert "amr" not in claims
    assert events("impersonation_started") == [ada]
    assert events.all[-1].data["actor"] == str(staff.pk)


def test_an_impersonation_ends_after_its_minutes_also_when_refreshed(
    impersonate, refresh, staff, ada
):
    token = impersonate(staff, ada).json()["refresh_token"]
    family = Family.objects.get(actor=staff)
    assert family.expires_at - family.issued_at == timedelta(minutes=15)
    token = refresh(token).json()["refresh_token"]
    family.refresh_from_db()
    assert family.expires_at - family.issued_at == timedelta(minutes=15)
    Family.objects.filter(actor=staff).update(expires_at=timezone.now())
    assert refresh(token).status_code == 401


@pytest.mark.parametrize("change", [{"is_staff": False}, {"permission": False}])
def test_others_may_not(impersonate, staff, ada, change):
    if not change.pop("permission", True):
        staff.user_permissions.clear()
    User.objects.filter(pk=staff.pk).update(**change or {"is_staff": True})
    assert impersonate(staff, ada).status_code == 403
    assert impersonate(staff, 10**9).status_code == 403, "which users exist is not for everybody"


@pytest.mark.parametrize(
    "change", [{"is_staff": True}, {"is_superuser": True}, {"is_active": False}]
)
def test_nobody_gains_rights(impersonate, staff, ada, change):
    User.objects.filter(pk=ada.pk).update(**change)
    assert impersonate(staff, ada).status_code == 403


def test_nobody_impersonates_the_own_account(impersonate, staff):
    assert impersonate(staff, staff).status_code == 403


def test_who_is_impersonated_impersonates_nobody(impersonate, staff, ada):
    token = impersonate(staff, ada).json()["access_token"]
    assert impersonate(staff, ada, token=token).status_code == 403


@pytest.mark.parametrize("user", ["x", "", str(10**9), str(10**40), "\u0661"])
def test_an_unknown_user_is_not_found(impersonate, staff, user):
    assert impersonate(staff, user).status_code in {403, 404}


@pytest.mark.parametrize(
    "change",
    [{"is_staff": False}, {"is_active": False}, {"password": "x"}, {"permission": False}],
    ids=str,
)
def test_it_ends_with_the_rights_of_who_acts(impersonate, refresh, staff, ada, change):
    token = impersonate(staff, ada).json()["refresh_token"]
    if not change.get("permission", True):
        staff.user_permissions.clear()
    else:
        User.objects.filter(pk=staff.pk).update(**change)
    assert refresh(token).status_code == 401


def test_it_ends_if_the_user_becomes_staff(impersonate, refresh, staff, ada):
    token = impersonate(staff, ada).json()["refresh_token"]
    User.objects.filter(pk=ada.pk).update(is_staff=True)
    assert refresh(token).status_code == 401


def test_it_ends_with_every_login_of_who_acts(impersonate, refresh, staff, ada):
    token = impersonate(staff, ada).json()["refresh_token"]
    sign_in.revoke_tokens(staff)
    assert refresh(token).status_code == 401


def test_ending_it_is_an_event_and_ends_nothing_else(
    client, impersonate, refresh, staff, ada, login, events
):
    adas = login(ada)
    token = impersonate(staff, ada).json()["refresh_token"]
    client.post(
        "/api/tokens/revoke",
        {"refresh_token": token, "everywhere": True},
        content_type="application/json",
    )
    assert refresh(token).status_code == 401
    assert refresh(adas.refresh_token).status_code == 200
    assert events("impersonation_ended") == [ada]


def test_who_is_impersonated_ends_no_logins(client, impersonate, staff, ada, login):
    login(ada)
    pk = Family.objects.get(user=ada, actor=None).pk
    headers = {"Authorization": f"Bearer {impersonate(staff, ada).json()['access_token']}"}
    assert client.delete(f"/api/tokens/logins/{pk}", headers=headers).status_code == 403


def test_routes_see_that_a_request_is_impersonated(client, impersonate, staff, ada, login):
    for token, expected in (
        (impersonate(staff, ada).json()["access_token"], True),
        (login(ada).access_token, False),
    ):
        headers = {"Authorization": f"Bearer {token}"}
        assert client.get("/api/impersonated", headers=headers).json() is expected
