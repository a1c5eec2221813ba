"""What the front end's page is for, and what it is not: an answer to requests of the API, the admin, or for files."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from django_matt.contrib.spa.settings import DEV_SERVER
from tests.contrib.spa.conftest import MANIFEST, build

VITE = "http://localhost:5173"


def policy_of(response: Any) -> dict[str, set[str]]:
    directives = (each.split() for each in response["Content-Security-Policy"].split(";"))
    return {name: set(sources) for name, *sources in directives}


@pytest.mark.parametrize("path", ["/", "/lamps", "/lamps/1/edit", "/accountsx", "/a.b/c d"])
def test_a_url_of_the_front_end_gets_its_page(site: Client, path: str):
    response = site.get(path)
    assert response.status_code == 200
    page = response.content.decode()
    # As Vite names them, and nothing inline.
    assert 'src="/static/front/assets/main-3c4d.js"' in page
    assert 'href="/static/front/assets/main-5e6f.css"' in page
    assert 'href="/static/front/assets/shared-1a2b.js"' in page
    assert not re.search(r"<script(?![^>]* src=)|<style|style=", page)
    assert response["Cache-Control"] == "private, no-cache"
    assert "Accept" in response["Vary"]
    assert response.cookies["csrftoken"].value
    assert policy_of(response) == {"default-src": {"'self'"}, "object-src": {"'none'"}}


@pytest.mark.parametrize(
    ("path", "accept"),
    [
        ("/api/nothing", "text/html"),
        ("/api/lamps/1", "text/html"),
        ("/admin/nothing", "text/html"),
        ("/accounts/nothing", "text/html"),
        ("/static/front/assets/main-old.js", "text/html"),
        ("/media/lamp.png", "text/html"),
        (
            "/.well-known/resource-that-should-not-exist-whose-status-code-should-not-be-200",
            "text/html",
        ),
        ("/lamps", "*/*"),
        ("/lamps", "application/json"),
        ("/favicon.ico", "image/avif,image/webp,*/*;q=0.8"),
    ],
)
def test_what_belongs_to_others_stays_a_404(site: Client, path: str, accept: str):
    response = site.get(path, headers={"Accept": accept})
    assert response.status_code == 404
    assert b"main-3c4d.js" not in response.content


def test_other_methods_are_no_pages(site: Client):
    site.get("/")
    assert site.post("/lamps", {}).status_code == 404
    assert site.head("/lamps").status_code == 200


def test_the_api_and_django_s_pages_are_not_in_its_way(site: Client):
    assert site.get("/api/lamps").json() == ["arc"]
    assert site.get("/admin/").content == b"Django's own"
    assert site.get("/about/").content == b"Django's own"


def test_a_slash_that_is_missing_is_added_as_elsewhere(site: Client, settings: Any):
    for path in ("/admin", "/admin/lamps?page=2", "/about", "/accounts/login"):
        response = site.get(path)
        place, _, query = path.partition("?")
        assert response.status_code == 301
        assert response["Location"] == f"{place}/{'?' + query if query else ''}"
        for accept in ("*/*", "application/json"):
            assert site.get(path, headers={"Accept": accept})["Location"] == response["Location"]
    # The method becomes GET on the way, so DEBUG says it.
    strict = Client(enforce_csrf_checks=True)
    for method in ("post", "put", "patch", "delete"):
        assert getattr(strict, method)("/about").status_code == 301
        settings.DEBUG = True
        with pytest.raises(RuntimeError, match=f"You called this URL via {method.upper()}"):
            getattr(strict, method)("/about")
        settings.DEBUG = False
        assert getattr(strict, method)("/nothing").status_code == 404
    assert site.get("//evil.example").status_code == 200
    settings.APPEND_SLASH = False
    assert site.get("/about").status_code == 200


def test_a_build_while_the_server_runs_is_seen_at_once(site: Client, folder: Path):
    assert b"main-3c4d.js" in site.get("/").content
    newer = {**MANIFEST["src/main.tsx"], "file": "assets/main-9999.js"}
    build(folder, **{"src/main.tsx": newer})
    assert b"main-9999.js" in site.get("/").content


@pytest.mark.parametrize("manifest", [None, "", "{", "[]", '{"src/other.tsx": {"file": "a.js"}}'])
def test_without_a_build_the_page_says_what_to_run(
    site: Client, folder: Path, settings: Any, manifest: str | None
):
    place = folder / "static/front/.vite/manifest.json"
    place.unlink() if manifest is None else place.write_text(manifest)
    response = site.get("/")
    assert response.status_code == 503
    assert b"manage.py" not in response.content
    assert str(folder).encode() not in response.content
    settings.DEBUG = True
    assert b"manage.py matt_spa build" in site.get("/").content


def test_hashed_names_are_not_hashed_again(site: Client, settings: Any, folder: Path):
    """Chunks import the entry by Vite's name: under a second name the browser would run it twice."""
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"},
    }
    assert b'src="/static/front/assets/main-3c4d.js"' in site.get("/").content


