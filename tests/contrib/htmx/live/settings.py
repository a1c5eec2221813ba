"""A board whose lists are live, as pages: the apps ``htmx`` and ``realtime``, and the event log of the tests of the latter."""

import os
from pathlib import Path

from django_matt.contrib.htmx import defaults
from tests.contrib.realtime.settings import *  # noqa: F403
from tests.contrib.realtime.settings import INSTALLED_APPS

ROOT_URLCONF = "tests.contrib.htmx.live.urls"
DEBUG = True
INSTALLED_APPS = [*INSTALLED_APPS, *defaults.APPS, "django_matt.contrib.htmx"]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django_matt.contrib.htmx.middleware.HtmxMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [Path(__file__).parent / "templates"],
        "OPTIONS": {
            "loaders": defaults.LOADERS,
            "builtins": defaults.BUILTINS,
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
            ],
        },
    }
]
STATIC_URL = "/static/"
MATT_HTMX = {
    "VERSION": int(os.environ.get("BOARD_HTMX", "4")),
    "EXTENSIONS": ["sse", "upsert"] if os.environ.get("BOARD_HTMX", "4") == "4" else ["sse"],
}
