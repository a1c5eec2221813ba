"""One stack as an application for a server, chosen by ``BENCHMARKS_STACK``, ``_INTERFACE`` and ``_HANDLER``."""

import os
from typing import Any

import django
from django.conf import settings

__all__ = ["application"]

os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.settings"
django.setup()

from benchmarks.stacks import load  # noqa: E402

settings.ROOT_URLCONF = load(os.environ["BENCHMARKS_STACK"])


def _application() -> Any:
    """Return Django's application of the interface, or ours."""
    interface, ours = os.environ["BENCHMARKS_INTERFACE"], os.environ.get("BENCHMARKS_HANDLER")
    if interface == "wsgi":
        from django.core.handlers.wsgi import WSGIHandler

        return WSGIHandler()
    if ours == "matt":
        from django_matt.asgi import MattASGIHandler

        return MattASGIHandler()
    from django.core.handlers.asgi import ASGIHandler

    return ASGIHandler()


application = _application()
