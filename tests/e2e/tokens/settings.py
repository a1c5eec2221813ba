"""A small site with a session login and tokens, served by two processes."""

import os
from pathlib import Path

SECRET_KEY = "only-for-tests-0123456789-0123456789-0123456789-01"
ALLOWED_HOSTS = ["localhost"]
ROOT_URLCONF = "tests.e2e.tokens.urls"
USE_TZ = True
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "ninja_extra",
    "django_matt",
    "django_matt.contrib.tokens",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(Path(os.environ["SITE_FOLDER"]) / "site.sqlite3"),
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 30},
    }
}
MATT_TOKENS = {"COOKIES": True, "REVOCATION_SECONDS": 1}
