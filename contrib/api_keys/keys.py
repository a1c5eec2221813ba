"""The text of a key, ``<prefix>_<environment>_<id>_<secret>_<checksum>``: how it is made, read and found in other text."""

import re
import secrets
import string
import zlib
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256

__all__ = [
    "InvalidKey",
    "ParsedKey",
    "contains_key",
    "digest_of",
    "key_pattern",
    "make_key",
    "parse_key",
]

_ALPHABET = string.ascii_letters + string.digits
_ID_LENGTH, _SECRET_LENGTH = 12, 32  # 71 and 190 random bits


class InvalidKey(ValueError):  # noqa: N818 - an exception here is named after what is wrong
    """The text is not a key; the message, for the client, does not contain any of it."""


@dataclass(frozen=True, slots=True)
class ParsedKey:
    """The parts of a key."""

    environment: str
    public_id: str
    secret: str = field(repr=False)


def key_pattern(prefix: str) -> str:
    """Return the regular expression of every key, for scanners that search for leaked keys."""
    return rf"{prefix}_[a-z][a-z0-9]{{1,15}}_[A-Za-z0-9]{{{_ID_LENGTH}}}_[A-Za-z0-9]{{{_SECRET_LENGTH}}}_[0-9a-f]{{8}}"


def make_key(prefix: str, environment: str) -> tuple[str, ParsedKey]:
    """Return the text of a new key, and its parts."""
    public_id, secret = _random(_ID_LENGTH), _random(_SECRET_LENGTH)
    body = f"{prefix}_{environment}_{public_id}_{secret}"
    return f"{body}_{_checksum(body)}", ParsedKey(environment, public_id, secret)


def parse_key(text: str, prefix: str) -> ParsedKey:
    """Return the parts of a key. Raise ``InvalidKey`` if it has another form, or its CRC-32 is wrong.

    A wrong checksum means that characters are missing or were changed, so the database does not have to be queried.
    """
    if not _compiled(prefix).fullmatch(text):
        raise InvalidKey(f"This is not an API key, which begins with {prefix}_.")
    body, _, checksum = text.rpartition("_")
    if checksum != _checksum(body):
        raise InvalidKey("The API key is not complete: its checksum is wrong.")
    _, environment, public_id, secret = body.split("_")
    return ParsedKey(environment, public_id, secret)


def contains_key(text: str, prefix: str) -> bool:
    """Return whether a text, such as a query string, contains a key with a correct checksum."""
    if f"{prefix}_" not in text:
        return False
    found = (match[0].rpartition("_") for match in _compiled(prefix).finditer(text))
    return any(checksum == _checksum(body) for body, _, checksum in found)


def digest_of(secret: str) -> str:
    """Return the SHA-256 of a secret. It is random, so it needs neither salt nor a slow hash."""
    return sha256(secret.encode()).hexdigest()


@lru_cache(maxsize=8)
def _compiled(prefix: str) -> re.Pattern[str]:
    return re.compile(key_pattern(prefix))


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def _checksum(body: str) -> str:
    return f"{zlib.crc32(body.encode()):08x}"
