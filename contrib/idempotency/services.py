"""Claims a key, keeps the response and sends it again. Claim, writes and response are one transaction."""

import json
import sys
from datetime import timedelta
from typing import Any

from django.db import OperationalError, connections, router, transaction
from django.db.transaction import TransactionManagementError
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone

from django_matt.contrib.idempotency.models import IdempotencyRecord
from django_matt.contrib.idempotency.settings import get_settings
from django_matt.errors.exceptions import Conflict, UnprocessableContent
from django_matt.upstream import allow_durable_inside

__all__ = ["Claim", "prune", "record_database"]

_REPLAYED = "Idempotency-Replayed"
_HEADERS = (
    *("Cache-Control", "Content-Disposition", "Content-Language", "Content-Type", "ETag"),
    *("Last-Modified", "Link", "Location", "Vary"),
)
# A row that has expired is claimed again. One that has not stays as it is, and then no row is counted.
_CLAIM = """
    INSERT INTO {table} (digest, fingerprint, status, headers, body, created_at, expires_at)
    VALUES (%s, %s, 0, '', NULL, %s, %s)
    ON CONFLICT (digest) DO UPDATE
        SET fingerprint = excluded.fingerprint, created_at = excluded.created_at, expires_at = excluded.expires_at
        WHERE {table}.expires_at <= excluded.created_at
"""
_LOCK_NOT_AVAILABLE = "55P03"
_REFUSALS = frozenset({401, 403, 408, 425, 429})
"""The statuses of a request that was not carried out, but may be when it is repeated with other rights, or later."""


def record_database() -> str:
    """Return the alias of the database with the records: writes to it are carried out once."""
    return router.db_for_write(IdempotencyRecord)


