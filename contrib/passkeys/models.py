"""The opaque user handles, and what was last seen of each passkey."""

from typing import Any

from django.conf import settings
from django.db import models

__all__ = ["Credential", "UserHandle"]


class UserHandle(models.Model):
    """64 random bytes that name a user to authenticators, and reveal nothing about them (WebAuthn, 14.6.1)."""

    user: "models.OneToOneField[Any, Any]" = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    # base64url without padding, because not every database can index bytes.
    handle: "models.CharField[str, str]" = models.CharField(
        max_length=86, unique=True, editable=False
    )
    replaces_key: "models.BooleanField[bool, bool]" = models.BooleanField(
        default=False, editable=False
    )
    """Whether the user had passkeys already, which have the primary key as their user handle."""

    class Meta:
        verbose_name = "user handle"
        verbose_name_plural = "user handles"

    def __str__(self) -> str:
        return f"{self.handle[:8]}…"


class Credential(models.Model):
    """What was last seen of one passkey. One UPDATE of its row accepts an assertion; a second one finds no row."""

    digest: "models.CharField[str, str]" = models.CharField(
        max_length=64, primary_key=True, editable=False
    )
    """The SHA-256 of the credential id, as hexadecimal digits."""
    sign_count: "models.PositiveBigIntegerField[int, int]" = models.PositiveBigIntegerField(
        default=0, editable=False
    )
    """The last signature counter; 0 for authenticators that do not count, such as synced passkeys."""
    last_challenge: "models.CharField[str, str]" = models.CharField(
        max_length=64, default="", blank=True, editable=False
    )
    """The SHA-256 of the challenge that was accepted last."""

    class Meta:
        verbose_name = "passkey state"
        verbose_name_plural = "passkey states"

    def __str__(self) -> str:
        return f"{self.digest[:8]}…"
