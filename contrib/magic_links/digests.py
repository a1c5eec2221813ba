"""Makes tokens, codes and bindings, and the digests that are stored instead of them."""

import hashlib
import secrets

from django.utils.crypto import constant_time_compare, salted_hmac
from django.views.decorators.debug import sensitive_variables

__all__ = [
    "code_digest",
    "digest",
    "is_code",
    "keyed_digest",
    "make_code",
    "make_token",
    "show_code",
]

_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Digits and letters that are not mistaken for each other: without 0, 1, I, L, O and U."""


def make_token() -> str:
    """Return 256 random bits as text for a URL."""
    return secrets.token_urlsafe(32)


def make_code(length: int) -> str:
    """Return a random code that people can read and type."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def show_code(code: str) -> str:
    """Return a code in two groups.

    >>> show_code("7F3KMQ")
    '7F3-KMQ'
    """
    half = (len(code) + 1) // 2
    return f"{code[:half]}-{code[half:]}"


@sensitive_variables()
def digest(secret: str) -> str:
    """Return the SHA-256 of a random secret, which needs no key because it cannot be guessed."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


@sensitive_variables()
def keyed_digest(kind: str, value: str) -> str:
    """Return an HMAC with ``SECRET_KEY`` of something that could be guessed: a code, an e-mail or network address."""
    message = value.encode("utf-8", "surrogatepass")
    return salted_hmac(f"matt_magic_links.{kind}", message, algorithm="sha256").hexdigest()


@sensitive_variables()
def code_digest(link: object, code: str) -> str:
    """Return the digest of a code, which is valid for one link only. Spaces, dashes and case do not matter."""
    plain = "".join(code.split()).replace("-", "").upper()
    return keyed_digest("code", f"{link}:{plain}")


@sensitive_variables()
def is_code(link: object, code: str, stored: str) -> bool:
    """Tell whether a code is the one that was stored for a link, in constant time."""
    return constant_time_compare(code_digest(link, code), stored)
