"""For a project's settings: the apps that templates need, and how templates are loaded, on each Django."""

from typing import Any

import django

__all__ = ["APPS", "BUILTINS", "LOADERS"]

_READS: list[Any] = [
    "django_cotton.cotton_loader.Loader",
    "django.template.loaders.filesystem.Loader",
    "django.template.loaders.app_directories.Loader",
]

APPS: list[str] = ["django_htmx", "django_cotton.apps.SimpleAppConfig"]
"""For ``INSTALLED_APPS``, before your own apps."""
LOADERS: list[Any] = [("django.template.loaders.cached.Loader", _READS)]
"""For ``TEMPLATES[0]["OPTIONS"]["loaders"]``; without ``APP_DIRS``, which they replace."""
BUILTINS: list[str] = [
    "django_cotton.templatetags.cotton",
    "django_matt.contrib.htmx.templatetags.matt_htmx",
]
"""For ``TEMPLATES[0]["OPTIONS"]["builtins"]``: the tags that need no ``{% load %}``."""

if django.VERSION < (6, 0):
    APPS.append("template_partials.apps.SimpleAppConfig")
    BUILTINS.append("template_partials.templatetags.partials")
    # Around the cache: the partials of a template are found in the one that is kept.
    LOADERS = [("template_partials.loader.Loader", LOADERS)]
