"""Settings of the example: a site of pages whose views are the operations of an API. ``DATABASE_URL`` chooses PostgreSQL."""

import os
from pathlib import Path

from django_matt.contrib.environments import database
from django_matt.contrib.htmx import defaults as htmx

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(os.environ.get("PAGES_DATA", BASE_DIR))

DEBUG = os.environ.get("DEBUG", "1") == "1"
SECRET_KEY = "only-for-the-example-on-your-own-machine-0123456789"
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]

INSTALLED_APPS = [
    "django_matt.contrib.admin",
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "ninja_extra",
    "django_matt",
    "django_matt.contrib.conditional",
    "django_matt.contrib.htmx",
    *htmx.APPS,
    "books",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_matt.policies.PolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django_matt.contrib.htmx.middleware.HtmxMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "config.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "OPTIONS": {
            "loaders": htmx.LOADERS,
            "builtins": htmx.BUILTINS,
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]
# Nothing from elsewhere, and no inline scripts or styles. The admin has a policy of its own, below its URL.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
    }
}
MATT_ADMIN = {"TITLE": "The library", "ICON": "menu_book", "DASHBOARD": "books.dashboards.panels"}
MATT_HTMX = {"VERSION": int(os.environ.get("HTMX", "4"))}

DATABASES = {
    "default": database(os.environ.get("DATABASE_URL") or f"sqlite:///{DATA_DIR / 'pages.sqlite3'}")
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LOGIN_URL = "/sign-in/"
LOGIN_REDIRECT_URL = "/books"
LOGOUT_REDIRECT_URL = "/books"
STATIC_URL = "static/"
USE_TZ = True
