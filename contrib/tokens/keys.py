"""The key ring: signing keys with an id, their encryption at rest, and the JSON Web Key Set."""

import base64
import hashlib
import json
import logging
import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from typing import Any, cast

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.crypto import salted_hmac

from django_matt.contrib.tokens.models import SigningKey
from django_matt.contrib.tokens.settings import Algorithm, get_settings
from django_matt.errors.exceptions import Conflict, MissingExtra, NotFound
from django_matt.sign_in import record_security_event

try:
    import jwt
    from cryptography.fernet import Fernet, InvalidToken, MultiFernet
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
    from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
except ImportError as _error:
    raise MissingExtra(_error.name or "pyjwt", "tokens") from None

__all__ = [
    "Key",
    "KeyRing",
    "encode",
    "key_set",
    "load_ring",
    "load_signing_ring",
    "retire",
    "rotate",
    "secret_keys",
]

logger = logging.getLogger(__name__)

_RSA_BITS = 2048
_SECRET_LENGTH = 32
"""The bytes of an HS256 secret (RFC 7518, 3.2)."""
_OVERLAP = 60
"""For how many seconds more than its tokens are valid a replaced key verifies."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key of the ring. ``signing`` is None if only the public part can be read; ``jwk`` is None for HS256."""

    kid: str
    algorithm: Algorithm
    verifying: Any
    signing: Any
    jwk: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The keys that verify, the one that signs, and until when this copy may be used, on the monotonic clock."""

    keys: Mapping[str, Key] = field(default_factory=dict)
    active: Key | None = None
    until: float = 0.0
    loaded: float = 0.0


# ---- reading the ring ----


def load_ring() -> KeyRing:
    """Read the keys of the settings, or else of the database: one query."""
    options, now = get_settings(), time.monotonic()
    if options.PRIVATE_KEYS:
        found = [_key_of_settings(text, options.ALGORITHM) for text in options.PRIVATE_KEYS]
        if found[0].signing is None:
            raise ImproperlyConfigured(
                'The first of settings.MATT_TOKENS["PRIVATE_KEYS"] is a public key, which cannot sign tokens.'
            )
        return KeyRing({key.kid: key for key in found}, found[0], float("inf"), now)
    rows = SigningKey.objects.filter(Q(retired_at=None) | Q(retired_at__gt=timezone.now()))
    keys: dict[str, Key] = {}
    active = None
    for row in rows:
        key = _open(row.kid, row.algorithm, json.dumps(row.public), row.private, secret_keys())
        if key is None:
            continue
        keys[key.kid] = key
        if row.is_active and key.signing is not None:
            active = key
    return KeyRing(keys, active, now + options.REVOCATION_SECONDS, now)


def load_signing_ring() -> KeyRing:
    """Read the ring for a new token; make the first key if there is none that can sign."""
    ring = load_ring()
    if ring.active is None:
        former = SigningKey.objects.filter(is_active=True).first()
        if former is None:
            _store(generate(get_settings().ALGORITHM), only_if_first=True)
        # Another process may have made the first key since the ring was read.
        ring = load_ring()
        if ring.active is None and former is not None:
            logger.warning(
                "The signing key %s cannot be decrypted by SECRET_KEY or SECRET_KEY_FALLBACKS; a new one replaces it.",
                former.kid,
            )
            with suppress(Conflict):  # another process has just replaced it
                rotate()
            ring = load_ring()
    if ring.active is None:
        raise ImproperlyConfigured("There is no signing key that this process can decrypt.")
    return ring


def key_set() -> dict[str, list[Mapping[str, Any]]]:
    """Return the JSON Web Key Set (RFC 7517, 5): the public keys that verify now. HS256 secrets are never in it."""
    ring = load_ring()
    return {"keys": [key.jwk for key in ring.keys.values() if key.jwk is not None]}


# ---- changing the ring ----


def generate(algorithm: Algorithm) -> Any:
    """Return a new private key, or the bytes of a new secret for HS256."""
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    if algorithm == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    if algorithm == "RS256":
        return rsa.generate_private_key(public_exponent=65537, key_size=_RSA_BITS)
    return secrets.token_bytes(_SECRET_LENGTH)


def rotate(algorithm: Algorithm | None = None) -> Key:
    """Make a new key that signs from now on. The former one verifies until its last token has expired.

    Raises ``Conflict`` if another process rotates the ring at the same time.
    """
    options = get_settings()
    if options.PRIVATE_KEYS:
        raise Conflict(
            "The keys are in the settings: put a new one in front of PRIVATE_KEYS.",
            code="keys_in_settings",
        )
    made = generate(algorithm or options.ALGORITHM)
    now = timezone.now()
    until = now + timedelta(seconds=options.ACCESS_SECONDS + _OVERLAP)
    with transaction.atomic():
        former = SigningKey.objects.filter(is_active=True).values_list("kid", flat=True).first()
        if former is not None:
            # The claim: one UPDATE on one table, of which only one process changes the row.
            claimed = SigningKey.objects.filter(kid=former, is_active=True).update(
                is_active=None, retired_at=until
            )
            if not claimed:
                raise Conflict("Another process has just rotated the keys.", code="rotated_already")
        key = _store(made, only_if_first=former is None)
        if former is None:
            key = load_ring().active or key
        record_security_event("key_ring_rotated", kid=key.kid, algorithm=key.algorithm)
    return key


def retire(kid: str) -> None:
    """Stop accepting a key's tokens now. Raises ``NotFound``, or ``Conflict`` for the key that signs."""
    now = timezone.now()
    retired = (
        SigningKey.objects.filter(kid=kid, is_active=None)
        .filter(Q(retired_at=None) | Q(retired_at__gt=now))
        .update(retired_at=now)
    )
    if retired:
        record_security_event("key_ring_rotated", kid=kid, retired=True)
        return
    row = SigningKey.objects.filter(kid=kid).first()
    if row is None:
        raise NotFound(f"There is no key {kid!r}.")
    if row.is_active:
        raise Conflict("This key signs. Rotate first, then retire it.", code="key_is_active")


