"""The tables of an index beside the table of its model, and the SQL that keeps and searches them, for each database."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured

from django_matt.contrib.search.definitions import Definition
from django_matt.contrib.search.storages.tables import Storage

__all__ = ["Storage", "storage_of"]


def storage_of(definition: Definition, connection: Any) -> Storage:
    """Return the storage of an index in a database; raise ``ImproperlyConfigured`` if it cannot have one."""
    if connection.vendor == "postgresql":
        from django_matt.contrib.search.storages.postgresql import PostgresStorage

        return PostgresStorage(definition, connection)
    if connection.vendor == "sqlite":
        from django_matt.contrib.search.storages.sqlite import SqliteStorage

        return SqliteStorage(definition, connection)
    raise ImproperlyConfigured(
        f"Search needs PostgreSQL or SQLite; the database {connection.alias!r} is {connection.vendor}."
    )
