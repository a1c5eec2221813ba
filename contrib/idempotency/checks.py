"""The system checks ``matt_idempotency.…``: the options are valid, and the database can keep the promise."""

from typing import Any

from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured
from django.db import connections

from django_matt.contrib.idempotency.services import record_database
from django_matt.contrib.idempotency.settings import get_settings

__all__ = ["check_database", "check_settings"]


def check_settings(**_: Any) -> list[CheckMessage]:
    """Report a wrong name or value in ``settings.MATT_IDEMPOTENCY``."""
    try:
        get_settings()
    except ImproperlyConfigured as error:
        hint = "Fix or remove the option in settings.MATT_IDEMPOTENCY."
        return [Error(str(error), hint=hint, id="matt_idempotency.E001")]
    return []


def check_database(**_: Any) -> list[CheckMessage]:
    """Report a database in which a key cannot be claimed."""
    connection = connections[record_database()]
    if connection.vendor in ("postgresql", "sqlite"):
        return []
    return [
        Error(
            f"Idempotency keys cannot be stored in {connection.display_name}.",
            hint="Use PostgreSQL or SQLite, or route the model IdempotencyRecord to such a database.",
            id="matt_idempotency.E002",
        )
    ]
