"""The table of the requests that have been carried out, each with its response."""

from datetime import datetime

from django.db import models

__all__ = ["IdempotencyRecord"]


class IdempotencyRecord(models.Model):
    """One request with an ``Idempotency-Key``. A row is visible only with its response: both are committed together."""

    digest: "models.CharField[str, str]" = models.CharField(max_length=64, primary_key=True)
    """A hash of the key, the tenant, the owner, the method and the path."""
    fingerprint: "models.CharField[str, str]" = models.CharField(max_length=64)
    """A hash of what the request sent: its query and its body."""
    status: "models.PositiveSmallIntegerField[int, int]" = models.PositiveSmallIntegerField()
    headers: "models.TextField[str, str]" = models.TextField()
    """The kept headers, as a JSON object."""
    body: "models.BinaryField[bytes | None, bytes | None]" = models.BinaryField(null=True)
    """The body of the response; null if it was too long or a stream."""
    created_at: "models.DateTimeField[datetime, datetime]" = models.DateTimeField()
    expires_at: "models.DateTimeField[datetime, datetime]" = models.DateTimeField(db_index=True)

    class Meta:
        """Named as the header."""

        verbose_name = "idempotency key"

    def __str__(self) -> str:
        return f"{self.digest[:12]} ({self.status})"
