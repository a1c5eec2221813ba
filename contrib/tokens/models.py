"""The tables: one row per login, and one per signing key. Neither contains a token."""

import hashlib
import uuid
from collections.abc import Iterator
from datetime import datetime
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.crypto import constant_time_compare

__all__ = ["Family", "SigningKey", "digest_of_session", "digest_of_user", "may_impersonate"]


class Family(models.Model):
    """One login, and all tokens that come from it. A refresh token names the family and its generation.

    The row has no token: the tokens of a generation are always the same bytes, so they can be made again.
    """

    id: "models.UUIDField[uuid.UUID, uuid.UUID]" = models.UUIDField(
        primary_key=True, default=uuid.uuid4, editable=False
    )
    user: Any = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="token_families"
    )
    actor: Any = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="+"
    )
    session_digest: "models.CharField[str, str]" = models.CharField(
        max_length=64, blank=True, db_index=True
    )
    auth_digest: "models.CharField[str, str]" = models.CharField(max_length=64, blank=True)
    records: "models.JSONField[Any, Any]" = models.JSONField(default=list)
    scopes: "models.JSONField[Any, Any]" = models.JSONField(default=list)
    tenant: "models.CharField[str, str]" = models.CharField(max_length=64, blank=True)
    client: "models.CharField[str, str]" = models.CharField(max_length=200, blank=True)
    generation: "models.PositiveBigIntegerField[int, int]" = models.PositiveBigIntegerField(
        default=0
    )
    kid: "models.CharField[str, str]" = models.CharField(max_length=64)
    issued_at: "models.DateTimeField[datetime, datetime]" = models.DateTimeField(
        default=timezone.now
    )
    rotated_at: "models.DateTimeField[datetime, datetime]" = models.DateTimeField(
        default=timezone.now
    )
    expires_at: "models.DateTimeField[datetime, datetime]" = models.DateTimeField()
    revoked_at: "models.DateTimeField[datetime | None, datetime | None]" = models.DateTimeField(
        null=True
    )

    class Meta:
        """The permission of the staff that may use the API as another user."""

        verbose_name = "login with tokens"
        verbose_name_plural = "logins with tokens"
        permissions: ClassVar = [("impersonate", "Can use the API as another user")]
        default_permissions = ("view", "delete")

    def __str__(self) -> str:
        """Return the id."""
        return str(self.pk)

    def is_open(self, now: datetime) -> bool:
        """Return whether the login has neither ended nor expired."""
        return self.revoked_at is None and self.expires_at > now

    def is_trusted(self) -> bool:
        """Return whether the user is active, and who signed in has the same password as then, and may still do this."""
        if not self.user.is_active:
            return False
        who = self.actor or self.user
        if self.actor is not None and not may_impersonate(self.actor, self.user):
            return False
        return any(constant_time_compare(self.auth_digest, digest) for digest in _digests(who))


class SigningKey(models.Model):
    """One key that signs access tokens, or did. The private part is encrypted by a key from ``SECRET_KEY``."""

    kid: "models.CharField[str, str]" = models.CharField(primary_key=True, max_length=64)
    algorithm: "models.CharField[str, str]" = models.CharField(max_length=8)
    public: "models.JSONField[Any, Any]" = models.JSONField(null=True)
    private: "models.TextField[str, str]" = models.TextField()
    # True for the key that signs, else NULL: of True there can be only one.
    is_active: "models.BooleanField[bool | None, bool | None]" = models.BooleanField(
        null=True, unique=True, default=None
    )
    created_at: "models.DateTimeField[datetime, datetime]" = models.DateTimeField(
        default=timezone.now
    )
    activated_at: "models.DateTimeField[datetime | None, datetime | None]" = models.DateTimeField(
        null=True
    )
    retired_at: "models.DateTimeField[datetime | None, datetime | None]" = models.DateTimeField(
        null=True
    )

    class Meta:
        """Keys are changed by ``manage.py matt_keys`` alone."""

        default_permissions = ("view",)

    def __str__(self) -> str:
        """Return the key id."""
        return str(self.kid)


def digest_of_session(session_key: str | None) -> str:
    """Return the SHA-256 of a session key, which is a secret; empty without one."""
    return hashlib.sha256(session_key.encode()).hexdigest() if session_key else ""


def digest_of_user(user: Any) -> str:
    """Return what changes with the user's password: the SHA-256 of the hash that Django's sessions compare."""
    return next(_digests(user))


def may_impersonate(actor: Any, user: Any) -> bool:
    """Return whether a member of staff may use the API as a user. Nobody may as staff, as that could give more rights."""
    if not (actor.is_active and actor.is_staff and actor.has_perm("matt_tokens.impersonate")):
        return False
    return bool(
        user.is_active and not user.is_staff and not user.is_superuser and user.pk != actor.pk
    )


def _digests(user: Any) -> Iterator[str]:
    """Yield the digest for ``SECRET_KEY``, then those for ``SECRET_KEY_FALLBACKS``."""
    if not hasattr(user, "get_session_auth_hash"):
        yield ""
        return
    yield _sha256(user.get_session_auth_hash())
    if hasattr(user, "get_session_auth_fallback_hash"):
        yield from map(_sha256, user.get_session_auth_fallback_hash())


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
