"""What `manage.py check` says about a front end."""

import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks
from django.test import Client
from django.urls import clear_url_caches

from django_matt.contrib.spa.settings import DEV_SERVER
from tests.contrib.spa.conftest import Found

HERE = "http://localhost:3000"


def test_a_built_front_end_has_no_message(site: Client, found: Found):
    assert found(deploy=True) == set()


def test_a_deployment_without_a_build_is_an_error(site: Client, folder: Path, found: Found):
    (folder / "static/front/.vite/manifest.json").unlink()
    # `make test` and `make dev` need none.
    assert found() == set()
    assert found(deploy=True) == {"matt_spa.E003"}


@pytest.mark.parametrize(
    "options",
    [
        {"ROOT": ""},
        {"OUTPUT": None},
        {"ENTRY": "/src/main.tsx"},
        {"ENTRY": 7},
        {"SERVER": "/dist/entry.mjs"},
        {"SERVER": None},
        {"DEV": []},
        {"DEV": "astro dev"},
        {"DEV": [7]},
        {"ORIGINS": HERE},
        {"ORIGINS": ["localhost:3000"]},
        {"ORIGINS": [f"{HERE}/"]},
        {"COLOUR": "red"},
    ],
    ids=str,
)
def test_a_wrong_setting_is_named(site: Client, settings_module: Any, found: Found, options: Any):
    settings_module("MATT_SPA", options)
    assert "matt_spa.E001" in found(deploy=True)


def test_a_build_that_no_page_can_load_is_an_error(site: Client, settings: Any, found: Found):
    settings.MATT_SPA = {"OUTPUT": "elsewhere"}
    assert "matt_spa.E002" in found()


def test_the_dev_server_in_production_is_a_warning(
    site: Client, settings: Any, found: Found, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(DEV_SERVER, "http://localhost:5173")
    assert found() == {"matt_spa.W001"}
    settings.DEBUG = True
    assert found() == set()


@pytest.mark.parametrize(
    ("trusted", "messages"),
    [
        ([], {"matt_spa.W002"}),
        ([HERE], set()),
        (["https://localhost:3000"], {"matt_spa.W002"}),
        (["http://*.localhost:3000"], set()),
    ],
    ids=str,
)
def test_an_origin_that_fails_the_csrf_check_is_named(
    site: Client, settings: Any, found: Found, trusted: list[str], messages: set[str]
):
    settings.MATT_SPA = {"ORIGINS": [HERE]}
    settings.CSRF_TRUSTED_ORIGINS = trusted
    assert found() == messages


def test_the_check_agrees_with_django(site: Client, settings: Any, found: Found):
    """A write from each origin, with cookie and token, and what the check says about it."""
    origins = ["https://app.example.com", "https://example.com", "http://app.example.com"]
    settings.CSRF_TRUSTED_ORIGINS = ["https://*.example.com"]
    client = Client(enforce_csrf_checks=True, headers={"Accept": "text/html"})
    client.get("/")
    token = client.cookies["csrftoken"].value
    for origin in origins:
        settings.MATT_SPA = {"ORIGINS": [origin]}
        sent = {"Origin": origin, "X-CSRFToken": token}
        is_refused = client.post("/about/", headers=sent).status_code == 403
        assert is_refused == ("matt_spa.W002" in found()), origin


def test_origins_of_cors_with_credentials_count_too(site: Client, settings: Any, found: Found):
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "corsheaders"]
    settings.CORS_ALLOWED_ORIGINS = [HERE]
    assert found() == set()
    settings.CORS_ALLOW_CREDENTIALS = True
    assert found() == {"matt_spa.W002"}


def test_a_secure_session_is_not_sent_to_http(site: Client, settings: Any, found: Found):
    settings.MATT_SPA = {"ORIGINS": [HERE]}
    settings.CSRF_TRUSTED_ORIGINS = [HERE]
    settings.SESSION_COOKIE_SECURE = True
    assert found() == {"matt_spa.W003"}


def test_urls_after_the_front_end_are_never_reached(site: Client, found: Found):
    urlconf: Any = sys.modules["tests_spa_urls"]
    urlconf.urlpatterns.insert(1, urlconf.urlpatterns.pop())
    clear_url_caches()
    assert found() == {"matt_spa.E004"}
    said = next(each for each in run_checks(tags=["matt"]) if each.id == "matt_spa.E004")
    assert "admin/" in said.msg


def test_pages_that_node_renders_need_no_build_here_and_no_page_of_django(
    site: Client, settings: Any, found: Found
):
    settings.MATT_SPA = {"SERVER": "dist/server/entry.mjs", "OUTPUT": "elsewhere"}
    assert found(deploy=True) == {"matt_spa.E005"}
    urlconf: Any = sys.modules["tests_spa_urls"]
    urlconf.urlpatterns.pop()
    clear_url_caches()
    assert found(deploy=True) == set()


def test_pages_that_node_renders_need_no_django_vite(
    monkeypatch: pytest.MonkeyPatch, settings: Any
):
    from django_matt.contrib.spa import apps

    monkeypatch.setattr(apps, "find_spec", lambda name: None)
    settings.MATT_SPA = {"SERVER": "dist/server/entry.mjs"}
    apps.SpaConfig.create("django_matt.contrib.spa").ready()


def test_a_missing_django_vite_names_its_extra(monkeypatch: pytest.MonkeyPatch):
    from django_matt.contrib.spa import apps
    from django_matt.errors.exceptions import MissingExtra

    monkeypatch.setattr(apps, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match="spa"):
        apps.SpaConfig.create("django_matt.contrib.spa").ready()
