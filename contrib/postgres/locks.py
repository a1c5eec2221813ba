"""``advisory_lock``: one holder of a name at a time, over all processes, until the transaction ends."""

from hashlib import blake2b

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.transaction import TransactionManagementError

__all__ = ["advisory_lock"]


def advisory_lock(name: str, *, wait: bool = True, using: str = DEFAULT_DB_ALIAS) -> bool:
    """Take the lock of a name until the current transaction ends; return whether it was free.

    With ``wait``, wait for it and return True; ``@lock_timeout`` limits how long. Without, return False at once if another
    transaction has it. Raises ``TransactionManagementError`` outside of a transaction: a lock of a session would stay with
    the connection of a pool.

    >>> with transaction.atomic():
    ...     advisory_lock("invoices")
    """
    connection = connections[using]
    if not connection.in_atomic_block:
        raise TransactionManagementError("advisory_lock() needs a transaction: use atomic().")
    key = int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), signed=True)
    function = "pg_advisory_xact_lock" if wait else "pg_try_advisory_xact_lock"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s)", [key])
        found = cursor.fetchone()[0]
    return wait or bool(found)
