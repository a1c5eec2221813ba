"""Sixteen requests with one assertion at the same time: one of them signs in, on PostgreSQL and on SQLite."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections

from django_matt.contrib.passkeys.models import Credential, UserHandle
from django_matt.contrib.passkeys.services import Verdict, claim_assertion, get_handle
from django_matt.sign_in import SecurityEvent
from tests.sign_in.passkeys.authenticators import Signer
from tests.sign_in.passkeys.visitors import LOGIN, SIGN_UP, Visitor

THREADS, ROUNDS = 16, 3


@pytest.fixture(autouse=True)
def shared(
    transactional_db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Use a database that threads share: PostgreSQL, or a copy of SQLite's database in memory as a file."""
    if connection.vendor != "sqlite":
        yield
        return
    connection.ensure_connection()
    with sqlite3.connect(tmp_path / "shared.sqlite3") as file:
        connection.connection.backup(file)
    file.close()
    before = connections["default"]
    options = {"transaction_mode": "IMMEDIATE", "timeout": 60}
    database = {**connections.settings["default"], "NAME": str(tmp_path / "shared.sqlite3")}
    monkeypatch.setitem(connections.settings, "default", {**database, "OPTIONS": options})
    connections["default"] = connections.create_connection("default")
    yield
    connections["default"].close()
    connections["default"] = before


def at_once(act: Callable[[int], Any]) -> list[Any]:
    """Call a function from 16 threads at the same time; return what each returned."""
    barrier, results = threading.Barrier(THREADS), [None] * THREADS

    def run(index: int) -> None:
        try:
            barrier.wait(60)
            results[index] = act(index)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(index,)) for index in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


def same_session(visitor: Visitor) -> Visitor:
    """Return another visitor with the cookies and the token of the first one."""
    twin = Visitor(visitor.kind)
    for name, each in visitor.http.cookies.items():
        twin.http.cookies[name] = each.value
    twin.token = visitor.token
    return twin


@pytest.mark.parametrize("counts", [True, False], ids=["counting", "synced"])
def test_of_sixteen_logins_with_one_assertion_one_signs_in(
    visitor: Visitor, counts: bool, events: list[SecurityEvent]
):
    signer = Signer(counts=counts)
    visitor.sign_up(signer, "ada@example.com")
    for _ in range(ROUNDS):
        visitor.log_out()
        body = {"credential": signer.get(visitor.options(LOGIN))}
        twins = [same_session(visitor) for _ in range(THREADS)]
        answers = at_once(lambda n: twins[n].send("POST", LOGIN, body))  # noqa: B023
        statuses = [answer.status_code for answer in answers]
        assert statuses.count(200) == 1, statuses
        assert all(400 <= status < 500 for status in statuses if status != 200), statuses
        assert [twin.signed_in for twin in twins].count(True) == 1
    assert [event.data for event in events if event.data.get("reason") == "sign_counter"] == []


def test_of_sixteen_registrations_with_one_credential_one_is_stored(visitor: Visitor):
    body = {"credential": Signer().create(visitor.begin_sign_up("ada@example.com"))}
    twins = [same_session(visitor) for _ in range(THREADS)]
    answers = at_once(lambda n: twins[n].send("PUT", SIGN_UP, body))
    statuses = [answer.status_code for answer in answers]
    assert statuses.count(200) == 1, statuses
    assert all(400 <= status < 500 for status in statuses if status != 200), statuses
    assert Credential.objects.count() == 1


@pytest.mark.parametrize("counts", [1, 0], ids=["counting", "synced"])
def test_a_passkey_from_before_this_app_is_claimed_once_on_its_first_use(counts: int):
    for number in range(ROUNDS):
        verdicts = at_once(lambda _: claim_assertion(b"id%d" % number, counts, b"once"))  # noqa: B023
        assert verdicts.count(Verdict.ACCEPTED) == 1
        assert verdicts.count(Verdict.REPLAYED) == THREADS - 1


def test_of_sixteen_assertions_of_one_counter_one_is_accepted():
    for number in range(ROUNDS):
        verdicts = at_once(lambda n: claim_assertion(b"id", number + 1, b"challenge%d" % n))  # noqa: B023
        assert verdicts.count(Verdict.ACCEPTED) == 1


def test_sixteen_requests_get_the_same_user_handle(django_user_model: Any):
    user = django_user_model.objects.create_user("ada")
    assert len(set(at_once(lambda _: get_handle(user)))) == 1
    assert UserHandle.objects.count() == 1
