"""The tables: one row per requested link, and one per recipient and client for the limits."""

import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.conf import settings
from django.db import models

__all__ = ["MagicLink", "MagicLinkLimit"]


class MagicLink(models.Model):
    """A requested link and its code. Everything secret is stored as a digest.

    A request for an unknown address writes a row too, without a user, so that it takes as long.
    """

    id: "models.UUIDField[uuid.UUID, uuid.UUID]" = models.UUIDField(
        primary_key=True, default=uuid.uuid4, editable=False
    )
    user: Any = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE, related_name="+"
    )
    digest: "models.CharField[str, str]" = models.CharField(max_length=64, unique=True)
    code_digest: "models.CharField[str, str]" = models.CharField(max_length=64)
    binding_digest: "models.CharField[str, str]" = models.CharField(max_length=64, unique=True)
    email_digest: "models.CharField[str, str]" = models.CharField(max_length=64, db_index=True)
    created_at: "models.DateTimeField[datetime, datetime]" = models.DateTimeField()
    expires_at: "models.DateTimeField[datetime, datetime]" = models.DateTimeField(db_index=True)
    superseded_at: "models.DateTimeField[datetime | None, datetime | None]" = models.DateTimeField(
        null=True
    )
    consumed_at: "models.DateTimeField[datetime | None, datetime | None]" = models.DateTimeField(
        null=True
    )
    attempts: "models.PositiveSmallIntegerField[int, int]" = models.PositiveSmallIntegerField(
        default=0
    )
    next: "models.CharField[str, str]" = models.CharField(max_length=500, blank=True)

    if TYPE_CHECKING:
        user_id: Any
        objects: ClassVar[models.Manager[Self]]

    def __str__(self) -> str:
        """Return the id, which is no secret."""
        return str(self.id)


class MagicLinkLimit(models.Model):
    """How far a recipient or a client has used up its limit; ``key`` is a digest of which."""

    key: "models.CharField[str, str]" = models.CharField(max_length=64, primary_key=True)
    full_at: "models.FloatField[float, float]" = models.FloatField()

    if TYPE_CHECKING:
        objects: ClassVar[models.Manager[Self]]

    def __str__(self) -> str:
        """Return the key."""
        return self.key
