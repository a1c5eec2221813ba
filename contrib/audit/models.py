"""The table of security events. Rows are added, and deleted when they are old; they are never changed."""

from datetime import datetime
from typing import Any, ClassVar, NoReturn, Self

from django.conf import settings
from django.db import models
from django.utils import timezone

__all__ = ["SecurityEvent"]


class SecurityEvents(models.QuerySet["SecurityEvent"]):
    """The queries of the events, which refuse to change them."""

    def update(self, **_: Any) -> NoReturn:
        """Raise ``TypeError``."""
        raise _unchangeable()

    def delete(self) -> NoReturn:
        """Raise ``TypeError``."""
        raise _unchangeable()

    def bulk_update(self, *_: Any, **__: Any) -> NoReturn:
        """Raise ``TypeError``."""
        raise _unchangeable()

    def of_user(self, user: Any) -> Self:
        """Return the events of an account, the newest first; those whose account is deleted have only its ``user_key``."""
        return self.filter(user=user).order_by("-at", "-pk")

    def prune(self, before: datetime) -> int:
        """Delete the events before a time, and return how many there were. This is the only way to delete events."""
        old = self.filter(at__lt=before)
        count, _ = super(SecurityEvents, old).delete()
        return count


def _unchangeable() -> TypeError:
    return TypeError(
        "Security events are not changed or deleted; `manage.py matt_audit prune` deletes old ones."
    )


class SecurityEvent(models.Model):
    """Something that happened to an account. ``data`` has no secrets.

    ``user`` is the account, and ``actor`` the user who did it, if it was another one. If they are deleted,
    ``user_key`` and ``actor_key`` still have their primary keys as text. ``address`` is the client's IP address.
    """

    name: "models.CharField[str, str]" = models.CharField(max_length=64)
    at: "models.DateTimeField[datetime, datetime]" = models.DateTimeField(
        default=timezone.now, db_index=True
    )
    user: Any = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", db_index=False
    )
    user_key: "models.CharField[str, str]" = models.CharField(max_length=64, default="")
    actor: Any = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    actor_key: "models.CharField[str, str]" = models.CharField(max_length=64, default="")
    address: "models.GenericIPAddressField[str | None, str | None]" = models.GenericIPAddressField(
        null=True
    )
    user_agent: "models.CharField[str, str]" = models.CharField(max_length=300, default="")
    device: "models.CharField[str, str]" = models.CharField(
        max_length=32, default="", editable=False
    )
    request_id: "models.CharField[str, str]" = models.CharField(max_length=100, default="")
    tenant_id: "models.CharField[str, str]" = models.CharField(max_length=64, default="")
    data: "models.JSONField[Any, Any]" = models.JSONField(default=dict)

    objects: ClassVar[Any] = SecurityEvents.as_manager()

    class Meta:
        verbose_name = "security event"
        indexes = [
            models.Index(fields=["user", "-at"], name="matt_audit_user"),
            models.Index(fields=["user_key"], name="matt_audit_user_key"),
            models.Index(fields=["name", "-at"], name="matt_audit_name"),
        ]

    def __str__(self) -> str:
        """Return the name, the account and the time."""
        return f"{self.name} of {self.user_key or 'nobody'} at {self.at:%Y-%m-%d %H:%M:%S}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Add the event; raise ``TypeError`` if it is stored already."""
        if not self._state.adding:
            raise _unchangeable()
        super().save(*args, **kwargs)

    def delete(self, *_: Any, **__: Any) -> NoReturn:
        """Raise ``TypeError``."""
        raise _unchangeable()
