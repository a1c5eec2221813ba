"""One stack as an application for a server; ``BENCHMARKS_STACK`` and ``BENCHMARKS_INTERFACE`` choose it."""

import os

import django
from django.conf import settings

__all__ = ["application"]

os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.settings"
django.setup()

from django.core.handlers.asgi import ASGIHandler  # noqa: E402
from django.core.handlers.wsgi import WSGIHandler  # noqa: E402

from benchmarks.stacks import load  # noqa: E402

settings.ROOT_URLCONF = load(os.environ["BENCHMARKS_STACK"])
application = ASGIHandler() if os.environ["BENCHMARKS_INTERFACE"] == "asgi" else WSGIHandler()
