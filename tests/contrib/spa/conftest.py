"""A project with the build of a front end, as Vite 8 writes it."""

import json
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import clear_url_caches, include, path

from django_matt import MattAPI
from django_matt.contrib.spa.settings import DEV_SERVER

MANIFEST: dict[str, Any] = {
    "_shared-1a2b.js": {"file": "assets/shared-1a2b.js", "name": "shared"},
    "src/main.tsx": {
        "file": "assets/main-3c4d.js",
        "name": "main",
        "src": "src/main.tsx",
        "isEntry": True,
        "imports": ["_shared-1a2b.js"],
        "css": ["assets/main-5e6f.css"],
    },
}
WRITER = "django.middleware.csp.ContentSecurityPolicyMiddleware"
try:
    import django.middleware.csp  # noqa: F401 - Django 6
except ImportError:
    WRITER = "csp.middleware.CSPMiddleware"
POLICY = {"default-src": ["'self'"], "object-src": ["'none'"]}
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def build(folder: Path, **entries: Any) -> None:
    manifest = folder / "static/front/.vite/manifest.json"
    manifest.parent.mkdir(parents=True, exist_ok=True)
    manifest.write_text(json.dumps({**MANIFEST, **entries}))


@pytest.fixture
def folder(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.delenv(DEV_SERVER, raising=False)
    settings.BASE_DIR = tmp_path
    settings.INSTALLED_APPS = [
        *(each for each in settings.INSTALLED_APPS if each != "django.contrib.staticfiles"),
        "django.contrib.staticfiles",
        "django_matt.contrib.spa",
    ]
    settings.STATIC_URL = "/static/"
    settings.MEDIA_URL = "/media/"
    settings.STATICFILES_DIRS = [tmp_path / "static"]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.TEMPLATES = [
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "DIRS": [tmp_path / "templates"],
            "APP_DIRS": True,
            "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
        }
    ]
    settings.SECURE_CSP = POLICY
    settings.CONTENT_SECURITY_POLICY = {"DIRECTIVES": POLICY}
    settings.MIDDLEWARE = [
        WRITER,
        "django_matt.policies.PolicyMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
    ]
    (tmp_path / "static").mkdir()
    from django.contrib.staticfiles.finders import get_finder

    get_finder.cache_clear()
    yield tmp_path
    get_finder.cache_clear()


@pytest.fixture
def site(folder: Path, settings: Any) -> Iterator[Client]:
    """The API, a page of Django's, and the front end after them."""
    build(folder)
    api = MattAPI(title="Lamps", urls_namespace="spa", extensions=[])

    @api.get("/lamps")
    def list_lamps(request: HttpRequest) -> list[str]:
        return ["arc"]

    def say(request: HttpRequest) -> HttpResponse:
        return HttpResponse("Django's own")

    pages = types.ModuleType("tests_spa_pages")
    pages.urlpatterns = [path("accounts/", include([path("login/", say)])), path("about/", say)]  # type: ignore[attr-defined]
    urlconf = types.ModuleType("tests_spa_urls")
    urlconf.urlpatterns = [  # type: ignore[attr-defined]
        path("api/", api.urls),
        path("admin/", include([path("", say), path("lamps/", say)])),
        path("", include(pages)),
        path("", include("django_matt.contrib.spa.urls")),
    ]
    urlconf.handler404 = "django_matt.errors.views.handler404"  # type: ignore[attr-defined]
    sys.modules["tests_spa_urls"] = urlconf
    settings.ROOT_URLCONF = "tests_spa_urls"
    clear_url_caches()
    yield Client(raise_request_exception=False, headers=BROWSER)
    clear_url_caches()
    del sys.modules["tests_spa_urls"]


Found = Callable[..., set[str]]


@pytest.fixture
def found() -> Found:
    """Return ``found()``: the ids of the app's messages."""
    from django.core.checks import run_checks

    return lambda *, deploy=False: {
        str(each.id)
        for each in run_checks(include_deployment_checks=deploy, tags=["matt"])
        if str(each.id).startswith("matt_spa")
    }
