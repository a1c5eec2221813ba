"""Settings of the example: answers from the documentation of Django Matt, without any provider."""

import os
from pathlib import Path

from django_matt.contrib.environments import database

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(os.environ.get("ASK_DATA", BASE_DIR))

DEBUG = os.environ.get("DEBUG", "1") == "1"
SECRET_KEY = "only-for-the-example-on-your-own-machine-0123456789"
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.staticfiles",
    "ninja_extra",
    "django_matt",
    "django_matt.contrib.search",
    "django_matt.contrib.rag",
    "pages",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]

DATABASES = {
    "default": database(os.environ.get("DATABASE_URL") or f"sqlite:///{DATA_DIR / 'ask.sqlite3'}")
}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # Questions are answered while sources are ingested.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL",
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL = "static/"
USE_TZ = True

MATT_RAG = {
    # Quotes the best source. With a provider: "openai:gpt-5", and OPENAI_API_KEY in the environment.
    "MODEL": os.environ.get("ASK_MODEL", "pages.language_models.quoting"),
}
if folder := os.environ.get("MINILM"):
    # The folder that `manage.py matt_rag model export` has written.
    MATT_RAG["EMBEDDER"] = {
        "BACKEND": "django_matt.contrib.rag.embedders.MiniLM",
        "OPTIONS": {"folder": folder},
    }
