"""Verifies access tokens: a cache of those that were verified, and when each login must be looked up again."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from types import MappingProxyType
from typing import Any
from uuid import UUID

import jwt
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.signals import setting_changed
from django.utils import timezone

from django_matt.contrib.tokens.keys import KeyRing, load_ring
from django_matt.contrib.tokens.models import Family
from django_matt.contrib.tokens.settings import get_settings
from django_matt.errors.exceptions import InvalidCredentials
from django_matt.sign_in import AuthenticationRecord

__all__ = ["KIND", "AccessToken", "Verifier", "verifier"]

KIND = "at+jwt"
"""The type of an access token (RFC 9068, 2.1)."""

_KINDS = {KIND, f"application/{KIND}"}
_REQUIRED = ("iss", "aud", "sub", "iat", "exp", "jti", "sid")
_MALFORMED = (
    jwt.PyJWTError,
    ValidationError,
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    OverflowError,
    RecursionError,
)
_RELOAD_SECONDS = 1.0
"""How often tokens with an unknown key may make this process read the ring again."""
_MAX_TOKENS = 10_000
_MAX_FAMILIES = 100_000


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A verified access token: ``request.auth`` of a route with ``TokenAuth``. It is shared by requests, so do not change it."""

    user_id: Any
    """The primary key of the user."""
    family: UUID
    """The id of the login."""
    scopes: frozenset[str]
    expires_at: float
    """In seconds since 1970, as ``issued_at``."""
    issued_at: float
    records: tuple[AuthenticationRecord, ...] = ()
    """How and when the user proved who they are, at the login."""
    actor_id: Any = None
    """The primary key of the member of staff who acts as the user; None without impersonation."""
    tenant: str = ""
    key_id: str = ""
    """The id of the key that signed the token: without it in the ring, the token is no longer valid."""
    claims: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def amr(self) -> tuple[str, ...]:
        """The methods of the login."""
        return tuple(record.method for record in self.records)

    @property
    def auth_time(self) -> float | None:
        """When the user last proved who they are, in seconds since 1970."""
        return max((record.at for record in self.records), default=None)


