"""The Django project that the stacks are measured in; the environment chooses the database and the interface."""

import os
from typing import Any

SECRET_KEY = "only-for-benchmarks-0123456789-0123456789-0123456789"
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]
USE_TZ = True
TIME_ZONE = "UTC"
ROOT_URLCONF = "benchmarks.settings"
urlpatterns: list[Any] = []
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = ["ninja_extra", "django_matt", "django_matt.contrib.crud", "benchmarks"]
MIDDLEWARE: list[str] = []
if os.environ.get("BENCHMARKS_HANDLER") == "bolt":
    INSTALLED_APPS.append("django_bolt")
    BOLT_API = ["benchmarks.stacks.bolt:api"]

# As in production. Ninja Extra logs every request at INFO, which Django's own default would build and then drop.
LOGGING = {"version": 1, "loggers": {"django.request": {"level": "WARNING"}}}

# What a careful team sets: nothing of DRF or modern-rest works for an answer that nobody asked for.
REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "UNAUTHENTICATED_USER": None,
}
DMR_SETTINGS = {"validate_responses": False}

# A connection belongs to a thread, and under ASGI Django gives every request a thread of its own: there a pool keeps
# PostgreSQL's connections open, as Django's documentation advises, and SQLite's are opened anew.
# Our own handler keeps its threads, and so their connections.
_ASGI = (
    os.environ.get("BENCHMARKS_INTERFACE") == "asgi"
    and os.environ.get("BENCHMARKS_HANDLER") != "matt"
)
_CONNECTION: dict[str, Any] = {"CONN_MAX_AGE": 0 if _ASGI else None}
DATABASES: dict[str, dict[str, Any]]
if os.environ.get("BENCHMARKS_DATABASE") == "postgres":
    from tests.project.postgres import socket_directory

    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": "postgres",
            "USER": "postgres",
            "HOST": socket_directory(),
            "OPTIONS": {"pool": {"min_size": 1, "max_size": 8}} if _ASGI else {},
            **_CONNECTION,
        }
    }
else:
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": os.environ.get("BENCHMARKS_SQLITE", ":memory:"),
            "OPTIONS": {"init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL"},
            **_CONNECTION,
        }
    }
