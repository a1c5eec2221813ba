"""What one load reads of the database, so that its response can be stored with the tables that it depends on."""

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from django.conf import settings
from django.db import connections, router
from django.db.models import Model

from django_matt.contrib.caching.statements import Statement, unknown_in
from django_matt.contrib.caching.stores import is_quiet
from django_matt.contrib.caching.tables import model_of, table_of

__all__ = ["VERSION", "Early", "Load", "current_load", "open_transactions", "transaction_reason"]


_LEVEL = "_matt_caching_level"
VERSION = "@version"
"""The name of the only token of memory beside files of SQLite."""


class Early:
    """What is read between the beginning of a request and its key, with the state of its tables before."""

    __slots__ = ("_state", "tables")

    def __init__(self, state: dict[str, str] | None) -> None:
        self.tables: set[str] = set()
        self._state = state

    def note(self, statement: Statement, sql: Any, connection: Any, is_dirty: Any) -> None:
        """Note a statement that reads. What is only written here is when somebody was last seen, and the like."""
        if not statement.writes:
            self.tables |= statement.tables

    def leave(self, request: Any) -> None:
        """End. The rows of the user and of ``request.auth`` are in the key; a session only leads to them."""
        current_load.set(None)
        auth = getattr(request, "auth", None)
        rows = [auth, *getattr(auth, "__dict__", {}).values()]
        found = {table_of(each._meta.model) for each in rows if isinstance(each, Model)}
        self.tables -= {table_of(settings.AUTH_USER_MODEL), "django_session", *found}

    def reason_beside(self, tokens: dict[str, str]) -> str | None:
        """Return why a response that depends on it must not be stored with tokens that were read later."""
        before = self._state or {}
        if not self.tables:
            return None
        names = before if VERSION in before else self.tables
        if all(name in before and before[name] == tokens.get(name) for name in names):
            return None
        return "what authentication or permissions have read was written meanwhile, or is read for the first time"


class Load:
    """The statements of one load."""

    __slots__ = ("is_async", "reason", "tables", "trusts")

    def __init__(self, *, is_async: bool, trusts: bool) -> None:
        """Begin with none. ``trusts``: the route names what cannot be seen, or every commit is noticed."""
        self.tables: set[str] = set()
        self.reason: str | None = None
        self.is_async = is_async
        self.trusts = trusts

    def note(
        self, statement: Statement, sql: Any, connection: Any, is_dirty: Callable[[Any], bool]
    ) -> None:
        """Note a statement, and why what it reads must not be stored."""
        self.tables |= statement.tables
        if statement.writes:
            self.reason = "the view writes"
        elif not self.trusts and (unknown := unknown_in(sql)):
            self.reason = f"it reads {unknown}, which has no model; name it in reads=[]"
        elif (connection.alias != "default" or router.routers) and (
            other := _elsewhere(statement, connection.alias)
        ):
            self.reason = f"{other} is read from {connection.alias!r}, and written elsewhere"
        if self.is_async and self.reason is None:
            # A sync route was asked before its view began a transaction of its own.
            self.reason = transaction_reason(connection, is_dirty)


def _elsewhere(statement: Statement, alias: str) -> str | None:
    """Return a table that is written in another database: a replica may be behind its primary."""
    for table in statement.tables:
        model = model_of(table)
        if model is not None and router.db_for_write(model) != alias:
            return table
    return None


def transaction_reason(connection: Any, is_dirty: Callable[[Any], bool]) -> str | None:
    """Return why a transaction that is open before the view forbids the cache; ``None`` if it does not.

    Its queries may see an older state than the tokens, or what is not committed.
    """
    if not connection.in_atomic_block:
        return None
    if connection.vendor != "postgresql" or _keeps_snapshot(connection):
        return "the transaction of the request may see an older state"
    return "the transaction of the request has written" if is_dirty(connection) else None


def _keeps_snapshot(connection: Any) -> bool:
    kept = connection.__dict__.get(_LEVEL)
    if kept is None or kept[0] is not connection.connection:
        before = is_quiet.get()
        is_quiet.set(True)
        try:
            with connection.cursor() as cursor:
                cursor.execute("SHOW transaction_isolation")
                level = cursor.fetchone()[0]
        finally:
            is_quiet.set(before)
        kept = connection.__dict__[_LEVEL] = (connection.connection, level != "read committed")
    return bool(kept[1])


def open_transactions(is_dirty: Callable[[Any], bool]) -> str | None:
    """Return why a transaction of this thread forbids the cache."""
    for connection in connections.all(initialized_only=True):
        reason = transaction_reason(connection, is_dirty)
        if reason is not None:
            return reason
    return None


current_load: ContextVar[Load | Early | None] = ContextVar("matt_caching_load", default=None)
