"""Settings of the shop; the environment chooses the database, the debug mode and the secret."""

import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from config.database import read_database_url
from django_matt.contrib.request_logs import logging_config

BASE_DIR = Path(__file__).resolve().parent.parent
# What the demo writes; another folder keeps two demos, or a test and a demo, apart.
DATA_DIR = Path(os.environ.get("SHOP_DATA", BASE_DIR))

DEBUG = os.environ.get("SHOP_DEBUG", "1") == "1"
SECRET_KEY = os.environ.get("SECRET_KEY", "")
if not SECRET_KEY:
    if not DEBUG:
        raise ImproperlyConfigured(
            "Set SECRET_KEY: with SHOP_DEBUG=0 the shop has none of its own."
        )
    SECRET_KEY = "only-for-the-demo-on-your-own-machine-0123456789"

ALLOWED_HOSTS = os.environ.get("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]").split(",")
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "ninja",
    "ninja_extra",
    "django_matt",
    "django_matt.contrib.inspection",
    "django_matt.contrib.request_logs",
    "django_matt.contrib.seeding",
    "django_matt.contrib.typescript",
    "store",
]
MIDDLEWARE = [
    "django_matt.contrib.request_logs.middleware.RequestLogMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True, "OPTIONS": {}}
]

MATT = {
    "STRICT_OPENAPI": True,
    # Formats that are named here are in the OpenAPI document too.
    "FORMATS": ["json", "csv", "msgpack", "yaml", "xml", "jsonl"],
}

DATABASES = {
    "default": read_database_url(os.environ.get("DATABASE_URL", ""), DATA_DIR / "shop.sqlite3")
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LOGGING = logging_config(debug=DEBUG)

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
MEDIA_URL = "media/"
MEDIA_ROOT = DATA_DIR / "media"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_500_000
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200
DATA_UPLOAD_MAX_NUMBER_FILES = 4

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if not DEBUG:
    # Behind a proxy that ends TLS; SHOP_HTTP=1 is for trying the production mode without one.
    over_tls = os.environ.get("SHOP_HTTP") != "1"
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = over_tls
    SECURE_SSL_REDIRECT = over_tls
    SECURE_HSTS_SECONDS = 31_536_000 if over_tls else 0