def _store(made: Any, *, only_if_first: bool) -> Key:
    """Insert a key that signs. With ``only_if_first``, a key that another process has just inserted wins."""
    key = _key_of(made)
    row = SigningKey(
        kid=key.kid,
        algorithm=key.algorithm,
        public=key.jwk,
        private=_cipher(secret_keys()).encrypt(_private_bytes(made)).decode(),
        is_active=True,
        activated_at=timezone.now(),
    )
    # INSERT … ON CONFLICT DO NOTHING: only one row can be active.
    SigningKey.objects.bulk_create([row], ignore_conflicts=only_if_first)
    return key


# ---- forms of a key ----


def _key_of(made: Any, kid: str | None = None) -> Key:
    """Return the key of a private or public key object, or of a secret."""
    if isinstance(made, bytes):
        kid = kid or _thumbprint({"kty": "oct", "digest": hashlib.sha256(made).hexdigest()})
        return Key(kid, "HS256", made, made, None)
    public = made.public_key() if hasattr(made, "public_key") else made
    signing = made if public is not made else None
    algorithm: Algorithm
    if isinstance(public, ed25519.Ed25519PublicKey):
        algorithm, jwk = "EdDSA", OKPAlgorithm.to_jwk(public, as_dict=True)
    elif isinstance(public, rsa.RSAPublicKey) and public.key_size >= _RSA_BITS:
        algorithm, jwk = "RS256", RSAAlgorithm.to_jwk(public, as_dict=True)
    elif isinstance(public, ec.EllipticCurvePublicKey) and public.curve.name == "secp256r1":
        algorithm, jwk = "ES256", ECAlgorithm.to_jwk(public, as_dict=True)
    else:
        raise ValueError(
            "A key must be Ed25519, RSA of 2048 bits or more, or an elliptic curve key on P-256."
        )
    jwk = {name: jwk[name] for name in ("kty", "crv", "x", "y", "n", "e") if name in jwk}
    kid = kid or _thumbprint(jwk)
    return Key(kid, algorithm, public, signing, {**jwk, "kid": kid, "alg": algorithm, "use": "sig"})


