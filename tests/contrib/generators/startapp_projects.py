"""A project in a folder that `manage.py startapp` writes apps into, and what is done with them there."""

import os
import subprocess
import sys
from pathlib import Path

from tests.cli.projects import MANAGE, SmallProject, make_project

__all__ = ["add_apps", "answer", "make_starting_project", "said"]

SETTINGS = """\
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY = "only-for-tests-0123456789-0123456789-0123456789-01"
DEBUG = True
ALLOWED_HOSTS = ["127.0.0.1", "testserver"]
ROOT_URLCONF = "config.urls"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
STATIC_URL = "static/"
STARTED = (BASE_DIR / "apps.txt").read_text().split()
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "ninja_extra",
    "django_matt",
    "django_matt.contrib.generators",
    "django_matt.contrib.crud",
    "django_matt.contrib.seeding",
    TENANTS
    *STARTED,
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": BASE_DIR / "db.sqlite3",
        "OPTIONS": {"timeout": 20},
    }
}
"""
URLS = """\
from importlib import import_module

from django.conf import settings
from django.contrib import admin
from django.urls import path

from django_matt import MattAPI

urlpatterns = [path("admin/", admin.site.urls)]
# Each app has an API of its own, so that many may be in one project.
for name in settings.STARTED:
    api = MattAPI(title=name, urls_namespace=name)
    api.register_controllers(*import_module(f"{name}.controllers").CONTROLLERS)
    urlpatterns.append(path(f"{name}/", api.urls))
"""
ASGI = """\
import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from django_matt.asgi import get_asgi_application

application = get_asgi_application()
"""


def make_starting_project(folder: Path, *, tenants: bool = False) -> SmallProject:
    """Write a project without apps of its own; with ``tenants``, it has organizations."""
    project = make_project(folder)
    app = '"django_matt.contrib.tenants",' if tenants else ""
    for path, text in {
        "manage.py": MANAGE,
        "config/settings.py": SETTINGS.replace("TENANTS", app, 1)
        if app
        else SETTINGS.replace("    TENANTS\n", ""),
        "config/urls.py": URLS,
        "config/asgi.py": ASGI,
        "apps.txt": "",
    }.items():
        project.write(path, text)
    return project


def add_apps(project: SmallProject, *names: str) -> None:
    """Install apps that were started."""
    project.append("apps.txt", "".join(f"{name}\n" for name in names))


def said(done: "subprocess.CompletedProcess[str]") -> str:
    """Return what a command said; fail if it failed."""
    assert done.returncode == 0, f"{done.args}\n{done.stdout[-6000:]}\n{done.stderr[-6000:]}"
    return done.stdout + done.stderr


def answer(project: SmallProject, *arguments: str, typed: bytes) -> str:
    """Run `manage.py` at a terminal where somebody answers each question, and return what it shows."""
    main, theirs = os.openpty()
    shown = b""
    with subprocess.Popen(
        [sys.executable, "manage.py", *arguments],
        cwd=project.folder,
        env=project.variables,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ):
        os.close(theirs)
        lines = typed.splitlines(keepends=True)
        while True:
            if lines and shown.endswith((b"]: ", b"[y/N] ")):
                os.write(main, lines.pop(0))
            try:
                part = os.read(main, 65536)
            except OSError:
                break
            if not part:
                break
            shown += part
    os.close(main)
    return shown.decode().replace("\r\n", "\n")
