"""The symmetric signatures of Standard Webhooks 1.0: HMAC-SHA256 of the id, the time and the body."""

import base64
import binascii
import hmac
import secrets
from collections.abc import Iterable

__all__ = ["decode_secret", "is_signed", "make_secret", "sign"]

_PREFIX = "whsec_"
_SHORTEST = 24
_MOST = 16
"""How many signatures of a header are looked at."""


def make_secret() -> str:
    """Return a random secret of 32 bytes, as receivers get it."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def decode_secret(secret: str) -> bytes:
    """Return the bytes of a secret, with or without ``whsec_``; raise ``ValueError`` if it is no base64 or too short."""
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("The secret of a webhook is whsec_ and base64.") from None
    if len(key) < _SHORTEST:
        raise ValueError(f"The secret of a webhook has {_SHORTEST} bytes or more.")
    return key


def sign(key: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """Return a signature for the header ``webhook-signature``.

    >>> sign(b"0" * 24, "msg_1", 1614265330, b"{}")
    'v1,HuT/Qkp5uUEJCJcoDQB0U/0YwPiE3NHk2+yyBwGsuHU='
    """
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()


def is_signed(
    keys: Iterable[bytes], header: str, message_id: str, timestamp: int, body: bytes
) -> bool:
    """Tell whether a header has a signature by one of the keys; each is compared in constant time."""
    given = [each.encode("utf-8", "replace") for each in header.split(" ")[:_MOST]]
    expected = [sign(key, message_id, timestamp, body).encode() for key in keys]
    return any(hmac.compare_digest(one, other) for one in expected for other in given)