def test_static_files_may_be_at_another_host_or_prefix(site: Client, settings: Any, folder: Path):
    from django.contrib.staticfiles.finders import get_finder

    settings.STATIC_URL = "https://cdn.example/x/"
    settings.STATICFILES_DIRS = [("own", folder / "static")]
    get_finder.cache_clear()
    assert b'src="https://cdn.example/x/own/front/assets/main-3c4d.js"' in site.get("/").content


def test_the_project_overrides_the_page(site: Client, folder: Path):
    override = folder / "templates/matt_spa/page.html"
    override.parent.mkdir(parents=True)
    override.write_text(
        '{% extends "matt_spa/page.html" %}{% block title %}Lamp & Co{% endblock %}'
    )
    page = site.get("/").content.decode()
    assert "<title>Lamp & Co</title>" in page
    assert "main-3c4d.js" in page


def test_the_dev_server_is_allowed_in_debug_alone(
    site: Client, settings: Any, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(DEV_SERVER, VITE)
    page = site.get("/").content.decode()
    assert VITE not in page
    settings.DEBUG = True
    response = Client(headers={"Accept": "text/html"}).get("/")
    page = response.content.decode()
    assert f'src="{VITE}/@vite/client"' in page
    assert f'src="{VITE}/src/main.tsx"' in page
    assert "main-3c4d.js" not in page
    assert not re.search(r"<script(?![^>]* src=)", page)
    policy = policy_of(response)
    assert policy["script-src"] == {"'self'", VITE}
    assert policy["connect-src"] == {"'self'", VITE, "ws://localhost:5173"}
    assert policy["style-src"] == {"'self'", VITE, "'unsafe-inline'"}
    assert policy["object-src"] == {"'none'"}


@pytest.mark.parametrize("origin", ["localhost:5173", "http://localhost:5173/", "javascript:1"])
def test_a_dev_server_that_is_no_origin_is_refused(
    site: Client, settings: Any, monkeypatch: pytest.MonkeyPatch, origin: str, found: Any
):
    settings.DEBUG = True
    monkeypatch.setenv(DEV_SERVER, origin)
    assert "matt_spa.E001" in found()
    assert site.get("/").status_code == 500


def test_the_front_end_below_a_prefix_leaves_the_rest(site: Client, settings: Any, folder: Path):
    import sys

    from django.urls import clear_url_caches, include, path

    urlconf = sys.modules["tests_spa_urls"]
    urlconf.urlpatterns[-1] = path("app/", include("django_matt.contrib.spa.urls"))  # type: ignore[attr-defined]
    clear_url_caches()
    assert site.get("/app/").status_code == 200
    assert site.get("/app/lamps/1").status_code == 200
    assert site.get("/lamps").status_code == 404
    assert site.get("/api/nothing").status_code == 404


def test_options_may_be_lists(site: Client, settings: Any):
    settings.MATT_SPA = {"DEV": ["vite/bin/vite.js"], "ORIGINS": []}
    assert site.get("/").status_code == 200


def test_the_policy_of_django_s_pages_is_not_that_of_node_s(
    site: Client, settings: Any, monkeypatch: pytest.MonkeyPatch
):
    settings.MATT_SPA = {"SERVER": "dist/server/entry.mjs"}
    settings.DEBUG = True
    monkeypatch.setenv(DEV_SERVER, VITE)
    assert VITE not in site.get("/about/")["Content-Security-Policy"]
