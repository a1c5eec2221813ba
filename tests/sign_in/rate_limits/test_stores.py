"""The stores count exactly: in memory, in Redis and in the database."""

import time
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import connection, connections

from django_matt.contrib.rate_limits.models import RateLimitState
from django_matt.contrib.rate_limits.rates import Rate, parse_rate
from django_matt.contrib.rate_limits.redis_stores import RedisStore
from django_matt.contrib.rate_limits.stores import MemoryStore, StoreUnavailable, chosen_store
from tests.sign_in.rate_limits.redis_servers import RedisServer
from tests.waiting import wait_until

TEN = Rate(10, 60)
THREADS = 50


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("10/minute", Rate(10, 60)),
        ("10/m", Rate(10, 60)),
        ("100/15 minutes", Rate(100, 900)),
        ("5/s", Rate(5, 1)),
        ("1000 / 2days", Rate(1000, 172_800)),
    ],
)
def test_a_rate_is_a_number_per_time(text: str, rate: Rate):
    assert parse_rate(text) == rate


@pytest.mark.parametrize(
    "text", ["", "10", "0/minute", "10/0 minutes", "ten/minute", "10/year", "-1/s"]
)
def test_another_text_is_refused(text: str):
    with pytest.raises(ImproperlyConfigured, match="is not a rate"):
        parse_rate(text)


@pytest.mark.django_db
def test_the_amount_is_allowed_at_once_and_one_more_when_a_step_is_over(store: str):
    counter = chosen_store(store, 1.0)
    hourly = Rate(2, 3_600)
    outcomes = [counter.hit(hourly, "a") for _ in range(3)]
    assert [(each.allowed, each.remaining) for each in outcomes] == [
        (True, 1),
        (True, 0),
        (False, 0),
    ]
    assert 1_700 < outcomes[2].reset <= 1_800
    assert counter.hit(hourly, "b").remaining == 1
    counter.hit(Rate(1, 1), "c")
    wait_until(lambda: counter.hit(Rate(1, 1), "c").allowed)


@pytest.mark.django_db
def test_the_whole_amount_can_be_used_although_a_step_is_no_round_number(store: str):
    counter = chosen_store(store, 1.0)
    rate = Rate(7, 86_400)
    assert [counter.hit(rate, "a").allowed for _ in range(8)] == [True] * 7 + [False]


@pytest.mark.django_db(transaction=True)
def test_of_50_threads_10_are_allowed_in_every_round(store: str):
    if store == "database" and connection.vendor == "sqlite":
        pytest.skip("the tests' SQLite is in memory: see the test with a file")
    _count_with_threads(chosen_store(store, 5.0))


def test_of_50_threads_10_are_allowed_by_sqlite_in_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, django_db_setup: None, django_db_blocker: Any
):
    if connection.vendor != "sqlite":
        pytest.skip("needs SQLite")
    options = {"timeout": 60}
    file = {**connection.settings_dict, "NAME": str(tmp_path / "db.sqlite3"), "OPTIONS": options}
    monkeypatch.setitem(connections.settings, "file", file)
    with django_db_blocker.unblock():
        with connections["file"].schema_editor() as editor:
            editor.create_model(RateLimitState)
        _count_with_threads(chosen_store("database:file", 5.0))
        connections["file"].close()
        del connections["file"]


def _count_with_threads(counter: Any) -> None:
    for round_ in range(3):
        barrier = Barrier(THREADS)

        def hit(_: int) -> bool:
            barrier.wait()  # noqa: B023 - used up in this round
            try:
                return bool(counter.hit(TEN, f"round {round_}").allowed)  # noqa: B023
            finally:
                connections.close_all()

        with ThreadPoolExecutor(THREADS) as pool:
            assert sum(pool.map(hit, range(THREADS))) == 10


@pytest.mark.django_db
def test_the_table_is_not_logged_on_postgresql():
    if connection.vendor != "postgresql":
        pytest.skip("needs PostgreSQL")
    with connection.cursor() as cursor:
        table = RateLimitState._meta.db_table
        cursor.execute("SELECT relpersistence FROM pg_class WHERE relname = %s", [table])
        assert cursor.fetchone()[0] == "u"


@pytest.mark.django_db
def test_nothing_of_a_client_is_stored_in_clear():
    chosen_store("database").hit(TEN, "recipient|ada@example.com")
    assert "ada" not in str(RateLimitState.objects.values().get())


@pytest.mark.django_db
def test_prune_deletes_the_clients_that_may_send_all_again(settings: Any):
    settings.MATT_RATE_LIMITS = {"STORE": "database"}
    counter = chosen_store("database", 0.25)
    counter.hit(TEN, "still")
    RateLimitState.objects.create(key="old", tat=time.time() - 1)
    for arguments, left in ((["--dry-run"], 2), ([], 1)):
        out = StringIO()
        call_command("matt_rate_limits", "prune", *arguments, stdout=out)
        assert "1 rows" in out.getvalue()
        assert RateLimitState.objects.count() == left


def test_prune_says_that_nothing_is_counted_in_the_database():
    with pytest.raises(CommandError, match="not counted in the database"):
        call_command("matt_rate_limits", "prune")


def test_memory_forgets_the_clients_that_may_send_all_again():
    counter = MemoryStore()
    for number in range(5_000):
        counter.hit(Rate(1_000_000, 1), f"client {number}")
    assert len(counter._tats) < 2_000


def test_redis_is_asked_again_after_a_second(redis_server: RedisServer, monkeypatch: Any):
    counter = RedisStore(redis_server.url, 1.0)
    assert counter.hit(TEN, "before").allowed
    redis_server.stop()
    try:
        with pytest.raises(StoreUnavailable, match="ConnectionError"):
            counter.hit(TEN, "a")
    finally:
        redis_server.start()
    with pytest.raises(StoreUnavailable, match="a second ago"):
        counter.hit(TEN, "a")
    monkeypatch.setattr(counter, "_asks_at", 0.0)
    assert counter.hit(TEN, "a").allowed


def test_redis_forgets_a_client_when_its_requests_are_used_up(redis_server: RedisServer):
    import redis

    with redis.from_url(redis_server.url) as client:
        client.flushall()
        RedisStore(redis_server.url, 1.0).hit(TEN, "a")
        (key,) = client.scan_iter()
        assert 0 < client.pttl(key) <= 6_001
