"""A project on disk whose commands run in processes of their own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.contrib.hot_reload import projects
from tests.e2e.servers import ROOT

HOME = """
{% load static matt_tailwind %}<!doctype html>
<html><head><title>Shop</title><link rel="stylesheet" href="{% static 'tailwind.css' %}"></head>
<body><h1 class="{% classes "p-2 text-brand-500" "p-4" %}">Hello {{ word }}</h1></body></html>
"""


class TailwindProject(projects.Project):
    @property
    def environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("DJANGO_", "MATT_"))}
        return {**kept, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}

    def manage(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    @property
    def stylesheet(self) -> str:
        return (self.folder / "static/tailwind.css").read_text()


def create(folder: Path) -> Path:
    settings = projects.FILES["config/settings.py"]
    for old, new in (
        ('"django_matt", "shop"', '"django_matt", "django_matt.contrib.tailwind", "shop"'),
        (
            'STATIC_URL = "static/"',
            'STATIC_URL, STATICFILES_DIRS = "static/", [BASE_DIR / "static"]',
        ),
    ):
        assert old in settings
        settings = settings.replace(old, new)
    files = {"config/settings.py": settings, "shop/templates/shop/home.html": HOME}
    projects.create(folder, **files)
    # A wheel's apps are below a folder of this name, wherever the environment is.
    other = "env/site-packages/other/templates/other.html"
    projects.Project(folder, 0, folder / "log").write(other, '<p class="mt-[91px]">')
    (folder / "static").mkdir()
    return folder


@pytest.fixture
def project(tmp_path: Path) -> TailwindProject:
    # A path that CSS has to quote.
    folder = create(tmp_path / "my shop's")
    return TailwindProject(folder, 0, folder / "log")


@pytest.fixture(autouse=True)
def _installed(settings):
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "django_matt.contrib.tailwind"]
