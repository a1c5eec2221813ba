"""The page of the inspection: who may see it, what it shows, and how long it may take."""

import types
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.contrib.contenttypes.models import ContentType
from django.db import OperationalError, connection
from django.test import Client
from django.urls import clear_url_caches, include, path

from django_matt.contrib.inspection.time_limits import TimeIsUp, limit_time
from django_matt.pages import STRICT_CSP
from tests.project.models import Tag

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    # However busy the machine of the tests is.
    monkeypatch.setattr("django_matt.contrib.inspection.views.SECONDS", 100.0)
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "django_matt.contrib.inspection"]
    urlconf = types.ModuleType("urlconf_of_the_page")
    urlconf.urlpatterns = [path("inspect/", include("django_matt.contrib.inspection.urls"))]  # type: ignore[attr-defined]
    settings.ROOT_URLCONF = urlconf
    clear_url_caches()
    yield Client(raise_request_exception=False)
    clear_url_caches()


def staff(client: Client, *, permitted: bool = False, **more: Any) -> None:
    user = User.objects.create_user("ada", is_staff=True, **more)
    if permitted:
        kind = ContentType.objects.create(app_label="matt_inspection", model="inspection")
        user.user_permissions.add(Permission.objects.create(content_type=kind, codename="view_inspection", name="x"))  # fmt: skip
    client.force_login(user)


def test_a_stranger_finds_nothing_and_a_user_neither(page: Client):
    assert page.get("/inspect/").status_code == 404
    page.force_login(User.objects.create_user("bob"))
    assert page.get("/inspect/").status_code == 404


def test_staff_needs_the_permission(page: Client):
    staff(page)
    assert page.get("/inspect/").status_code == 403


def test_staff_with_the_permission_sees_the_report(page: Client):
    staff(page, permitted=True)
    with connection.cursor() as cursor:
        cursor.execute('ALTER TABLE project_tag ADD COLUMN "<b>old</b>" integer')
    answer = page.get("/inspect/")
    assert answer.status_code == 200
    assert answer["Content-Security-Policy"] == STRICT_CSP
    assert "no-store" in answer["Cache-Control"]
    shown = answer.content.decode()
    assert "project_author" in shown
    assert "&lt;b&gt;old&lt;/b&gt;" in shown
    assert "<b>old</b>" not in shown
    assert "style=" not in shown
    assert "<script" not in shown
    assert page.get("/inspect/_matt/matt.css").status_code == 200
    assert 'href="/inspect/_matt/matt.css"' in shown


def test_a_superuser_and_everybody_in_debug_see_it(page: Client, settings: Any):
    settings.DEBUG = True
    assert page.get("/inspect/").status_code == 200
    settings.DEBUG = False
    staff(page, is_superuser=True)
    assert page.get("/inspect/").status_code == 200


def test_it_only_reads_and_takes_no_query(page: Client, settings: Any):
    settings.DEBUG = True
    assert page.post("/inspect/").status_code == 405
    assert page.get("/inspect/?database=moon").status_code == 404
    assert page.get("/inspect/?database=default&sql=drop").status_code == 200


def test_a_database_that_takes_too_long_is_a_503(
    page: Client, settings: Any, monkeypatch: pytest.MonkeyPatch
):
    settings.DEBUG = True
    monkeypatch.setattr("django_matt.contrib.inspection.views.SECONDS", 0.0)
    answer = page.get("/inspect/")
    assert answer.status_code == 503
    assert "did not answer within 0 seconds" in answer.content.decode()


@pytest.mark.django_db(transaction=True)
def test_a_statement_is_stopped_and_the_connection_lives_on():
    slow = (
        "SELECT pg_sleep(60)"
        if connection.vendor == "postgresql"
        else "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    )
    with pytest.raises(TimeIsUp), limit_time(connection, 0.2), connection.cursor() as cursor:
        cursor.execute(slow)
    assert Tag.objects.count() == 0
    Tag.objects.create(name="still")
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SHOW statement_timeout")
            assert cursor.fetchone() == ("0",)


def test_a_database_that_fails_is_a_503(
    page: Client, settings: Any, monkeypatch: pytest.MonkeyPatch
):
    settings.DEBUG = True

    def fail(*_: Any) -> None:
        raise OperationalError("connection refused\nmore")

    monkeypatch.setattr(connection, "ensure_connection", fail)
    monkeypatch.setattr(connection, "set_autocommit", fail)
    monkeypatch.setattr(connection, "savepoint", fail)
    answer = page.get("/inspect/")
    assert answer.status_code == 503
    assert "The database answered: connection refused" in answer.content.decode()
    assert "more" not in answer.content.decode().partition("answered")[2].partition("</p>")[0]