def _thumbprint(members: Mapping[str, Any]) -> str:
    """Return an id for a key: half of its thumbprint (RFC 7638), in hexadecimal digits, as base64 may begin with a hyphen."""
    text = json.dumps(members, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _private_bytes(made: Any) -> bytes:
    if isinstance(made, bytes):
        return made
    return cast(
        "bytes",
        made.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
    )


@lru_cache(maxsize=64)
def _key_of_settings(text: str, algorithm: Algorithm) -> Key:
    """Return a key of ``PRIVATE_KEYS``; raise ``ImproperlyConfigured`` without showing it."""
    if "-----BEGIN" not in text:
        if algorithm != "HS256":
            raise ImproperlyConfigured(
                'settings.MATT_TOKENS["PRIVATE_KEYS"] contains something that is not a PEM document.'
            )
        if len(text) < _SECRET_LENGTH:
            raise ImproperlyConfigured(
                f'A secret in settings.MATT_TOKENS["PRIVATE_KEYS"] has fewer than {_SECRET_LENGTH} characters.'
            )
        return _key_of(text.encode())
    try:
        document = text.replace("\\n", "\n").encode()
        load = (
            serialization.load_pem_public_key
            if b"PUBLIC KEY" in document
            else lambda data: serialization.load_pem_private_key(data, password=None)
        )
        return _key_of(load(document))
    except (ValueError, TypeError) as error:
        raise ImproperlyConfigured(
            'settings.MATT_TOKENS["PRIVATE_KEYS"] contains a key that cannot be used: '
            "it must be an unencrypted PEM document of Ed25519, of RSA with 2048 bits or more, or of P-256."
        ) from error


@lru_cache(maxsize=64)
def _open(kid: str, algorithm: str, public: str, private: str, keys: tuple[str, ...]) -> Key | None:
    """Return the key of a row. If it cannot be decrypted, it still verifies, unless it is a secret."""
    try:
        data = _cipher(keys).decrypt(private.encode())
    except (InvalidToken, ValueError):
        jwk = json.loads(public)
        if jwk is None:
            return None
        return _key_of(jwt.PyJWK.from_dict(jwk).key, kid)
    if algorithm == "HS256":
        return _key_of(data, kid)
    return _key_of(serialization.load_pem_private_key(data, password=None), kid)


def secret_keys() -> tuple[str, ...]:
    return (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)


@lru_cache(maxsize=4)
def _cipher(keys: tuple[str, ...]) -> MultiFernet:
    """Return the cipher of private keys at rest: the first key encrypts, all decrypt."""
    return MultiFernet(
        Fernet(
            base64.urlsafe_b64encode(
                salted_hmac("django_matt.tokens.keys", "", secret=key, algorithm="sha256").digest()
            )
        )
        for key in keys
    )


# ---- signatures ----


class _DeterministicES256(ECAlgorithm):
    """ES256 whose signature depends only on the key and the message (RFC 6979)."""

    def __init__(self) -> None:
        super().__init__(hashes.SHA256)

    def sign(self, msg: bytes, key: Any) -> bytes:
        der = key.sign(msg, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
        return b"".join(number.to_bytes(32, "big") for number in decode_dss_signature(der))


_signer = jwt.PyJWS(algorithms=["EdDSA", "RS256", "HS256"])
_signer.register_algorithm("ES256", _DeterministicES256())


def encode(claims: Mapping[str, Any], key: Key, *, kind: str) -> str:
    """Sign claims as a JSON Web Token of a type. The same claims and key always give the same bytes."""
    payload = json.dumps(claims, separators=(",", ":")).encode()
    headers = {"typ": kind, "kid": key.kid}
    return _signer.encode(payload, key.signing, algorithm=key.algorithm, headers=headers)
