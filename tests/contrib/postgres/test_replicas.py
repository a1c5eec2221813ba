"""``ReplicaRouter``: reads go to a real replica, and never to one that lacks what the client has written."""

from typing import Any

import pytest
from django.db import connections

from django_matt.contrib.postgres.checks import check_settings
from django_matt.contrib.postgres.replicas import read_position
from tests.own_settings import run_module, without_server

ON = {"alias": "replica", "count": 1}
HOME = {"alias": "default", "count": 1}


@pytest.fixture(scope="module")
def seen() -> Any:
    return run_module(
        "tests.contrib.postgres.replicated", environment=without_server(), seconds=280
    )


@pytest.mark.once
@pytest.mark.timeout(300)
def test_a_client_reads_its_own_writes_and_others_read_the_replica(seen: Any):
    for kind in ("sync", "async"):
        assert seen[f"{kind} before"] == [{"alias": "replica", "count": 0}, False]
        # The replica is held back from here to `later`.
        assert seen[f"{kind} write"] == HOME
        assert seen[f"{kind} own"] == HOME
        assert seen[f"{kind} program"] == HOME
        assert seen[f"{kind} other"] == {"alias": "replica", "count": 0}
        assert seen[f"{kind} later"] == ON
    assert seen["list"] == ["async", "sync"]
    # A transaction, and what a GET reads after its own write.
    assert seen["atomic"] == HOME
    assert seen["visit"] == {"before": "replica", **HOME}
    # An object of the replica that is changed, and what belongs to it, in a GET.
    assert seen["rename"] == {"before": "replica", "permissions": 1, **HOME}
    # A position that was never reached.
    assert seen["future"] == HOME
    # Of 480 reads by 16 threads, right after their writes.
    assert seen["stale"]["older"] == 0
    assert seen["stale"]["default"] + seen["stale"]["replica"] == 480
    # While the replica is down, and after it.
    assert (seen["away"], seen["still away"], seen["back"]) == (HOME, HOME, ON)


def test_positions_are_read_as_postgresql_writes_them():
    assert read_position("0/0") == 0
    assert read_position("16/B374D848") == (0x16 << 32) + 0xB374D848
    for text in ("", "16", "16/", "/1", "16/b3", " 0/0", "0/0\n", "1/1/1", "123456789/0"):
        assert read_position(text) is None


@pytest.mark.parametrize(
    ("replicas", "identifiers"),
    [
        (["default"], ["E001"]),
        ("default", ["E001"]),
        (["elsewhere"], ["E001"]),
        (["replica"], ["W001", "W001"]),
    ],
)
def test_mistakes_are_reported(
    settings: Any, monkeypatch: pytest.MonkeyPatch, replicas: Any, identifiers: list[str]
):
    monkeypatch.setitem(connections.settings, "replica", {})
    settings.MATT_POSTGRES = {"REPLICAS": replicas}
    found = [str(each.id).removeprefix("matt_postgres.") for each in check_settings()]
    assert found == identifiers
