"""Sees what is written, in every connection, and makes invalid what was computed from it when it is committed."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from django.core.signals import request_finished
from django.db import connections, router, transaction
from django.db.models import Model

from django_matt.connection_wrappers import wrap_connections
from django_matt.contrib.caching.loads import current_load
from django_matt.contrib.caching.settings import get_settings
from django_matt.contrib.caching.statements import Statement, read_statement
from django_matt.contrib.caching.stores import is_quiet
from django_matt.contrib.caching.tables import model_of, table_of
from django_matt.contrib.caching.validity import EVERYTHING, mark, renew, unmark, uses_versions
from django_matt.contrib.caching.versions import change_version

__all__ = ["invalidate", "is_dirty", "watch_connections"]

_BATCH = "_matt_caching_batch"


class _Batch:
    """The tables that a transaction has written."""

    __slots__ = ("marked", "names")

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.marked: set[str] = set()

    def flush(self) -> None:
        """Renew the tokens after the commit. What a savepoint has rolled back is renewed too, which is harmless."""
        names, self.names = self.names, set()
        renew(names)
        marked, self.marked = self.marked, set()
        if marked:
            unmark(marked)


def _is_pending(connection: Any, batch: _Batch) -> bool:
    return any(hook[1] == batch.flush for hook in connection.run_on_commit)


def _batch_of(connection: Any) -> _Batch:
    """Return the batch of the transaction of a connection, which is flushed after its commit."""
    batch: _Batch | None = connection.__dict__.get(_BATCH)
    hooks = connection.run_on_commit
    if batch is None or (batch.names and not _is_pending(connection, batch)):
        if batch is not None:
            batch.flush()  # of a transaction that was rolled back, or whose callbacks have failed before
        batch = connection.__dict__[_BATCH] = _Batch()
    # A savepoint that is rolled back takes its callbacks along. One of an enclosing savepoint is enough.
    first = hooks[0] if hooks else None
    if first is None or first[1] != batch.flush or not first[0] <= {*connection.savepoint_ids}:
        transaction.on_commit(batch.flush, using=connection.alias)
        # Before the callbacks of the project: one of them may tell a client, and one that fails ends them all.
        hooks.insert(0, hooks.pop())
    return batch


def is_dirty(connection: Any) -> bool:
    """Tell whether the transaction of a connection has written something that is not committed."""
    batch: _Batch | None = connection.__dict__.get(_BATCH)
    return batch is not None and bool(batch.names) and _is_pending(connection, batch)


def _note(connection: Any, names: frozenset[str]) -> None:
    batch = _batch_of(connection)
    new = names - batch.names
    batch.names |= names
    if new and get_settings().STRICT:
        batch.marked |= new
        mark(new)


def _execute(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
    """Run a statement; Django calls this around each one."""
    if is_quiet.get():
        return execute(sql, params, many, context)
    statement = read_statement(sql)
    load = current_load.get()
    if load is not None:
        load.note(statement, sql, context["connection"], is_dirty)
    if not statement.writes or uses_versions():
        return execute(sql, params, many, context)
    names = _written(statement)
    if not names:
        return execute(sql, params, many, context)
    return _write(partial(execute, sql, params, many, context), context, names)


def _written(statement: Statement) -> frozenset[str]:
    return statement.tables | {EVERYTHING} if statement.anything else statement.tables


def _write(execute: Callable[[], Any], context: Any, names: frozenset[str]) -> Any:
    connection = context["connection"]
    if connection.in_atomic_block:
        _note(connection, names)
        return execute()
    strict = get_settings().STRICT
    if strict:
        mark(names)
    try:
        result = execute()
        if connection.vendor == "sqlite":
            _finish(context)
        return result
    finally:
        # Also after an error: the answer of a server that has committed may be lost.
        renew(names)
        if strict:
            unmark(names)


class _Fetched:
    """A cursor whose rows were fetched already."""

    def __init__(self, cursor: Any, rows: list[Any]) -> None:
        self._cursor = cursor
        self._rows: Iterator[Any] = iter(rows)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)

    def __iter__(self) -> Iterator[Any]:
        return self._rows

    def fetchone(self) -> Any:
        return next(self._rows, None)

    def fetchmany(self, size: int = 1) -> list[Any]:
        return [row for _, row in zip(range(size), self._rows, strict=False)]

    def fetchall(self) -> list[Any]:
        return [*self._rows]

    def execute(self, *arguments: Any) -> Any:
        self._rows = iter(self._cursor.execute(*arguments).fetchall())
        return self

    def executemany(self, *arguments: Any) -> Any:
        self._rows = iter(())
        return self._cursor.executemany(*arguments)


def _finish(context: Any) -> None:
    """Fetch the rows of ``RETURNING``: SQLite commits such a statement after its last row, and not before."""
    wrapper = context["cursor"]
    cursor = wrapper.cursor
    if cursor.description is not None and not isinstance(cursor, _Fetched):
        wrapper.cursor = _Fetched(cursor, cursor.fetchall())


def invalidate(*changed: type[Model] | str) -> None:
    """Make everything invalid that was computed from models or tables; in a transaction, when it is committed.

    Call it after a write that no statement of Django shows: ``cursor.copy()`` of psycopg, a function of the database, another
    service. Without arguments, everything is invalid.

    >>> with connection.cursor() as cursor, cursor.copy("COPY shop_book FROM STDIN") as copy: ...
    >>> invalidate(Book)
    """
    names: dict[str, set[str]] = {}
    for each in changed or (EVERYTHING,):
        table = table_of(each)
        model = model_of(table) if isinstance(each, str) else each
        alias = "default" if model is None else router.db_for_write(model)
        names.setdefault(alias, set()).add(table)
    for alias, tables in names.items():
        if uses_versions():
            change_version(alias)
        elif connections[alias].in_atomic_block:
            _note(connections[alias], frozenset(tables))
        else:
            renew(tables)


def watch_connections() -> None:
    """See the statements of every connection, of those that are open and those that will be opened."""
    wrap_connections(_execute)
    request_finished.connect(_release, dispatch_uid="matt_caching")


def _release(**_: Any) -> None:
    """Flush what is left at the end of a request: a rollback, and a callback that has failed, call nothing."""
    for connection in connections.all(initialized_only=True):
        batch: _Batch | None = connection.__dict__.get(_BATCH)
        if batch is not None and batch.names and not connection.in_atomic_block:
            batch.flush()
