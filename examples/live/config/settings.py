"""Settings of the example: an API whose lists are live. ``DATABASE_URL`` chooses PostgreSQL."""

import os
from pathlib import Path

import django

from django_matt.contrib.environments import database

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(os.environ.get("LIVE_DATA", BASE_DIR))

DEBUG = os.environ.get("DEBUG", "1") == "1"
SECRET_KEY = "only-for-the-example-on-your-own-machine-0123456789"
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.staticfiles",
    "ninja_extra",
    "django_matt",
    "django_matt.contrib.events",
    "django_matt.contrib.realtime",
    "django_matt.contrib.webhooks",
    "django_matt.contrib.observability",
    "django_tasks_db",
    # Django's own API of tasks, which Django 5.2 has not got yet.
    *(["django_tasks"] if django.VERSION < (6, 0) else []),
    "orders",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_matt.policies.PolicyMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
# Nothing from elsewhere, and no inline scripts or styles.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
    }
}

DATABASES = {
    "default": database(os.environ.get("DATABASE_URL") or f"sqlite:///{DATA_DIR / 'live.sqlite3'}")
}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # The server and the worker write at the same time: each waits for the other.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL",
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL = "static/"
USE_TZ = True

TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}
MATT_WEBHOOKS = {
    "TOPICS": ["order.ready"],
    # A receiver on your own machine, for development alone.
    "PRIVATE_NETWORKS": ["127.0.0.0/8"] if DEBUG else [],
}
MANAGER_TOKEN = os.environ.get("MANAGER_TOKEN", "only-for-the-example")
# The secret that you share with the payment service.
PAYMENTS_SECRET = os.environ.get(
    "PAYMENTS_SECRET", "whsec_b25seS1mb3ItdGhlLWV4YW1wbGUtMDEyMzQ1Njc4OQ=="
)
