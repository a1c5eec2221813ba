"""The built-in checks of databases, caches and migrations. Each raises an exception if something does not work."""

import secrets
from collections.abc import Callable
from functools import partial

from django.core.cache import caches
from django.core.cache.backends.dummy import DummyCache
from django.db import connections
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder

from django_matt.contrib.health.settings import HealthSettings

__all__ = ["builtin_checks"]

_CACHE_SECONDS = 10


def builtin_checks(options: HealthSettings) -> dict[str, Callable[[], None]]:
    """Return the checks of databases, caches and migrations that the settings ask for, by name.

    The check of the database ``default`` is named ``database``, that of another alias ``database_<alias>``. Caches and
    migrations are named in the same way.
    """
    aliases = [alias for alias in connections if _is_configured(alias)]
    databases = aliases if options.DATABASES is None else options.DATABASES
    stores = list(caches.settings) if options.CACHES is None else options.CACHES
    asked: list[tuple[str, tuple[str, ...] | list[str], Callable[[str], None]]] = [
        ("database", databases, check_database),
        ("cache", stores, check_cache),
        (
            "migrations",
            [alias for alias in options.MIGRATIONS if alias in aliases],
            MigrationsCheck(),
        ),
    ]
    return {
        kind if alias == "default" else f"{kind}_{alias}": partial(check, alias)
        for kind, chosen, check in asked
        for alias in chosen
    }


def _is_configured(alias: str) -> bool:
    """Return whether a database is configured. Without one, Django makes a ``default`` whose every use raises."""
    return str(connections.settings[alias]["ENGINE"]) != "django.db.backends.dummy"


def check_database(alias: str) -> None:
    """Raise unless the database accepts a connection and answers a query."""
    connection = connections[alias]
    with connection.cursor() as cursor:
        # Oracle before version 23 can only select from a table.
        cursor.execute("SELECT 1" + connection.features.bare_select_suffix)


def check_cache(alias: str) -> None:
    """Raise unless the cache returns a value that was set. Django's dummy cache, which stores nothing, passes."""
    cache = caches[alias]
    if isinstance(cache, DummyCache):
        return
    key, value = f"matt_health:{secrets.token_hex(8)}", secrets.token_hex(8)
    cache.set(key, value, timeout=_CACHE_SECONDS)
    found = cache.get(key)
    cache.delete(key)
    if found != value:
        raise RuntimeError(f"The cache {alias!r} did not return the value that was set.")


class MigrationsCheck:
    """Raises if a migration of the code is not applied to the database.

    To find the missing migrations takes tens of milliseconds of CPU. The applied ones are one small query: if they are
    the same as when nothing was missing, the search is skipped.
    """

    def __init__(self) -> None:
        """Start without a known state of any database."""
        self._complete: dict[str, frozenset[tuple[str, str]]] = {}

    def __call__(self, alias: str) -> None:
        """Check one database."""
        connection = connections[alias]
        applied = frozenset(MigrationRecorder(connection).applied_migrations())
        if applied == self._complete.get(alias):
            return
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if missing:
            names = ", ".join(str(migration) for migration, _ in missing)
            raise RuntimeError(f"Migrations are not applied to the database {alias!r}: {names}.")
        self._complete[alias] = applied
