"""Permissions, the navigation, branding, the policy and custom pages."""

import pytest
from django.core.checks import run_checks
from django.test import override_settings

from django_matt.contrib.admin import checks

pytestmark = pytest.mark.django_db
UNFOLD = ["script-src 'self' 'unsafe-eval'", "style-src 'self' 'unsafe-inline'"]


def test_the_policy_is_wider_below_the_admin_alone(root):
    inside = root.get("/admin/")["Content-Security-Policy"]
    outside = root.get("/")["Content-Security-Policy"]
    for directive in UNFOLD:
        assert directive in inside
    assert "unsafe" not in outside
    assert "frame-ancestors 'none'" in inside
    # Also on the page of who is not signed in, and on an error.
    assert UNFOLD[0] in root.get("/admin/nothing/")["Content-Security-Policy"]


def test_branding_and_the_badge_are_those_of_the_settings(root):
    page = root.get("/admin/").content.decode()
    assert "Books &amp; more" in page
    assert "Staging" in page
    assert "menu_book" in page


def test_the_navigation_has_what_the_user_may_see(sign_in):
    page = sign_in("project.view_book").get("/admin/").content.decode()
    assert "/admin/project/book/" in page
    assert "/admin/project/author/" not in page
    assert "/api/docs" in page
    # Titles of the project are no HTML.
    assert "Status &lt;page&gt;" in page
    assert "Reports &lt;1&gt;" in page
    assert "Reports" not in sign_in("project.view_author").get("/admin/").content.decode()


def test_a_page_needs_staff_and_its_permission(client, sign_in, books):
    assert client.get("/admin/reports/").status_code == 302
    assert sign_in("project.view_author").get("/admin/reports/").status_code == 403
    allowed = sign_in("project.view_book")
    assert "12 books" in allowed.get("/admin/reports/").content.decode()
    assert allowed.get("/admin/reports/7/").content == b"Report 7"


def test_a_project_can_turn_the_navigation_and_the_dashboard_off(root):
    with override_settings(
        MATT_ADMIN={"NAVIGATION": False},
        UNFOLD={"SIDEBAR": {"navigation": [{"items": [{"title": "Own", "link": "/own/"}]}]}},
    ):
        page = root.get("/admin/").content.decode()
    assert "/own/" in page
    assert "/api/docs" not in page
    assert "/admin/panels/" not in page


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"TITEL": "x"}, "has no option 'TITEL'"),
        ({"TITLE": 3}, "must be a string"),
        ({"LINKS": ["x"]}, "must be a dictionary"),
        ({"CACHE_SECONDS": -1}, "must be 0 or more"),
        ({"DASHBOARD": "nothing.here"}, "cannot be imported"),
        ({"DASHBOARD": "tests.contrib.admin.panels.staff_of"}, "is not a list of panels"),
    ],
)
def test_a_wrong_setting_is_a_check(settings_module, options, message):
    settings_module("MATT_ADMIN", options)
    (found,) = checks.check_settings()
    assert found.id == "matt_admin.E001"
    assert message in found.msg


def test_the_order_of_the_apps_is_checked(monkeypatch):
    from types import SimpleNamespace

    assert checks.check_apps() == []
    for order, number in (
        (["django.contrib.admin", "django_matt.contrib.admin", "unfold"], "E003"),
        (["unfold", "django.contrib.admin", "django_matt.contrib.admin"], "E003"),
        (["django_matt.contrib.admin", "django.contrib.admin"], "E002"),
    ):
        configs = [SimpleNamespace(name=each) for each in order]
        monkeypatch.setattr(checks.apps, "get_app_configs", lambda configs=configs: configs)
        (found,) = checks.check_apps()
        assert found.id == f"matt_admin.{number}"
        assert "django.contrib.admin" in (found.hint or "")


def test_a_missing_policy_middleware_is_reported(settings):
    assert [each.id for each in run_checks(tags=["matt"])] == []
    settings.MIDDLEWARE = [each for each in settings.MIDDLEWARE if "policies" not in each]
    assert "matt.W007" in [each.id for each in run_checks(tags=["matt"])]


def test_columns_that_cannot_be_exported_are_reported(monkeypatch):
    from django.contrib import admin

    from tests.contrib.admin.admin import BookAdmin
    from tests.project.models import Book

    assert checks.check_transfers() == []
    monkeypatch.setattr(
        BookAdmin, "transfer_fields", ["id", "tags", "author_id", "nothing", "blurb"]
    )
    found = checks.check_transfers()
    assert {each.id for each in found} == {"matt_admin.E004"}
    for name in ("tags", "author_id", "nothing", "blurb"):
        assert any(repr(name) in each.msg for each in found)
    assert admin.site.get_model_admin(Book).transfer_fields[0] == "id"
