"""Issues the tokens of a login, and refreshes them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from django_matt.contrib.tokens.endings import end_all, end_one
from django_matt.contrib.tokens.keys import KeyRing, encode, load_signing_ring
from django_matt.contrib.tokens.models import (
    Family,
    digest_of_session,
    digest_of_user,
    may_impersonate,
)
from django_matt.contrib.tokens.refresh_tokens import read_refresh_token, write_refresh_token
from django_matt.contrib.tokens.settings import get_settings
from django_matt.contrib.tokens.verification import KIND, verifier
from django_matt.errors.exceptions import NotAuthenticated, PermissionDenied
from django_matt.sign_in import (
    AuthenticationRecord,
    IssuedTokens,
    current_tenant,
    record_security_event,
)

__all__ = [
    "InvalidRefreshToken",
    "Login",
    "find_impersonation",
    "impersonate",
    "issue",
    "refresh",
    "session_key_of",
]


class InvalidRefreshToken(NotAuthenticated):
    """The refresh token is wrong, used, or expired, or its login has ended. The client cannot tell which."""

    default_detail = "The refresh token is not valid. Sign in again."
    default_code = "invalid_refresh_token"

    def __init__(self) -> None:
        """Add the challenge that a 401 needs (RFC 9110, 15.5.2)."""
        super().__init__(headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})


@dataclass(frozen=True, slots=True)
class Login:
    """A family, and the tokens of its generation."""

    family: Family
    tokens: IssuedTokens

    @property
    def seconds_left(self) -> int:
        """For how many seconds the login lasts, however often it is refreshed."""
        return max(0, int((self.family.expires_at - timezone.now()).total_seconds()))


# ---- issuing ----


def issue(
    request: HttpRequest,
    user: Any,
    *,
    records: Sequence[AuthenticationRecord] = (),
    scopes: Sequence[str] = (),
    session_key: str | None = None,
) -> Login:
    """Begin a family for one login. ``session_key`` ends it together with that session.

    Raises ``PermissionDenied`` for an inactive user.
    """
    options, now = get_settings(), timezone.now()
    if not user.is_active:
        raise PermissionDenied("This account is not active.")
    tenant = current_tenant(request)
    family = Family(
        user=user,
        session_digest=digest_of_session(session_key),
        auth_digest=digest_of_user(user),
        records=[[record.method, record.at] for record in records],
        scopes=list(scopes or options.SCOPES),
        tenant="" if tenant is None else str(tenant.pk),
        client=_client_of(request),
        issued_at=now,
        rotated_at=now,
        expires_at=now + timedelta(seconds=options.LOGIN_SECONDS),
    )
    with transaction.atomic():
        # Logins at the same time do not see each other, and would exceed the limit together.
        get_user_model()._base_manager.select_for_update(no_key=True).filter(pk=user.pk).first()
        login = _begin(family)
        _limit_logins(user, now)
        record_security_event("tokens_issued", request=request, user=user, family=str(family.pk))
    return login


def impersonate(request: HttpRequest, actor: Any, find_user: Callable[[], Any]) -> Login:
    """Begin a short family in which ``actor`` uses the API as the user that ``find_user`` returns.

    Raises ``PermissionDenied`` if the actor may not, or the user is staff, a superuser or inactive: nobody gains rights.
    """
    if not (actor.is_active and actor.is_staff and actor.has_perm("matt_tokens.impersonate")):
        raise PermissionDenied("You may not act as another user.")
    user = find_user()  # only now: others must not learn which users exist
    if not may_impersonate(actor, user):
        raise PermissionDenied("Nobody may act as this user.")
    options, now = get_settings(), timezone.now()
    tenant = current_tenant(request)
    family = Family(
        user=user,
        actor=actor,
        session_digest=digest_of_session(session_key_of(request)),
        auth_digest=digest_of_user(actor),
        scopes=list(options.SCOPES),
        tenant="" if tenant is None else str(tenant.pk),
        client=_client_of(request),
        issued_at=now,
        rotated_at=now,
        expires_at=now + timedelta(seconds=options.IMPERSONATION_SECONDS),
    )
    with transaction.atomic():
        login = _begin(family)
        record_security_event(
            "impersonation_started",
            request=request,
            user=user,
            actor=str(actor.pk),
            family=str(family.pk),
        )
    return login


def find_impersonation(request: HttpRequest, key: str) -> Family | None:
    """Return the impersonation that began with a key in the session of a request; ``None`` if it has ended."""
    found = Family.objects.select_related("user", "actor").exclude(actor=None).filter(pk=key)
    family = found.filter(session_digest=digest_of_session(session_key_of(request))).first()
    is_valid = family is not None and family.is_open(timezone.now()) and family.is_trusted()
    return family if is_valid else None


def _begin(family: Family) -> Login:
    ring = load_signing_ring()
    family.kid = _active(ring)
    family.save(force_insert=True)
    return Login(family, _tokens_of(family, ring))


def _limit_logins(user: Any, now: datetime) -> None:
    """Delete the expired logins of a user, and end the oldest ones above the limit."""
    Family.objects.filter(user=user, expires_at__lte=now).delete()
    mine = Family.objects.filter(user=user, actor=None, revoked_at=None)
    spare = list(mine.order_by("-issued_at", "-id").values_list("pk", flat=True))
    if len(spare) > get_settings().MAX_LOGINS:
        end_all(Family.objects.filter(pk__in=spare[get_settings().MAX_LOGINS :]))


def session_key_of(request: Any) -> str | None:
    """Return the key of the request's session, if it has one."""
    session = getattr(request, "session", None)
    return None if session is None else session.session_key


