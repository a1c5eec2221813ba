"""Properties 11 and 12: a refresh has one successor, reuse ends the login, and nothing makes a login longer."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from django_matt.contrib.tokens import endings
from django_matt.contrib.tokens.keys import rotate
from django_matt.contrib.tokens.models import Family
from django_matt.contrib.tokens.refresh_tokens import read_refresh_token

ROUNDS = 6


def family_of(tokens):
    named = read_refresh_token(tokens.refresh_token)
    assert named is not None
    return named[0]


def long_ago(seconds: float = 60) -> None:
    """Let the last refresh of every login be some time ago."""
    Family.objects.update(rotated_at=timezone.now() - timedelta(seconds=seconds))


def test_a_refresh_token_returns_new_tokens(client, refresh, me, login, ada):
    first = login(ada)
    answer = refresh(first.refresh_token)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json()["refresh_token"] != first.refresh_token
    assert answer.json()["expires_in"] in range(200, 301)
    assert me(answer.json()["access_token"]).json() == {"user": ada.pk}


def test_a_lost_response_is_sent_again_byte_for_byte(refresh, login, ada):
    first = login(ada)
    answers = [refresh(first.refresh_token).json() for _ in range(3)]
    pairs = {(answer["access_token"], answer["refresh_token"]) for answer in answers}
    assert len(pairs) == 1


@pytest.mark.parametrize("algorithm", ["EdDSA", "RS256", "ES256", "HS256"])
def test_the_same_successor_is_made_with_every_algorithm(refresh, login, ada, settings, algorithm):
    settings.MATT_TOKENS = {"ALGORITHM": algorithm}
    first = login(ada)
    assert len({refresh(first.refresh_token).json()["access_token"] for _ in range(3)}) == 1


def test_the_same_successor_is_made_after_the_keys_were_rotated(refresh, login, ada):
    first = login(ada)
    before = refresh(first.refresh_token).json()
    rotate()
    after = refresh(first.refresh_token).json()
    assert before["access_token"] == after["access_token"]


def test_a_second_use_after_the_leeway_ends_the_login(refresh, login, ada, events):
    first = login(ada)
    second = refresh(first.refresh_token).json()
    long_ago()
    assert refresh(first.refresh_token).status_code == 401
    assert refresh(second["refresh_token"]).status_code == 401
    assert events("token_reused") == [ada]


def test_an_older_generation_ends_the_login_even_within_the_leeway(refresh, login, ada, events):
    first = login(ada)
    second = refresh(first.refresh_token).json()["refresh_token"]
    third = refresh(second).json()["refresh_token"]
    assert refresh(first.refresh_token).status_code == 401
    assert refresh(third).status_code == 401
    assert events("token_reused") == [ada]


def test_without_a_leeway_a_second_use_ends_the_login(refresh, login, ada, settings):
    settings.MATT_TOKENS = {"LEEWAY_SECONDS": 0}
    first = login(ada)
    second = refresh(first.refresh_token).json()["refresh_token"]
    assert refresh(first.refresh_token).status_code == 401
    assert refresh(second).status_code == 401


def test_the_client_is_not_told_why_a_refresh_is_refused(refresh, login, ada):
    unknown = login(ada)
    Family.objects.all().delete()
    used, expired, ended, deactivated = login(ada), login(ada), login(ada), login(ada)
    pk = {name: family_of(tokens) for name, tokens in
          {"used": used, "expired": expired, "ended": ended}.items()}  # fmt: skip
    refresh(refresh(used.refresh_token).json()["refresh_token"])
    Family.objects.filter(pk=pk["expired"]).update(expires_at=timezone.now())
    endings.end_family(pk["ended"])
    refused = [refresh(each.refresh_token) for each in (unknown, used, expired, ended)]
    User.objects.update(is_active=False)
    refused += [refresh(deactivated.refresh_token), refresh("guessed"), refresh("")]
    assert {answer.status_code for answer in refused} == {401}
    assert len({answer.content for answer in refused}) == 1


@pytest.mark.parametrize(
    "spoil",
    [
        lambda token: token[:-1],
        lambda token: token[:-1] + ("A" if token[-1] != "A" else "B"),
        lambda token: token.replace("mrt_", "mrt_A"),
        lambda token: token.replace("mrt_", ""),
        lambda token: token.partition(".")[0],
        lambda token: token + "ü",
        lambda token: "mrt_." + token.partition(".")[2],
        lambda token: "x" * 200,
    ],
)
def test_a_changed_refresh_token_is_refused(refresh, login, ada, spoil):
    token = login(ada).refresh_token
    assert refresh(spoil(token)).status_code == 401
    assert refresh(token).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        "{",
        "[" * 5_000,
        '{"refresh_token": 1}',
        '{"refresh_token": "\\ud800"}',
        '"text"',
        "null",
        '{"refresh_token": "\\u0000"}',
    ],
)
def test_a_malformed_body_is_the_clients_error(client, db, body):
    answer = client.post("/api/tokens/refresh", body, content_type="application/json")
    assert 400 <= answer.status_code < 500


def test_a_very_long_refresh_token_is_refused(refresh, db):
    assert refresh("x" * 100_000).status_code == 422


def test_an_access_token_is_not_a_refresh_token(refresh, login, ada):
    assert refresh(login(ada).access_token[:200]).status_code == 401


def test_refreshing_never_extends_the_login(refresh, login, ada):
    """Property 12."""
    token = login(ada).refresh_token
    until = Family.objects.get().expires_at
    for _ in range(3):
        token = refresh(token).json()["refresh_token"]
    assert Family.objects.get().expires_at == until
    Family.objects.update(expires_at=timezone.now() + timedelta(seconds=30))
    assert refresh(token).json()["expires_in"] <= 30


def test_an_expired_login_is_not_refreshed(refresh, login, ada):
    """Property 12."""
    token = login(ada).refresh_token
    Family.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert refresh(token).status_code == 401


def test_a_refused_refresh_ends_the_login_under_atomic_requests(
    refresh, login, ada, settings, settings_module
):
    from django.db import connections

    databases = connections.databases["default"]
    databases["ATOMIC_REQUESTS"] = True
    try:
        first = login(ada)
        second = refresh(first.refresh_token).json()["refresh_token"]
        long_ago()
        assert refresh(first.refresh_token).status_code == 401
        assert refresh(second).status_code == 401
    finally:
        databases["ATOMIC_REQUESTS"] = False


def test_parallel_refreshes_return_one_successor(at_once, refresh, login):
    """Property 11, with the leeway: each of 16 gets the same tokens."""
    ada = User.objects.create_user("ada")
    token = login(ada).refresh_token
    for number in range(ROUNDS):
        answers = at_once(lambda: refresh(token))  # noqa: B023 - called in this round
        assert {answer.status_code for answer in answers} == {200}
        pairs = {
            (answer.json()["access_token"], answer.json()["refresh_token"]) for answer in answers
        }
        assert len(pairs) == 1
        [(_, token)] = pairs
        assert Family.objects.get().generation == number + 1


def test_strictly_one_of_parallel_refreshes_wins(at_once, refresh, login, settings):
    """Property 11, without the leeway: one of 16 gets tokens, and the reuse of the others ends the login."""
    settings.MATT_TOKENS = {"LEEWAY_SECONDS": 0}
    ada = User.objects.create_user("ada")
    for _ in range(ROUNDS):
        token = login(ada).refresh_token
        answers = at_once(lambda: refresh(token))  # noqa: B023 - called in this round
        statuses = sorted(answer.status_code for answer in answers)
        assert statuses == [200] + [401] * 15
        [won] = [answer.json() for answer in answers if answer.status_code == 200]
        assert refresh(won["refresh_token"]).status_code == 401


def test_reuse_that_many_threads_notice_is_one_event(at_once, refresh, login, events):
    ada = User.objects.create_user("ada")
    token = login(ada).refresh_token
    refresh(token)
    long_ago()
    answers = at_once(lambda: refresh(token))
    assert {answer.status_code for answer in answers} == {401}
    assert events("token_reused") == [ada]
