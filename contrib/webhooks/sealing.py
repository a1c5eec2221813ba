"""The secrets of endpoints at rest: encrypted by a key that is derived from ``SECRET_KEY``, because sending needs them again."""

import base64
from functools import lru_cache

from django.conf import settings
from django.utils.crypto import salted_hmac

from django_matt.errors.exceptions import MissingExtra

try:
    from cryptography.fernet import Fernet, MultiFernet
except ImportError as _error:
    raise MissingExtra(_error.name or "cryptography", "webhooks") from None

__all__ = ["open_secret", "reseal", "seal"]


def seal(secret: str) -> str:
    """Encrypt a secret."""
    return _cipher().encrypt(secret.encode()).decode()


def open_secret(sealed: str) -> str:
    """Decrypt a secret, also one of a key in ``SECRET_KEY_FALLBACKS``; raise ``InvalidToken`` if no key fits."""
    return _cipher().decrypt(sealed.encode()).decode()


def reseal(sealed: str) -> str:
    """Encrypt a sealed secret again, by ``SECRET_KEY``."""
    return _cipher().rotate(sealed.encode()).decode()


def _cipher() -> MultiFernet:
    return _cipher_of((settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))


@lru_cache(maxsize=4)
def _cipher_of(keys: tuple[str, ...]) -> MultiFernet:
    digests = (
        salted_hmac("django_matt.webhooks.secrets", "", secret=key, algorithm="sha256").digest()
        for key in keys
    )
    return MultiFernet([Fernet(base64.urlsafe_b64encode(each)) for each in digests])