class Claim:
    """One request with a key. All methods must run in the thread that runs the view's queries."""

    def __init__(self, digest: str, fingerprint: str) -> None:
        """Take the hashes of whose key it is, and of what the request sent."""
        self._digest = digest
        self._fingerprint = fingerprint
        self._using = record_database()
        self._blocks: list[Any] = []

    def find(self) -> HttpResponse | None:
        """Return the response of an earlier request; ``None`` if there was none.

        Raises ``UnprocessableContent`` if it sent something else, and ``Conflict`` if its response was not kept.
        """
        records = IdempotencyRecord.objects.using(self._using)
        record = records.filter(digest=self._digest, expires_at__gt=timezone.now()).first()
        if record is None:
            return None
        if record.fingerprint != self._fingerprint:
            raise UnprocessableContent(
                "This Idempotency-Key was sent with another request. Use a new key for a new request.",
                code="idempotency_key_reused",
            )
        if record.body is None:
            raise Conflict(
                "A request with this Idempotency-Key was carried out, but its response is too long or too secret to be sent again.",
                code="idempotency_response_not_kept",
                status_of_response=record.status,
            )
        headers = {**json.loads(record.headers), _REPLAYED: "true"}
        return HttpResponse(bytes(record.body), status=record.status, headers=headers)

    def begin(self) -> HttpResponse | None:
        """Claim the key, and open a savepoint for the view. Return the response of another request if that was faster.

        Another request with the key is waited for. Raises ``Conflict`` if that takes too long.
        """
        self._open()
        try:
            if self._claim():
                allow_durable_inside(self._open())
                return None
            found = self.find()
        except OperationalError as error:
            self._close(sys.exc_info())
            if not _waited_too_long(error):
                raise
            raise _in_progress() from error
        except BaseException:
            self._close(sys.exc_info())
            raise
        self._close()
        if found is None:
            raise _in_progress()  # it expired or was deleted in between, or the isolation level hides it
        return found

    def _open(self) -> Any:
        block: Any = transaction.atomic(using=self._using)
        block.__enter__()
        self._blocks.append(block)
        return block

    def _close(self, raised: Any = (None, None, None)) -> None:
        while self._blocks:
            self._blocks.pop().__exit__(*raised)

    def _claim(self) -> bool:
        connection, now = connections[self._using], timezone.now()
        field: Any = IdempotencyRecord._meta.get_field("created_at")
        times = [now, now + timedelta(seconds=get_settings().EXPIRES)]
        values = [self._digest, self._fingerprint]
        values += [field.get_db_prep_value(each, connection) for each in times]
        table = connection.ops.quote_name(IdempotencyRecord._meta.db_table)
        with connection.cursor() as cursor:
            before = None
            if connection.vendor == "postgresql":
                wait = f"{round(get_settings().WAIT * 1_000)}ms"
                cursor.execute(
                    "SELECT current_setting('lock_timeout'), set_config('lock_timeout', %s, true)",
                    [wait],
                )
                before = cursor.fetchone()[0]
            cursor.execute(_CLAIM.format(table=table), values)
            claimed: bool = cursor.rowcount == 1
            if before is not None:
                # The view waits for its own locks as it would without a key.
                cursor.execute("SELECT set_config('lock_timeout', %s, true)", [before])
        return claimed

    def drop_writes(self) -> None:
        """Roll back what the view wrote; the key stays claimed."""
        transaction.set_rollback(True, using=self._using)
        self._blocks.pop().__exit__(None, None, None)

    def keep(self, response: HttpResponseBase) -> None:
        """Store the response, and commit it with what the view wrote; roll both back for a 5xx.

        The key of a refused request is free again: its next request runs the view.
        Raises ``TransactionManagementError`` if the view caught an error that broke the transaction.
        """
        connection = connections[self._using]
        if response.status_code >= 500:
            self.abandon()
            return
        if len(self._blocks) == 2:
            broken = connection.needs_rollback
            self._blocks.pop().__exit__(None, None, None)
            if broken and response.status_code < 400:
                self.abandon()
                raise TransactionManagementError(
                    f"The view caught an error of the database {self._using!r}, or called set_rollback(), so nothing was "
                    "stored. Put queries that may fail into a transaction.atomic() block of their own."
                )
        else:
            # The handler of the error marks the transaction of ATOMIC_REQUESTS; the writes are rolled back already.
            transaction.set_rollback(False, using=self._using)
        try:
            self._store(response)
        except BaseException:
            self._close(sys.exc_info())
            raise
        self._close()

    def _store(self, response: HttpResponseBase) -> None:
        record = IdempotencyRecord.objects.using(self._using).filter(digest=self._digest)
        if _is_refusal(response):
            record.delete()
            return
        options = get_settings()
        kept = {name.lower() for name in (*_HEADERS, *options.HEADERS)}
        headers = {name: value for name, value in response.items() if name.lower() in kept}
        content = response.content if isinstance(response, HttpResponse) else None
        # A response that nobody may store has a secret, such as a new API key.
        secret = "no-store" in response.headers.get("Cache-Control", "").lower()
        if content is not None and (secret or len(content) > options.MAX_BODY):
            content = None
        record.update(status=response.status_code, headers=json.dumps(headers), body=content)

    def abandon(self) -> None:
        """Roll back everything, so that the key is free again."""
        while self._blocks:
            transaction.set_rollback(True, using=self._using)
            self._blocks.pop().__exit__(None, None, None)


def _is_refusal(response: HttpResponseBase) -> bool:
    """Return whether a request was not carried out, and the response says that it may be later."""
    status = response.status_code
    return status in _REFUSALS or (status >= 400 and "Retry-After" in response.headers)


def _in_progress() -> Conflict:
    return Conflict(
        "A request with this Idempotency-Key is being carried out. Send it again later.",
        code="idempotency_in_progress",
        headers={"Retry-After": "1"},
    )


def _waited_too_long(error: OperationalError) -> bool:
    state = getattr(error.__cause__, "sqlstate", None)
    # Of SQLite: "database is locked", "database table is locked".
    return state == _LOCK_NOT_AVAILABLE or "is locked" in str(error)


def prune(*, dry_run: bool = False) -> int:
    """Delete the records that have expired; return how many there are."""
    expired = IdempotencyRecord.objects.using(record_database()).filter(
        expires_at__lte=timezone.now()
    )
    return expired.count() if dry_run else expired.delete()[0]
