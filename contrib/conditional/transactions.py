"""A transaction around a write whose condition has not been looked at yet: nothing is stored until it has."""

from functools import partial
from typing import Any

from django.apps import apps
from django.db import connections, router, transaction
from django.db.transaction import TransactionManagementError

from django_matt.upstream import allow_durable_inside

__all__ = ["HeldWrites"]


class HeldWrites:
    """Transactions on every database that a view may write, open until it is known whether its writes are kept."""

    def __init__(self) -> None:
        """Begin; in the thread that the view's queries run in."""
        self._open: list[Any] = []
        self._locking: set[str] = set()
        self._watches: list[tuple[Any, Any]] = []
        for using in _written_databases():
            # A durable block of the view's own may stand inside.
            block: Any = transaction.atomic(using=using)
            allow_durable_inside(block)
            try:
                block.__enter__()
            except Exception:  # noqa: BLE001, S112 - a database that cannot be reached cannot be written either
                continue
            self._open.append(block)
            watch = (transaction.get_connection(using).execute_wrappers, partial(self._note, using))
            watch[0].append(watch[1])
            self._watches.append(watch)

    def _note(self, using: str, execute: Any, sql: str, *more: Any) -> Any:
        """Note that a query locks rows, for it does so until the end of the transaction."""
        if " FOR UPDATE" in sql or " FOR NO KEY UPDATE" in sql:
            self._locking.add(using)
        return execute(sql, *more)

    def accept(self) -> None:
        """Commit where no block of the view's own is open: it goes on as it would without a condition.

        Where a row was locked in our transaction, the lock has to last until the row is written.
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
        """Commit; raise ``TransactionManagementError`` where a caught error of the database has broken a transaction."""
        broken = [
            block.using
            for block in self._open
            if transaction.get_connection(block.using).needs_rollback
        ]
        self._close()
        if broken:
            raise TransactionManagementError(
                f"An error of the database {broken[0]!r} was caught inside of a transaction, so nothing was stored. "
                "Put what may fail into a transaction.atomic() block of its own."
            )

    def drop(self) -> None:
        """Roll back what is still open."""
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
                # Constraints that are checked at the commit. Nothing else is stored then, and nothing is left open: a
                # later request in this thread would write into that transaction.
                self.drop()
                raise


def _written_databases() -> list[str]:
    """Return the databases that the project's models are written to, and those in use already; no read replica."""
    found = {router.db_for_write(model) for model in apps.get_models()}
    found |= {connection.alias for connection in connections.all(initialized_only=True)}
    return [alias for alias in connections if alias in found]
