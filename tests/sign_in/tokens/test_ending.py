"""Properties 13 and 14: what ends a login, and how soon its tokens stop."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.db import connection, connections
from django.test import Client

from django_matt import sign_in
from django_matt.contrib.tokens.endings import open_families
from django_matt.contrib.tokens.models import Family
from django_matt.contrib.tokens.verification import verifier


def deactivate(user):
    user.is_active = False
    user.save()


def deactivate_by_update(user):
    User.objects.filter(pk=user.pk).update(is_active=False)


def change_password(user):
    user.set_password("another")
    user.save()


def change_password_by_update(user):
    User.objects.filter(pk=user.pk).update(password="another")


def delete(user):
    user.delete()


def revoke(user):
    assert sign_in.revoke_tokens(user) == 1


WAYS = [
    deactivate,
    deactivate_by_update,
    change_password,
    change_password_by_update,
    delete,
    revoke,
]


@pytest.fixture
def later(monkeypatch):
    """Return ``later(seconds)``: move the clock of the verification."""
    clock, monotonic = time.time, time.monotonic

    class Clock:
        seconds = 0.0
        time = staticmethod(lambda: clock() + Clock.seconds)
        monotonic = staticmethod(lambda: monotonic() + Clock.seconds)

    for module in ("keys", "verification"):
        monkeypatch.setattr(f"django_matt.contrib.tokens.{module}.time", Clock)

    def move(seconds):
        Clock.seconds += seconds

    return move


@pytest.mark.parametrize("end", WAYS)
def test_refresh_stops_at_once(refresh, login, ada, end):
    """Properties 13 and 14."""
    token = login(ada).refresh_token
    end(ada)
    assert refresh(token).status_code == 401


@pytest.mark.parametrize("end", WAYS)
def test_access_stops_within_seconds(me, login, ada, end, later):
    """Properties 13 and 14: within REVOCATION_SECONDS in every process, whoever has the token in its cache."""
    token = login(ada).access_token
    assert me(token).status_code == 200
    end(ada)
    later(10.1)
    assert me(token).status_code == 401
    assert me(token).status_code == 401


def test_access_may_go_on_until_then_in_another_process(me, login, ada, later):
    token = login(ada).access_token
    assert me(token).status_code == 200
    deactivate_by_update(ada)
    later(5)
    assert me(token).status_code == 200


@pytest.mark.parametrize("end", [deactivate, change_password, revoke])
def test_access_stops_at_once_in_the_process_that_ends_the_login(me, login, ada, end):
    token = login(ada).access_token
    assert me(token).status_code == 200
    end(ada)
    assert me(token).status_code == 401


def test_with_zero_seconds_access_stops_at_once(me, login, ada, settings):
    settings.MATT_TOKENS = {"REVOCATION_SECONDS": 0}
    token = login(ada).access_token
    assert me(token).status_code == 200
    deactivate_by_update(ada)
    assert me(token).status_code == 401


def test_a_login_is_looked_up_once_per_period(me, login, ada, later, django_assert_num_queries):
    token = login(ada).access_token
    later(60)
    with django_assert_num_queries(2):  # the key ring and the login
        me(token)
    for _ in range(3):
        with django_assert_num_queries(0):
            assert me(token).status_code == 200


def test_a_reactivated_user_signs_in_again(refresh, login, ada):
    token = login(ada).refresh_token
    deactivate(ada)
    ada.is_active = True
    ada.save()
    assert refresh(token).status_code == 401


def test_a_user_who_is_only_saved_keeps_the_login(refresh, login, ada):
    token = login(ada).refresh_token
    ada.first_name = "Ada"
    ada.save()
    assert refresh(token).status_code == 200


def test_a_login_survives_a_rotated_secret_key(refresh, me, login, ada, settings):
    token = login(ada).refresh_token
    former = settings.SECRET_KEY
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "n" * 50, [former]
    second = refresh(token).json()
    settings.SECRET_KEY_FALLBACKS = []
    assert refresh(second["refresh_token"]).status_code == 200


def test_a_lost_secret_key_ends_every_login(refresh, login, ada, settings):
    token = login(ada).refresh_token
    settings.SECRET_KEY = "n" * 50
    assert refresh(token).status_code == 401


@pytest.fixture
def browser(client: Client, ada: User) -> Client:
    """A browser in which Ada is signed in."""
    client.force_login(ada, backend="django.contrib.auth.backends.ModelBackend")
    return client


def exchange(browser: Client) -> Any:
    return browser.post("/api/tokens/exchange", {}, content_type="application/json").json()


def test_signing_out_of_the_session_ends_its_tokens(browser, refresh, me, ada):
    """Property 14."""
    tokens = exchange(browser)
    assert me(tokens["access_token"]).status_code == 200
    browser.logout()
    assert refresh(tokens["refresh_token"]).status_code == 401
    assert me(tokens["access_token"]).status_code == 401


def test_signing_out_of_another_session_keeps_them(browser, refresh, ada):
    tokens = exchange(browser)
    other = Client()
    other.force_login(ada, backend="django.contrib.auth.backends.ModelBackend")
    other.logout()
    assert refresh(tokens["refresh_token"]).status_code == 200


def test_ending_a_session_in_the_list_of_devices_ends_its_tokens(browser, refresh, ada):
    """Property 14."""
    from allauth.usersessions.models import UserSession

    tokens = exchange(browser)
    UserSession.objects.create(user=ada, ip="127.0.0.1", session_key=browser.session.session_key)
    UserSession.objects.get().end()
    assert refresh(tokens["refresh_token"]).status_code == 401


def test_the_session_key_is_not_stored(browser):
    exchange(browser)
    assert browser.session.session_key not in str(list(Family.objects.values()))


def test_revoking_ends_the_login(client, refresh, me, login, ada, events):
    first, other = login(ada), login(ada)
    answer = post(client, "revoke", refresh_token=first.refresh_token)
    assert (answer.status_code, answer.content) == (204, b"")
    assert refresh(first.refresh_token).status_code == 401
    assert me(first.access_token).status_code == 401
    assert refresh(other.refresh_token).status_code == 200
    assert events("tokens_revoked") == [ada]


def test_revoking_everywhere_ends_every_login_of_the_user_alone(client, refresh, login, ada):
    first, second = login(ada), login(ada)
    bobs = login(get_user_model().objects.create_user("bob"))
    post(client, "revoke", refresh_token=first.refresh_token, everywhere=True)
    assert refresh(second.refresh_token).status_code == 401
    assert refresh(bobs.refresh_token).status_code == 200


def test_a_token_of_an_ended_login_ends_no_others(client, refresh, login, ada):
    first, second = login(ada), login(ada)
    post(client, "revoke", refresh_token=first.refresh_token)
    post(client, "revoke", refresh_token=first.refresh_token, everywhere=True)
    assert refresh(second.refresh_token).status_code == 200


@pytest.mark.parametrize("token", ["guessed", "", "mrt_A.A", None])
def test_revoking_an_unknown_token_is_no_error(client, db, token):
    assert post(client, "revoke", refresh_token=token).status_code == 204


def test_a_user_sees_and_ends_the_own_logins(client, refresh, login, ada):
    first, second = login(ada), login(ada)
    login(get_user_model().objects.create_user("bob"))
    headers = {"Authorization": f"Bearer {first.access_token}", "User-Agent": "x"}
    listed = client.get("/api/tokens/logins", headers=headers).json()
    assert [each["is_current"] for each in listed].count(True) == 1
    assert len(listed) == 2
    [other] = [each["id"] for each in listed if not each["is_current"]]
    assert client.delete(f"/api/tokens/logins/{other}", headers=headers).status_code == 204
    assert client.delete(f"/api/tokens/logins/{other}", headers=headers).status_code == 404
    assert refresh(second.refresh_token).status_code == 401
    assert refresh(first.refresh_token).status_code == 200


def test_the_export_of_an_account_has_its_logins_and_no_secrets(login, ada):
    from django.apps import apps

    tokens = login(ada)
    exported = apps.get_app_config("matt_tokens").export_account(ada)
    assert len(exported["logins"]) == 1
    assert tokens.refresh_token not in str(exported)


def test_a_login_of_somebody_else_is_not_found(client, refresh, login, ada):
    mine, bobs = login(ada), login(get_user_model().objects.create_user("bob"))
    pk = Family.objects.get(user__username="bob").pk
    headers = {"Authorization": f"Bearer {mine.access_token}"}
    assert client.delete(f"/api/tokens/logins/{pk}", headers=headers).status_code == 404
    assert refresh(bobs.refresh_token).status_code == 200


def test_a_new_login_ends_the_oldest_above_the_limit(refresh, login, ada, settings):
    settings.MATT_TOKENS = {"MAX_LOGINS": 2}
    first, second, third = login(ada), login(ada), login(ada)
    assert refresh(first.refresh_token).status_code == 401
    assert refresh(second.refresh_token).status_code == 200
    assert refresh(third.refresh_token).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_logins_at_the_same_time_do_not_exceed_the_limit(login, settings):
    settings.MATT_TOKENS = {"MAX_LOGINS": 3}
    user = get_user_model().objects.create_user("ada")

    def sign_in_again(_: int) -> None:
        try:
            login(user)
        finally:
            connections.close_all()

    threads = 16 if connection.vendor == "postgresql" else 1
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(sign_in_again, range(16)))
    assert open_families(user).count() == 3


def test_a_new_login_deletes_the_expired_ones(login, ada):
    from django.utils import timezone

    login(ada)
    Family.objects.update(expires_at=timezone.now())
    login(ada)
    assert Family.objects.count() == 1


def test_an_inactive_user_gets_no_tokens(login, ada):
    from django_matt.errors.exceptions import PermissionDenied

    ada.is_active = False
    with pytest.raises(PermissionDenied):
        login(ada)


def test_access_stops_when_the_user_is_read_and_inactive(client, login, ada):
    token = login(ada).access_token
    verifier.clear()
    deactivate_by_update(ada)
    answer = client.get("/api/name", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401


def post(client: Client, name: str, **body: Any) -> Any:
    return client.post(f"/api/tokens/{name}", body, content_type="application/json")
