"""The settings of a project with htmx, and books on a shelf."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from django_matt.contrib.htmx import defaults
from tests.project.models import Author, Book

FRAGMENT = {"accept": "text/html", "hx-request": "true", "hx-request-type": "partial"}
BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@pytest.fixture(autouse=True)
def htmx_project(settings: Any) -> None:
    settings.INSTALLED_APPS = [
        *settings.INSTALLED_APPS,
        *defaults.APPS,
        "django_matt.contrib.htmx",
    ]
    settings.MIDDLEWARE = [
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django_matt.contrib.htmx.middleware.HtmxMiddleware",
        *settings.MIDDLEWARE[2:],
        "django.contrib.messages.middleware.MessageMiddleware",
    ]
    settings.TEMPLATES = [
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "DIRS": [Path(__file__).parent / "templates"],
            "OPTIONS": {
                "loaders": defaults.LOADERS,
                "builtins": defaults.BUILTINS,
                "context_processors": [
                    "django.template.context_processors.request",
                    "django.contrib.auth.context_processors.auth",
                    "django.contrib.messages.context_processors.messages",
                ],
            },
        }
    ]


@pytest.fixture
def author(db: None) -> Author:
    found = Author.objects.create(name="Calvino")
    Book.objects.bulk_create(
        Book(title=f"<{number}>", price=Decimal(number), author=found) for number in range(5)
    )
    return found
