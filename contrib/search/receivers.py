"""After migrations: the triggers of SQLite that went with a table are created again."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import connections

from django_matt.contrib.search.indexes import list_indexes
from django_matt.contrib.search.services import rebuild_words

__all__ = ["restore_triggers"]


def restore_triggers(sender: Any, using: str, **_: Any) -> None:
    """Create the triggers of an app's indexes again if they are gone, and index what was written without them.

    Django changes a column in SQLite by making a new table, copying the rows, and dropping the old table with its triggers.
    An index of another definition is left alone: a migration changes it.
    """
    if connections[using].vendor != "sqlite":
        return
    for index in list_indexes():
        if index.model._meta.app_config is not sender:
            continue
        try:
            storage = index.storage(using)
        except ImproperlyConfigured:
            # The check reports it.
            continue
        if storage.fits() and not storage.is_current():
            rebuild_words(index, using)
