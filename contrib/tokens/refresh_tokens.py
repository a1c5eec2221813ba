"""The text of a refresh token: the family and its generation, signed with ``SECRET_KEY``."""

import base64
import binascii
from uuid import UUID

from django.utils.crypto import constant_time_compare, salted_hmac

from django_matt.contrib.tokens.keys import secret_keys

__all__ = ["read_refresh_token", "write_refresh_token"]

_PREFIX = "mrt_"
_SALT = "django_matt.tokens.refresh"


def write_refresh_token(pk: UUID, generation: int) -> str:
    """Return the refresh token of a generation of a family; the same arguments, the same bytes."""
    body = _encode(pk.bytes + generation.to_bytes(8, "big"))
    return f"{_PREFIX}{body}.{_signature(body, secret_keys()[0])}"


def read_refresh_token(value: str) -> tuple[UUID, int] | None:
    """Return the family and the generation of a refresh token; None if its signature is wrong."""
    body, _, signature = value.removeprefix(_PREFIX).partition(".")
    if not value.startswith(_PREFIX) or not value.isascii():
        return None
    if not any(constant_time_compare(_signature(body, key), signature) for key in secret_keys()):
        return None
    try:
        data = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
    except (binascii.Error, ValueError):
        return None
    return (UUID(bytes=data[:16]), int.from_bytes(data[16:], "big")) if len(data) == 24 else None


def _signature(body: str, key: str) -> str:
    return _encode(salted_hmac(_SALT, body, secret=key, algorithm="sha256").digest())


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