class Verifier:
    """What one process remembers about tokens. No token is in it: a token is known by its SHA-256."""

    def __init__(self) -> None:
        """Start without anything."""
        self._ring = KeyRing()
        self._tokens: dict[bytes, AccessToken] = {}
        # Until when, in seconds since 1970, a login needs no lookup.
        self._families: dict[UUID, float] = {}
        self._lock = threading.Lock()

    def recall(self, value: str) -> AccessToken | None:
        """Return a token that this process has verified, if neither it nor its login has to be looked up. It never waits."""
        token, ring = self._tokens.get(sha256(value.encode()).digest()), self._ring
        if token is None or time.monotonic() >= ring.until or token.key_id not in ring.keys:
            return None
        now = time.time()
        if now >= token.expires_at or now >= self._families.get(token.family, 0.0):
            return None
        return token

    def verify(self, value: str) -> AccessToken:
        """Return the access token; raise ``InvalidCredentials`` if it is wrong, or its login has ended.

        It queries the database if the key ring or the login was read more than ``REVOCATION_SECONDS`` ago.
        """
        self._refresh_ring()
        token = self.read(value)
        if self.needs_lookup(token):
            self.look_up(token)
        return token

    def verify_without_query(self, value: str) -> AccessToken | None:
        """Return a token that can be verified without the database; None if that is needed."""
        if time.monotonic() >= self._ring.until:
            return None
        try:
            token = self.read(value, may_reload=False)
        except _UnknownKey:
            return None
        return None if self.needs_lookup(token) else token

    # ---- the signature and the claims ----

    def read(self, value: str, *, may_reload: bool = True) -> AccessToken:
        """Verify the signature and the claims of a token, and remember it."""
        digest = sha256(value.encode()).digest()
        known = self._tokens.get(digest)
        if known is not None and time.time() < known.expires_at and known.key_id in self._ring.keys:
            return known
        token = self._decode(value, may_reload=may_reload)
        with self._lock:
            while len(self._tokens) >= _MAX_TOKENS:
                del self._tokens[next(iter(self._tokens))]
            self._tokens[digest] = token
        return token

    def _decode(self, value: str, *, may_reload: bool) -> AccessToken:
        options = get_settings()
        try:
            header = jwt.get_unverified_header(value)
            kid, kind = header.get("kid"), header.get("typ")
            if not isinstance(kid, str) or not isinstance(kind, str) or kind.lower() not in _KINDS:
                raise InvalidCredentials
            key = self._ring.keys.get(kid)
            if key is None:
                if not may_reload:
                    raise _UnknownKey
                key = self._reload_for(kid)
            # The algorithm is the key's, whatever the header of the token names.
            claims = jwt.decode(
                value,
                key.verifying,
                algorithms=[key.algorithm],
                audience=options.AUDIENCE,
                issuer=options.ISSUER,
                options={"require": list(_REQUIRED)},
            )
            token = _token_of(claims, kid)
        except _MALFORMED:
            raise InvalidCredentials from None
        if time.time() >= token.expires_at:  # by the clock that `recall` uses
            raise InvalidCredentials
        return token

    # ---- the ring ----

    def _refresh_ring(self) -> None:
        if time.monotonic() >= self._ring.until:
            self.use(load_ring())

    def _reload_for(self, kid: str) -> Any:
        """Return a key that another process may just have made. Unknown keys cost at most one query per second."""
        if time.monotonic() >= self._ring.loaded + _RELOAD_SECONDS:
            self.use(load_ring())
        key = self._ring.keys.get(kid)
        if key is None:
            raise InvalidCredentials
        return key

    def use(self, ring: KeyRing) -> None:
        """Replace the ring, unless another thread has read it later. Tokens of keys that it has lost are not accepted."""
        if ring.loaded >= self._ring.loaded:
            self._ring = ring

    # ---- the logins ----

    def needs_lookup(self, token: AccessToken) -> bool:
        """Return whether the login of a token must be looked up.

        A token that was issued less than ``REVOCATION_SECONDS`` ago needs no lookup: its login was valid then.
        """
        seconds, now = get_settings().REVOCATION_SECONDS, time.time()
        until = self._families.get(token.family)
        if until is None and token.issued_at <= now < token.issued_at + seconds:
            self._remember(token.family, token.issued_at + seconds)
            return False
        return until is None or now >= until

    def look_up(self, token: AccessToken) -> None:
        """Query whether the login of a token is still valid; raise ``InvalidCredentials`` if not."""
        asked = time.time()
        family = Family.objects.select_related("user", "actor").filter(pk=token.family).first()
        if family is None or not family.is_open(timezone.now()) or not family.is_trusted():
            self.forget(token.family)
            raise InvalidCredentials
        self._remember(token.family, asked + get_settings().REVOCATION_SECONDS)

    def forget(self, family: UUID) -> None:
        """Look up a login before its next request, because it has ended or may have."""
        self._remember(family, 0.0)

    def _remember(self, family: UUID, until: float) -> None:
        with self._lock:
            while len(self._families) >= _MAX_FAMILIES:
                del self._families[next(iter(self._families))]
            self._families[family] = until

    def clear(self) -> None:
        """Forget everything."""
        self._ring, self._tokens, self._families = KeyRing(), {}, {}


class _UnknownKey(Exception):  # noqa: N818 - it is no error: the ring must be read again
    """The process does not know the key of a token."""


def _token_of(claims: Mapping[str, Any], kid: str) -> AccessToken:
    """Return the claims as an access token; raise ``ValueError``, ``TypeError`` or ``KeyError`` if one is malformed."""
    key = get_user_model()._meta.pk
    act = claims.get("act")
    return AccessToken(
        user_id=key.to_python(claims["sub"]),
        family=UUID(claims["sid"]),
        scopes=frozenset(claims.get("scope", "").split()),
        expires_at=float(claims["exp"]),
        issued_at=float(claims["iat"]),
        records=tuple(
            AuthenticationRecord(method=method, at=float(at))
            for method, at in claims.get("amr_times", {}).items()
        ),
        actor_id=None if act is None else key.to_python(act["sub"]),
        tenant=str(claims.get("tenant", "")),
        key_id=kid,
        claims=MappingProxyType(dict(claims)),
    )


verifier = Verifier()
"""What this process remembers."""


def _clear(*, setting: str, **_: Any) -> None:
    if setting in {"MATT_TOKENS", "SECRET_KEY", "SECRET_KEY_FALLBACKS", "DATABASES"}:
        verifier.clear()


setting_changed.connect(_clear)
