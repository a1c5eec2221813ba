"""The table of the keys. It contains hashes: a key cannot be read from it."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

__all__ = ["ApiKey", "KeyOwner"]


class ApiKey(models.Model):
    """A key of a user, or, without a ``user``, of the organization with the id ``tenant_id``.

    Public attributes: ``public_id``, ``name``, ``scopes``, ``user``, ``tenant_id``, and the times. A key is valid until
    ``expires_at`` or ``revoked_at``, and works only for requests of its tenant, if it has one.
    """

    public_id: "models.CharField[str, str]" = models.CharField(
        max_length=16, unique=True, editable=False
    )
    digest: "models.CharField[str, str]" = models.CharField(max_length=64, editable=False)
    name: "models.CharField[str, str]" = models.CharField(max_length=100)
    environment: "models.CharField[str, str]" = models.CharField(max_length=16)
    scopes: "models.JSONField[Any, Any]" = models.JSONField(default=list)
    user: Any = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="+"
    )
    tenant_id: "models.CharField[str, str]" = models.CharField(
        max_length=64, blank=True, default=""
    )
    created_by: Any = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    family: "models.CharField[str, str]" = models.CharField(max_length=16, editable=False)
    """The public id of the first key: a key and its successors share their rate limit."""
    replaces: Any = models.OneToOneField(
        "self", models.SET_NULL, null=True, blank=True, related_name="successor"
    )
    created_at: "models.DateTimeField[datetime, datetime]" = models.DateTimeField(
        default=timezone.now, editable=False
    )
    expires_at: "models.DateTimeField[datetime | None, datetime | None]" = models.DateTimeField(
        null=True, blank=True
    )
    rotated_at: "models.DateTimeField[datetime | None, datetime | None]" = models.DateTimeField(
        null=True, blank=True
    )
    revoked_at: "models.DateTimeField[datetime | None, datetime | None]" = models.DateTimeField(
        null=True, blank=True
    )
    last_used_at: "models.DateTimeField[datetime | None, datetime | None]" = models.DateTimeField(
        null=True, blank=True
    )

    if TYPE_CHECKING:
        user_id: Any
        objects: ClassVar[models.Manager[Self]]

    class Meta:
        verbose_name = "API key"
        indexes = [models.Index(fields=["tenant_id"], name="matt_api_keys_tenant")]
        constraints = [
            models.CheckConstraint(
                condition=Q(user__isnull=False) | ~Q(tenant_id=""), name="matt_api_keys_owner"
            )
        ]

    def __str__(self) -> str:
        """Return the name and the public id."""
        return f"{self.name} ({self.public_id})"

    @property
    def owner_kind(self) -> str:
        """``user`` or ``organization``."""
        return "organization" if self.user_id is None else "user"

    def is_valid_at(self, now: datetime) -> bool:
        """Return whether the key is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


class KeyOwner(models.Model):
    """An owner of keys. Its row is locked while a key is created, so that parallel requests cannot exceed ``MAX_KEYS``."""

    name: "models.CharField[str, str]" = models.CharField(
        max_length=255, primary_key=True, editable=False
    )
    """``user:`` or ``tenant:``, and the primary key."""
    last_key_at: "models.DateTimeField[datetime, datetime]" = models.DateTimeField(editable=False)

    def __str__(self) -> str:
        """Return the name."""
        return str(self.name)


def valid_at(now: datetime) -> Q:
    """Return the condition of ``is_valid_at`` for queries. It uses columns of this table alone."""
    return Q(revoked_at=None) & (Q(expires_at=None) | Q(expires_at__gt=now))
