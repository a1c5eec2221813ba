"""The Django project that the tests run in; ``MATT_TEST_DATABASE`` chooses sqlite or postgres."""

import os
from typing import Any

import django

SECRET_KEY = "only-for-tests-0123456789-0123456789-0123456789-01"
DEBUG = False
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
USE_TZ = True
TIME_ZONE = "UTC"
ROOT_URLCONF = "tests.project.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "ninja_extra",
    "django_matt",
    "django_matt.contrib.conditional",
    "django_matt.contrib.crud",
    "django_matt.contrib.typescript",
    "tests.project",
    "tests.scopes",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
TEMPLATES = [
    {"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True, "OPTIONS": {}}
]
STATIC_URL = "static/"
MEDIA_URL = "/media/"
LOGGING_CONFIG = None
# Models of the tests of matt_seed have constraints that SQLite does not have.
SILENCED_SYSTEM_CHECKS = ["models.W038", "models.W047"]

DATABASES: dict[str, dict[str, Any]]
if os.environ.get("MATT_TEST_DATABASE", "sqlite") == "postgres":
    # Django's settings are read before any conftest.py, so the server starts here.
    from tests.project.postgres import socket_directory

    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": "postgres",
            "USER": "postgres",
            "HOST": socket_directory(),
            # A test may run others in another process, on this server (tests/own_settings.py).
            "TEST": {"NAME": f"test_{os.getpid()}"},
        }
    }
else:
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": ":memory:",
            "OPTIONS": {"transaction_mode": "IMMEDIATE"},
        }
    }

if django.VERSION >= (6, 1):
    MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}