def _client_of(request: HttpRequest) -> str:
    text = str(request.META.get("HTTP_USER_AGENT", ""))[:200]
    return "".join(character for character in text if character.isprintable())


# ---- refreshing ----


def refresh(value: str, *, request: HttpRequest | None = None) -> Login:
    """Exchange a refresh token for its successor, once; within the leeway, for the same successor again.

    An older token ends the login (RFC 9700, 4.14.2). Raises ``InvalidRefreshToken``, whose cause the client is not told.
    """
    named = read_refresh_token(value)
    if named is None:
        raise InvalidRefreshToken
    pk, generation = named
    options, now = get_settings(), timezone.now()
    ring = load_signing_ring()
    with transaction.atomic():
        # The claim is one UPDATE on one table: of parallel requests, the database lets one change the row.
        claimed = Family.objects.filter(
            pk=pk, generation=generation, revoked_at=None, expires_at__gt=now
        ).update(generation=generation + 1, rotated_at=now, kid=_active(ring))
        family = Family.objects.select_related("user", "actor").filter(pk=pk).first()
        login = None
        if family is None or not family.is_open(now):
            pass
        elif not family.is_trusted():
            end_one(family, "tokens_revoked", request)
        elif claimed or _is_repeated(family, generation, now, options.LEEWAY_SECONDS):
            _renew_digest(family)
            login = Login(family, _tokens_of(family, ring))
        else:
            end_one(family, "token_reused", request)
    if login is None:  # raised here, because inside of the block it would undo the end of the login
        raise InvalidRefreshToken
    return login


def _is_repeated(family: Family, generation: int, now: datetime, leeway: float) -> bool:
    """Return whether a token's successor was made so recently that this may be a second tab, or a lost response."""
    if family.generation != generation + 1 or leeway <= 0:
        return False
    return bool(now - family.rotated_at <= timedelta(seconds=leeway))


def _renew_digest(family: Family) -> None:
    """Compute the digest again after ``SECRET_KEY`` was rotated, so that the login survives the former key."""
    digest = digest_of_user(family.actor or family.user)
    if not constant_time_compare(digest, family.auth_digest):
        Family.objects.filter(pk=family.pk).update(auth_digest=digest)


# ---- the tokens of a generation ----


def _tokens_of(family: Family, ring: KeyRing) -> IssuedTokens:
    """Return the tokens of a family's generation. They depend on nothing but the row: the same row, the same bytes."""
    options = get_settings()
    issued = int(family.rotated_at.timestamp())
    expires = min(issued + options.ACCESS_SECONDS, int(family.expires_at.timestamp()))
    claims: dict[str, Any] = {
        "iss": options.ISSUER,
        "aud": options.AUDIENCE,
        "sub": str(family.user.pk),
        "iat": issued,
        "exp": expires,
        "jti": f"{family.pk.hex}.{family.generation}",
        "sid": family.pk.hex,
        "scope": " ".join(family.scopes),
    }
    if family.records:
        times = dict(sorted(family.records, key=lambda record: float(record[1])))
        claims["amr"] = list(times)
        claims["auth_time"] = int(max(times.values()))
        claims["amr_times"] = {method: int(at) for method, at in times.items()}
    if family.tenant:
        claims["tenant"] = family.tenant
    if family.actor is not None:
        claims["act"] = {"sub": str(family.actor.pk)}
    key = ring.keys.get(family.kid)
    if key is None or key.signing is None:
        key = ring.active
    verifier.use(ring)
    return IssuedTokens(
        access_token=encode(claims, key, kind=KIND),  # type: ignore[arg-type]  # a signing ring has an active key
        refresh_token=write_refresh_token(family.pk, family.generation),
        expires_in=max(0, expires - int(timezone.now().timestamp())),
    )


def _active(ring: KeyRing) -> str:
    return "" if ring.active is None else ring.active.kid
