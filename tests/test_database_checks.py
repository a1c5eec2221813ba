"""``migrate`` and ``check --database`` know a database that is too old, or slower than it could be."""

import io
import sqlite3

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connection, connections

from django_matt import database_checks

pytestmark = pytest.mark.django_db


def check(**options):
    out = io.StringIO()
    call_command("check", databases=["default"], stdout=out, stderr=out, **options)
    return out.getvalue()


def test_the_databases_of_these_tests_have_no_fault():
    assert "matt." not in check()


def test_what_django_finds_too_old_is_an_error_with_a_hint(monkeypatch):
    monkeypatch.setattr(connection.features, "minimum_database_version", (99,))
    with pytest.raises(SystemCheckError, match=r"matt\.E003.*99 or later is required") as failed:
        check()
    assert "Only routes that do not use this database work" in str(failed.value)


def test_it_is_asked_only_with_the_databases(monkeypatch):
    monkeypatch.setattr(connection.features, "minimum_database_version", (99,))
    call_command("check", "--tag", "matt")
    call_command("check")


def test_migrate_asks_it_too(monkeypatch):
    monkeypatch.setattr(connection.features, "minimum_database_version", (99,))
    with pytest.raises(SystemCheckError, match=r"matt\.E003"):
        call_command("migrate", "--plan", skip_checks=False, stdout=io.StringIO())


@pytest.mark.skipif(connection.vendor != "sqlite", reason="a limit of SQLite")
def test_an_sqlite_that_takes_few_parameters_is_a_warning():
    connection.ensure_connection()
    before = connection.connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 999)
    try:
        shown = check()
    finally:
        connection.connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, before)
    assert "matt.W005" in shown
    assert "accepts 999 parameters" in shown


def test_a_time_zone_of_the_connection_is_a_note(settings):
    before = connection.settings_dict["TIME_ZONE"]
    connection.settings_dict["TIME_ZONE"] = "Asia/Kathmandu"
    try:
        assert "matt.I002" in check()
        settings.USE_TZ = False
        assert "matt.I002" not in check()
    finally:
        connection.settings_dict["TIME_ZONE"] = before


def test_a_database_whose_rows_are_not_known_is_a_note(monkeypatch):
    # No server of another kind runs here: this one says that it is one.
    monkeypatch.setattr(connections["default"], "vendor", "mysql")
    assert "matt.I001" in check()


@pytest.mark.skipif(connection.vendor != "postgresql", reason="drivers of PostgreSQL")
def test_the_older_driver_of_postgresql_is_a_note(monkeypatch):
    monkeypatch.setattr(database_checks, "is_psycopg3", lambda: False)
    assert "matt.I001" in check()


@pytest.mark.parametrize(
    ("asgi", "age", "found"),
    [
        ("it.asgi", 60, True),
        ("it.asgi", None, True),
        ("it.asgi", 0, False),
        (None, 60, False),
        ("tests.e2e.threaded.application", None, False),
        ("tests.e2e.servers.application", None, True),
    ],
)
def test_kept_connections_under_asgi_are_a_warning(settings, monkeypatch, asgi, age, found):
    if asgi:
        settings.ASGI_APPLICATION = asgi
    monkeypatch.setitem(settings.DATABASES["default"], "CONN_MAX_AGE", age)
    shown = io.StringIO()
    call_command("check", "--deploy", "--tag", "matt", stdout=shown, stderr=shown)
    assert ("matt.W004" in shown.getvalue()) is found
