"""The cache itself: down, slow, in memory beside a file of SQLite, strict; its checks and its command."""

import logging
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import caches
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from django.db import connections, models, router, transaction
from django.http import HttpRequest

from django_matt.contrib.caching import (
    cached,
    invalidate,
    stores,
    tables,
    validity,
    versions,
    writes,
)
from django_matt.contrib.caching.statements import read_statement
from tests.contrib.caching.conftest import Cached, a_book, caches_of, titles
from tests.project.models import Book, Tag
from tests.sign_in.rate_limits.redis_servers import RedisServer, run_redis
from tests.waiting import wait_until

MINUTE = cached(seconds=60)


@contextmanager
def silent_server() -> Iterator[str]:
    """A server that accepts connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        accepted: list[socket.socket] = []

        def accept() -> None:
            try:
                while True:
                    accepted.append(server.accept()[0])
            except OSError:
                return

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"redis://127.0.0.1:{server.getsockname()[1]}/0"
        server.shutdown(socket.SHUT_RDWR)
        for each in accepted:
            each.close()
    thread.join()


@pytest.mark.parametrize("how", ["down", "slow"])
def test_without_an_answer_of_the_cache_responses_are_not_cached_and_that_is_logged_once(
    how: str, cached_api: Any, settings: Any, transactional_db: None, caplog: Any
):
    with silent_server() as silent:
        url = silent if how == "slow" else "redis://127.0.0.1:1/0"
        settings.CACHES = caches_of("redis", url)
        made = cached_api()
        made.add(titles, MINUTE)
        with caplog.at_level(logging.WARNING, "django_matt.contrib.caching.stores"):
            for _ in range(5):
                response = made.get()
                assert response.json() == []
                assert response.headers["X-Matt-Cache"] == "skip; the cache does not answer"
        said = [each for each in caplog.records if each.name.endswith("caching.stores")]
        assert len(said) == 1
        assert "responses are not cached" in said[0].getMessage()


def test_a_cache_that_was_down_is_used_again_and_its_tables_are_renewed(
    serve: Any, settings: Any, transactional_db: None, caplog: Any
):
    with run_redis() as server:
        settings.CACHES = caches_of("redis", server.url)
        made = Cached(serve, "sync")
        made.add(titles, MINUTE)
        book = a_book("Emma")
        # On a busy machine a lookup may take longer than is waited for.
        wait_until(lambda: "Age" in made.get().headers)
        server.stop()
        book.title = "Persuasion"
        book.save()
        assert validity._owed == {"project_book"}
        assert made.get().json() == ["Persuasion"]
        server.start()
        wait_until(lambda: not validity._owed)
        wait_until(lambda: "Age" in made.get().headers)
        assert made.get().json() == ["Persuasion"]


def test_tokens_are_read_from_the_first_redis_alone(settings: Any):
    settings.CACHES = caches_of("redis", "redis://127.0.0.1:1/0,redis://127.0.0.1:2/0")
    store = stores.get_store()
    assert store._cache._servers == ["redis://127.0.0.1:1/0"]


# ---- strict ----


@pytest.mark.parametrize("kind", ["locmem", "redis"])
def test_strict_serves_and_stores_nothing_from_the_first_write_to_the_end(
    kind: str, request: Any, settings: Any, serve: Any, transactional_db: None
):
    url = request.getfixturevalue("redis_server").url if kind == "redis" else ""
    settings.CACHES = caches_of(kind, url)
    settings.MATT_CACHING = {"STRICT": True, "TIMEOUT": 5.0}
    caches["default"].clear()
    made = Cached(serve, "async")
    made.add(lambda request: 1, cached(seconds=60, reads=[Book]))
    a_book()
    made.get()
    assert "Age" in made.get().headers
    with transaction.atomic():
        Tag.objects.create(name="other")
        assert "Age" in made.get().headers
        Book.objects.update(title="changed")
        Book.objects.update(title="changed twice")
        for _ in range(2):
            assert "Age" not in made.get().headers
    made.get()
    assert "Age" in made.get().headers
    # After a rollback it ends with the request.
    with transaction.atomic():
        Book.objects.update(title="not committed")
        transaction.set_rollback(True)
    assert "Age" not in made.get().headers
    # The asynchronous test client closes its response in another thread than a server does.
    writes._release()
    made.get()
    assert "Age" in made.get().headers


# ---- SQLite in a file ----


@pytest.fixture
def file(tmp_path: Path, settings: Any, monkeypatch: Any, django_db_blocker: Any) -> Iterator[Path]:
    """The only database of the project, a file."""
    path = tmp_path / "db.sqlite3"
    before = connections.settings
    connections["default"].close()
    monkeypatch.setattr(
        connections,
        "settings",
        connections.configure_settings(
            {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(path)}}
        ),
    )
    old = connections["default"]
    del connections["default"]
    settings.CACHES = caches_of("locmem")
    validity._files.cache_clear()
    with django_db_blocker.unblock():
        for model in (Book, Tag):
            with connections["default"].cursor() as cursor:
                columns = ", ".join(f'"{field.column}"' for field in model._meta.local_fields[1:])
                cursor.execute(
                    f"CREATE TABLE {model._meta.db_table} (id integer PRIMARY KEY, {columns})"
                )
        yield path
        connections["default"].close()
    monkeypatch.undo()
    assert connections.settings is before
    connections["default"] = old
    validity._files.cache_clear()
    for watcher in versions._watchers.values():
        watcher.close()
    versions._watchers.clear()


def test_any_commit_of_any_process_makes_everything_invalid(file: Path, cached_api: Any):
    made = cached_api()
    made.add(lambda request: [tag.name for tag in Tag.objects.all()], MINUTE)
    assert validity.uses_versions()
    made.get()
    assert "Age" in made.get().headers
    script = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); "
        "c.execute(\"insert into project_tag (name) values ('outside')\"); c.commit(); c.close()"
    )
    subprocess.run([sys.executable, "-c", script, str(file)], check=True, timeout=60)
    assert made.get().json() == ["outside"]
    assert "Age" in made.get().headers
    Tag.objects.update(name="inside")
    assert made.get().json() == ["inside"]
    with transaction.atomic():
        Tag.objects.update(name="rolled back")
        transaction.set_rollback(True)
    assert "Age" in made.get().headers


def test_by_hand_and_by_the_command_it_is_cleared(file: Path, serve: Any):
    made = Cached(serve, "sync")
    made.add(lambda request: [tag.name for tag in Tag.objects.all()], MINUTE)
    for clear in (
        lambda: invalidate(Tag),
        lambda: call_command("matt_caching", "clear", stdout=StringIO()),
    ):
        made.get()
        assert "Age" in made.get().headers
        clear()
        assert "Age" not in made.get().headers
    with pytest.raises(CommandError, match="only everything"):
        call_command("matt_caching", "clear", "/api/it")


def test_a_file_that_is_replaced_is_another_version(file: Path, serve: Any, tmp_path: Path):
    files = {"default": str(file)}
    first = versions.read_versions(files)
    assert versions.read_versions(files) == first
    other = tmp_path / "other"
    other.write_bytes(file.read_bytes())
    connections["default"].close()
    other.replace(file)
    assert versions.read_versions(files) != first


def test_without_the_file_nothing_is_cached(tmp_path: Path):
    assert versions.read_versions({"default": str(tmp_path / "none")}) is None


# ---- replicas and cascades ----


READ = "SELECT id FROM project_book"


def test_what_is_read_from_another_database_than_it_is_written_to_is_not_stored(monkeypatch: Any):
    from django_matt.contrib.caching.loads import Load

    load = Load(is_async=False, trusts=False)
    replica: Any = type("Connection", (), {"alias": "replica", "in_atomic_block": False})()
    load.note(read_statement(READ), READ, replica, lambda each: False)
    assert load.reason == "project_book is read from 'replica', and written elsewhere"
    monkeypatch.setattr(router, "db_for_write", lambda model: "replica")
    load = Load(is_async=False, trusts=False)
    load.note(read_statement(READ), READ, replica, lambda each: False)
    assert load.reason is None


def test_what_the_database_deletes_itself_is_written_too(monkeypatch: Any):
    assert tables.cascade_from(["project_author"]) == {"project_author"} or hasattr(
        models, "DB_CASCADE"
    )
    # As on Django 6.1, for the cascades that the models of the tests have.
    monkeypatch.setattr(models, "DB_CASCADE", models.CASCADE, raising=False)
    monkeypatch.setattr(models, "DB_SET_NULL", models.SET_NULL, raising=False)
    tables._clear()
    try:
        found = read_statement('DELETE FROM "project_author" WHERE id = 1').tables
        assert {"project_author", "project_book", "project_blurb", "project_everything"} <= found
        assert "project_tag" not in found
        assert read_statement('UPDATE "project_author" SET id = 1').tables == {"project_author"}
    finally:
        monkeypatch.undo()
        tables._clear()


# ---- checks and the command ----


def ids() -> list[str | None]:
    return [each.id for each in run_checks() if str(each.id).startswith("matt_caching")]


def test_memory_beside_postgresql_is_refused_outside_of_debug(settings: Any, monkeypatch: Any):
    from django.core import mail

    monkeypatch.delattr(mail, "outbox", raising=False)
    settings.CACHES = caches_of("locmem")
    monkeypatch.setattr(connections["default"], "vendor", "postgresql")
    assert ids() == ["matt_caching.E001"]
    settings.DEBUG = True
    assert ids() == []
    settings.DEBUG = False
    settings.CACHES = caches_of("redis", "redis://127.0.0.1:1/0")
    assert ids() == []
    settings.CACHES = caches_of("locmem")
    monkeypatch.setattr(connections["default"], "vendor", "sqlite")
    assert ids() == []


def test_tests_of_a_project_may_use_memory(settings: Any, monkeypatch: Any):
    settings.CACHES = caches_of("locmem")
    monkeypatch.setattr(connections["default"], "vendor", "postgresql")
    assert ids() == []


@pytest.mark.parametrize(
    "wrong",
    [{"CACHE": "none"}, {"TIMEOUT": 0}, {"WAIT": "1"}, {"MAX_BODY": True}, {"STRICT": 1}, {"X": 1}],
)
def test_wrong_settings_are_reported(settings: Any, wrong: dict[str, Any]):
    from django.test.utils import override_settings

    manager = override_settings(MATT_CACHING=wrong)
    if "X" in wrong:
        with pytest.raises(Exception, match="no option 'X'"), manager:
            pass
        return
    with manager:
        assert ids() == ["matt_caching.E002"]


def test_strict_in_the_database_is_refused(settings: Any):
    settings.CACHES = caches_of("database")
    settings.MATT_CACHING = {"STRICT": True}
    assert ids() == ["matt_caching.E003"]


def command(*arguments: str) -> str:
    output = StringIO()
    call_command("matt_caching", *arguments, stdout=output)
    return output.getvalue()


def test_the_command_shows_the_routes_and_clears_them(
    redis_server: RedisServer, settings: Any, serve: Any, transactional_db: None
):
    settings.CACHES = caches_of("redis", redis_server.url)
    caches["default"].clear()
    made = Cached(serve, "sync")
    made.add(titles, cached(seconds=60, stale=90, vary=["language", _mood]))
    made.add(titles, cached(seconds=5, public=True), path="/other")
    made.get(), made.get("/other")
    shown = command("status")
    assert "cache: default, answers in " in shown
    assert "valid by: a token of each table" in shown
    assert "60 s\tstale 90 s\tvary: language, _mood" in shown
    assert "5 s\tpublic\tvary: -" in shown
    assert "is invalid" in command("clear", "/api/it")
    assert "Age" not in made.get().headers
    assert "Age" in made.get("/other").headers
    command("clear")
    assert "Age" not in made.get("/other").headers
    with pytest.raises(CommandError, match="is not a cached route; these are: /api/it, /api/other"):
        command("clear", "/api/none")


def _mood(request: HttpRequest) -> str:
    return ""


def test_the_command_cannot_reach_the_memory_of_a_server(locmem: None, serve: Any):
    Cached(serve, "sync").add(titles, MINUTE)
    with pytest.raises(CommandError, match="cannot reach"):
        command("clear")


def test_a_cache_that_is_down_is_shown(settings: Any):
    settings.CACHES = caches_of("redis", "redis://127.0.0.1:1/0")
    assert "does not answer" in command("status")
    with pytest.raises(CommandError, match="does not answer"):
        command("clear")


def test_a_cache_that_keeps_nothing_answers_with_the_view(
    settings: Any, cached_api: Any, transactional_db: None
):
    settings.CACHES = caches_of("dummy")
    made = cached_api()
    made.add(titles, MINUTE)
    for _ in range(3):
        assert made.get().status_code == 200
    assert len(made.loads) == 3
