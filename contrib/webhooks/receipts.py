"""The receipt of a webhook: stored in the transaction of what its route writes, so that both happen once."""

import sys
from typing import Any

from django.db import connections, router, transaction
from django.db.transaction import TransactionManagementError
from django.utils import timezone

from django_matt.contrib.webhooks.models import ReceivedWebhook
from django_matt.upstream import allow_durable_inside

__all__ = ["Receipt"]


class Receipt:
    """One webhook. All methods must run in the thread that runs the view's queries."""

    def __init__(self, digest: str) -> None:
        """Take the hash of whose webhook it is, and which."""
        self._digest = digest
        self._using = router.db_for_write(ReceivedWebhook)
        self._blocks: list[Any] = []

    def begin(self) -> bool:
        """Store the receipt, and open a savepoint for the view; return False if there is one already.

        Another request with the same webhook is waited for.
        """
        self._open()
        try:
            if self._insert():
                allow_durable_inside(self._open())
                return True
        except BaseException:
            self._close(*sys.exc_info())
            raise
        self._close()
        return False

    def _open(self) -> Any:
        block: Any = transaction.atomic(using=self._using)
        block.__enter__()
        self._blocks.append(block)
        return block

    def _close(self, *raised: Any) -> None:
        while self._blocks:
            self._blocks.pop().__exit__(*(raised or (None, None, None)))

    def _insert(self) -> bool:
        connection = connections[self._using]
        now = connection.ops.adapt_datetimefield_value(timezone.now())
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO matt_webhooks_receivedwebhook (digest, received_at) VALUES (%s, %s) ON CONFLICT DO NOTHING",
                [self._digest, now],
            )
            return bool(cursor.rowcount == 1)

    def end(self, *, keep: bool) -> None:
        """Commit the receipt and what the view wrote, or roll both back.

        Raises ``TransactionManagementError`` if the view caught an error that broke the transaction.
        """
        is_broken = connections[self._using].needs_rollback
        try:
            if keep and is_broken:
                raise TransactionManagementError(
                    f"The view caught an error of the database {self._using!r}, so nothing was stored. Put queries that may "
                    "fail into a transaction.atomic() block of their own."
                )
            while self._blocks:
                if not keep:
                    transaction.set_rollback(True, using=self._using)
                self._blocks.pop().__exit__(None, None, None)
        except BaseException:
            self._close(*sys.exc_info())
            raise
