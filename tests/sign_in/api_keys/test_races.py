"""What may happen once: a key is rotated by one of many requests, on both databases."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import OperationalError, connection, transaction
from django.test import Client

from django_matt.contrib.api_keys.models import ApiKey
from django_matt.contrib.api_keys.owners import Owner
from django_matt.contrib.api_keys.services import (
    create_key,
    keys_of,
    revoke_key,
    rotate_key,
)
from django_matt.errors.exceptions import Conflict

pytestmark = pytest.mark.django_db(transaction=True)
THREADS = 16


def patient(work: Callable[[], Any]) -> Any:
    """Do the work; SQLite's database in memory does not wait for a lock, so try again."""
    while True:
        try:
            return work()
        except OperationalError as error:
            if "locked" not in str(error):
                raise
            time.sleep(0.01)


def at_once(work: Callable[[], Any], threads_of: int = THREADS) -> list[Any]:
    """Return what each of 16 threads returned, or the exception that it raised."""
    barrier, results = threading.Barrier(threads_of), []

    def run() -> None:
        barrier.wait()
        try:
            results.append(patient(work))
        except Exception as error:
            results.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(threads_of)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_of_16_rotations_one_makes_a_successor():
    user = get_user_model().objects.create_user("ada")
    for _ in range(3):
        key, _text = create_key(Owner(user), name="ci")
        results = at_once(lambda key=key: rotate_key(key))  # type: ignore[misc]
        assert sum(isinstance(each, Conflict) for each in results) == THREADS - 1, results
        assert ApiKey.objects.filter(replaces=key).count() == 1


def test_of_16_revocations_one_revokes():
    user = get_user_model().objects.create_user("ada")
    key, _text = create_key(Owner(user), name="ci")
    assert sorted(at_once(lambda: revoke_key(key))) == [False] * (THREADS - 1) + [True]


@pytest.mark.parametrize("kind", ["user", "organization"])
def test_of_many_parallel_creations_as_many_succeed_as_there_may_be_keys(settings: Any, kind: str):
    settings.MATT_API_KEYS = {"MAX_KEYS": 5}
    for number in range(3):
        user = get_user_model().objects.create_user(f"ada-{number}")
        owner = Owner(user) if kind == "user" else Owner(None, f"tenant-{number}")
        create_key(owner, name="first")
        results = at_once(lambda owner=owner: create_key(owner, name="ci"), 24)  # type: ignore[misc]
        assert sum(isinstance(each, Conflict) for each in results) == 20, results
        assert keys_of(owner).count() == 5


def test_of_24_parallel_requests_for_a_key_five_get_one(client: Any, settings: Any):
    if connection.vendor == "sqlite":
        pytest.skip("the database in memory does not wait for a lock")
    settings.MATT_API_KEYS = {**settings.MATT_API_KEYS, "MAX_KEYS": 5}
    user = get_user_model().objects.create_user("ada")

    def post() -> int:
        own = Client(raise_request_exception=False)
        own.force_login(user)
        answer = own.post("/api/api-keys", {"name": "ci"}, content_type="application/json")
        return int(answer.status_code)

    assert sorted(at_once(post, 24)) == [201] * 5 + [409] * 19
    assert keys_of(Owner(user)).count() == 5


def test_the_keys_of_one_owner_do_not_wait_for_those_of_another():
    """Only the owner is locked: another one creates keys meanwhile."""
    if connection.vendor == "sqlite":
        pytest.skip("SQLite locks the whole database")
    ada, bob = (get_user_model().objects.create_user(name) for name in ("ada", "bob"))
    done: list[Any] = []
    with transaction.atomic():
        create_key(Owner(ada), name="ci")

        def other() -> None:
            try:
                done.append(create_key(Owner(bob), name="ci"))
            finally:
                connection.close()

        thread = threading.Thread(target=other)
        thread.start()
        thread.join(30)
        assert len(done) == 1
