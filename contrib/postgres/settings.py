"""One typed, frozen view of ``settings.MATT_POSTGRES``."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, connections

from django_matt.settings import read_settings

__all__ = ["PostgresSettings", "check_number", "get_settings"]

_MOST = 2**31 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresSettings:
    """The options of ``settings.MATT_POSTGRES``, with their defaults.

    >>> PostgresSettings().STATEMENT_TIMEOUT is None
    True
    """

    STATEMENT_TIMEOUT: int | None = None
    """How many milliseconds a statement may take on a route without ``@statement_timeout``; None for no limit."""
    LOCK_TIMEOUT: int | None = None
    """How many milliseconds a statement may wait for a lock on a route without ``@lock_timeout``; None for no limit."""
    MAX_IMPORT_ROWS: int = 1_000_000
    """How many rows one ``copy_in`` may have."""
    REPLICAS: Sequence[str] = ()
    """The aliases of the replicas that ``ReplicaRouter`` reads from."""


def get_settings() -> PostgresSettings:
    """Return the project's settings; raise ``ImproperlyConfigured`` for an unknown name or an invalid value."""
    found = read_settings(PostgresSettings, "MATT_POSTGRES")
    for name in ("STATEMENT_TIMEOUT", "LOCK_TIMEOUT", "MAX_IMPORT_ROWS"):
        value = getattr(found, name)
        if value is not None or name == "MAX_IMPORT_ROWS":
            check_number(value, f'settings.MATT_POSTGRES["{name}"]')
    aliases = found.REPLICAS
    if isinstance(aliases, str) or not {DEFAULT_DB_ALIAS}.isdisjoint(aliases):
        raise ImproperlyConfigured(
            f'settings.MATT_POSTGRES["REPLICAS"] is {aliases!r}; it must be a list of aliases, without "default".'
        )
    for alias in aliases:
        if alias not in connections:
            raise ImproperlyConfigured(
                f'settings.MATT_POSTGRES["REPLICAS"] names {alias!r}, which is not in DATABASES.'
            )
    return found


def check_number(value: object, name: str) -> None:
    """Raise ``ImproperlyConfigured`` if a value is not a positive whole number of 31 bits."""
    if type(value) is not int or not 0 < value <= _MOST:
        raise ImproperlyConfigured(f"{name} is {value!r}; it must be a whole number above 0.")
