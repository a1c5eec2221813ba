"""The system checks ``matt_postgres.…``: there is a PostgreSQL, and the options are valid."""

from typing import Any

from django.apps import apps
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured
from django.db import connections

from django_matt.contrib.postgres.settings import get_settings

__all__ = ["check_databases", "check_settings"]


def check_databases(**_: Any) -> list[CheckMessage]:
    """Report a project without PostgreSQL, or without Django's own app for it."""
    if all(connections[alias].vendor != "postgresql" for alias in connections):
        return [
            Error(
                "django_matt.contrib.postgres needs PostgreSQL, and no database in DATABASES is one.",
                hint="Remove the app from INSTALLED_APPS, or use PostgreSQL.",
                id="matt_postgres.E000",
            )
        ]
    if not apps.is_installed("django.contrib.postgres"):
        return [
            Error(
                "django_matt.contrib.postgres needs Django's own app for PostgreSQL.",
                hint='Add "django.contrib.postgres" to INSTALLED_APPS.',
                id="matt_postgres.E002",
            )
        ]
    return []


def check_settings(**_: Any) -> list[CheckMessage]:
    """Report a wrong name or value in ``settings.MATT_POSTGRES``, and replicas that nothing reads."""
    try:
        found = get_settings()
    except ImproperlyConfigured as error:
        hint = "Fix or remove the option in settings.MATT_POSTGRES."
        return [Error(str(error), hint=hint, id="matt_postgres.E001")]
    needed = (
        ("DATABASE_ROUTERS", "django_matt.contrib.postgres.replicas.ReplicaRouter"),
        ("MIDDLEWARE", "django_matt.contrib.postgres.replicas.ReplicaMiddleware"),
    )
    return [
        checks.Warning(
            f'settings.MATT_POSTGRES["REPLICAS"] has no effect: {path.rpartition(".")[2]} is not in {name}.',
            hint=f'Add "{path}" to {name}.',
            id="matt_postgres.W001",
        )
        for name, path in needed
        if found.REPLICAS and path not in getattr(settings, name)
    ]
