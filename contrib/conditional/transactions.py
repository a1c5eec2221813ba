"""Transactions around a view that writes. Nothing is stored until its condition has been checked."""

from functools import partial
from typing import Any

from django.apps import apps
from django.db import connections, router, transaction
from django.db.transaction import TransactionManagementError

from django_matt.upstream import allow_durable_inside

__all__ = ["HeldWrites"]


class HeldWrites:
    """One open transaction per database that a view may write to, until its writes are committed or rolled back."""

    def __init__(self) -> None:
        """Begin the transactions. Call it in the thread that runs the view's queries."""
        self._open: list[Any] = []
        self._locking: set[str] = set()
        self._watches: list[tuple[Any, Any]] = []
        for using in _written_databases():
            # Django's flag for test cases allows the view to open a durable block inside of this one.
            block: Any = transaction.atomic(using=using)
            allow_durable_inside(block)
            try:
                block.__enter__()
            except Exception:  # noqa: BLE001, S112 - nothing can be written to a database that is unreachable
                continue
            self._open.append(block)
            watch = (transaction.get_connection(using).execute_wrappers, partial(self._note, using))
            watch[0].append(watch[1])
            self._watches.append(watch)

    def _note(self, using: str, execute: Any, sql: str, *more: Any) -> Any:
        """Note the database of a query that locks rows. The locks last until the end of the transaction."""
        if " FOR UPDATE" in sql or " FOR NO KEY UPDATE" in sql:
            self._locking.add(using)
        return execute(sql, *more)

    def accept(self) -> None:
        """Commit, so that the view continues as it would without a condition.

        A transaction stays open if the view has a block of its own inside of it, or has locked rows in it: the locks
        must last until the rows are written.
        """
        self._unwatch()
        for block in list(self._open):
            if block.using in self._locking:
                continue
            connection = transaction.get_connection(block.using)
            if connection.atomic_blocks[-1:] == [block] and not connection.needs_rollback:
                self._open.remove(block)
                block.__exit__(None, None, None)

    def keep(self) -> None:
        """Commit. Raises ``TransactionManagementError`` if the view caught an error that broke a transaction."""
        broken = [
            block.using
            for block in self._open
            if transaction.get_connection(block.using).needs_rollback
        ]
        self._close()
        if broken:
            raise TransactionManagementError(
                f"The view caught an error of the database {broken[0]!r} inside of a transaction, so nothing was stored. "
                "Put queries that may fail into a transaction.atomic() block of their own."
            )

    def drop(self) -> None:
        """Roll back the transactions that are still open."""
        for block in self._open:
            transaction.get_connection(block.using).set_rollback(True)
        self._close()

    def _unwatch(self) -> None:
        while self._watches:
            wrappers, watch = self._watches.pop()
            if watch in wrappers:
                wrappers.remove(watch)

    def _close(self) -> None:
        self._unwatch()
        while self._open:
            try:
                self._open.pop().__exit__(None, None, None)
            except Exception:
                # A deferred constraint failed at the commit. Roll back the others too: a transaction that stays open
                # would become part of the next request in this thread.
                self.drop()
                raise


def _written_databases() -> list[str]:
    """Return the databases that models are written to, and those that this thread already uses; no read replicas."""
    found = {router.db_for_write(model) for model in apps.get_models()}
    found |= {connection.alias for connection in connections.all(initialized_only=True)}
    return [alias for alias in connections if alias in found]
