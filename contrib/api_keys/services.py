"""What happens to keys, without HTTP: they are created, checked, rotated and revoked."""

import hmac
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import router, transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from django_matt.contrib.api_keys.keys import ParsedKey, digest_of, make_key
from django_matt.contrib.api_keys.models import ApiKey, KeyOwner, valid_at
from django_matt.contrib.api_keys.owners import Owner, allowed_scopes
from django_matt.contrib.api_keys.settings import get_settings
from django_matt.errors.exceptions import Conflict, UnprocessableContent
from django_matt.sign_in import record_security_event

__all__ = [
    "accepted",
    "create_key",
    "is_use_due",
    "keys_of",
    "owner_of",
    "record_use",
    "revoke_key",
    "revoke_keys",
    "revoke_member_keys",
    "rotate_key",
]

_USE_INTERVAL = timedelta(minutes=1)
_DUMMY = digest_of("")


def keys_of(owner: Owner) -> "QuerySet[ApiKey]":
    """Return the keys of an owner, the newest first; revoked and expired ones too. Without a tenant, those in every tenant."""
    found = ApiKey.objects.filter(user=owner.user)
    if owner.user is None or owner.tenant_id:
        found = found.filter(tenant_id=owner.tenant_id)
    return found.order_by("-created_at", "-pk")


def owner_of(key: ApiKey) -> Owner:
    """Return the owner of a key."""
    return Owner(key.user, key.tenant_id)


# ---- requests with a key ----


def accepted(key: ApiKey | None, parsed: ParsedKey, now: datetime) -> ApiKey | None:
    """Return the key if its secret is right, it is valid, and its user is active; otherwise None.

    The comparison takes the same time for unknown keys as for known ones.
    """
    same = hmac.compare_digest(digest_of(parsed.secret), _DUMMY if key is None else key.digest)
    if key is None or not same or key.environment != parsed.environment:
        return None
    if not key.is_valid_at(now):
        return None
    if key.user is not None and not key.user.is_active:
        return None
    return key


def is_use_due(key: ApiKey, now: datetime) -> bool:
    """Return whether a use of the key has to be stored: at most once a minute."""
    return key.last_used_at is None or key.last_used_at < now - _USE_INTERVAL


def record_use(key: ApiKey, now: datetime) -> None:
    """Store when the key was used last. A failure is logged, and changes nothing else.

    It is stored after the transaction of the request: the requests of one key would otherwise wait for each other.
    """
    using = router.db_for_write(ApiKey, instance=key)
    transaction.on_commit(partial(_store_use, key.pk, now), using=using, robust=True)


def _store_use(pk: int, now: datetime) -> None:
    old = Q(last_used_at=None) | Q(last_used_at__lt=now - _USE_INTERVAL)
    ApiKey.objects.filter(old, pk=pk).update(last_used_at=now)


# ---- management ----


def create_key(
    owner: Owner,
    *,
    name: str,
    scopes: Sequence[str] = (),
    lifetime: timedelta | None = None,
    created_by: Any = None,
    within: Collection[str] | None = None,
    request: HttpRequest | None = None,
) -> tuple[ApiKey, str]:
    """Create a key, and return it with its text, which cannot be read again.

    ``lifetime`` is ``MATT_API_KEYS["MAX_LIFETIME"]`` by default, and at most. The scopes must be those of the owner,
    of the user who creates the key, and in ``within``. Raises ``UnprocessableContent`` for others, and ``Conflict`` if
    the owner has ``MAX_KEYS`` valid keys, also if many keys are created at once.
    """
    created_by = owner.user if created_by is None else created_by
    bounds = [within, allowed_scopes(owner)]
    if owner.user is None and created_by is not None:
        bounds.append(allowed_scopes(Owner(created_by, owner.tenant_id)))
    _check_scopes(scopes, bounds)
    now = timezone.now()
    with transaction.atomic():
        _lock(owner, now)
        if keys_of(owner).filter(valid_at(now)).count() >= get_settings().MAX_KEYS:
            raise Conflict(
                f"There are already {get_settings().MAX_KEYS} valid keys; revoke one of them first.",
                code="too_many_keys",
            )
        key, text = _store(
            name=name,
            scopes=sorted(set(scopes)),
            user=owner.user,
            tenant_id=owner.tenant_id,
            created_by=created_by,
            created_at=now,
            expires_at=_end_of(lifetime, now),
        )
        _record("key_created", key, request, created_by, scopes=key.scopes)
    return key, text


def rotate_key(
    key: ApiKey,
    *,
    overlap: timedelta | None = None,
    rotated_by: Any = None,
    request: HttpRequest | None = None,
) -> tuple[ApiKey, str]:
    """Create the successor of a key, and return it with its text. The old key still works for ``overlap``.

    ``overlap`` is ``MATT_API_KEYS["OVERLAP"]`` by default, and at most. The successor has the same owner, scopes and
    lifetime. Raises ``Conflict`` if the key has a successor, is revoked or has expired.
    """
    longest = get_settings().OVERLAP
    overlap = longest if overlap is None else overlap
    if overlap > longest:
        raise UnprocessableContent(
            f"The overlap is at most {int(longest.total_seconds())} seconds.",
            code="overlap_too_long",
        )
    now = timezone.now()
    end = now + overlap if key.expires_at is None else min(now + overlap, key.expires_at)
    lifetime = None if key.expires_at is None else key.expires_at - key.created_at
    with transaction.atomic():
        # One UPDATE of one table: of parallel requests, one gets the row.
        unclaimed = ApiKey.objects.filter(valid_at(now), pk=key.pk, rotated_at=None)
        if not unclaimed.update(rotated_at=now, expires_at=end):
            raise Conflict(
                "The key has been rotated already, is revoked or has expired.",
                code="key_not_current",
            )
        successor, text = _store(
            name=key.name,
            scopes=key.scopes,
            user=key.user,
            tenant_id=key.tenant_id,
            created_by=rotated_by or key.created_by,
            created_at=now,
            expires_at=_end_of(lifetime, now, is_checked=False),
            family=key.family,
            replaces=key,
        )
        _record("key_rotated", key, request, rotated_by, successor=successor.public_id)
    return successor, text


def revoke_key(key: ApiKey, *, revoked_by: Any = None, request: HttpRequest | None = None) -> bool:
    """Revoke a key at once; return whether this call did so."""
    with transaction.atomic():
        revoked = ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(
            revoked_at=timezone.now()
        )
        if revoked:
            _record("key_revoked", key, request, revoked_by)
    return bool(revoked)


def revoke_keys(owner: Owner, *, revoked_by: Any = None, request: HttpRequest | None = None) -> int:
    """Revoke all keys of an owner, such as an organization that is closed; return how many there were."""
    with transaction.atomic():
        current = keys_of(owner).filter(revoked_at=None)
        return sum(revoke_key(key, revoked_by=revoked_by, request=request) for key in current)


def revoke_member_keys(tenant_id: str, *, request: HttpRequest | None = None) -> int:
    """Revoke the keys of users for one tenant, and return how many there were. Those of the tenant itself stay."""
    with transaction.atomic():
        current = ApiKey.objects.filter(tenant_id=tenant_id, revoked_at=None).exclude(user=None)
        return sum(revoke_key(key, request=request) for key in current.select_related("user"))


def _lock(owner: Owner, now: datetime) -> None:
    """Lock the row of an owner until the transaction ends: of parallel requests, each counts the keys of the one before."""
    name = f"tenant:{owner.tenant_id}" if owner.user is None else f"user:{owner.user.pk}"
    # INSERT … ON CONFLICT DO UPDATE: there may be no row to lock yet.
    KeyOwner.objects.bulk_create(
        [KeyOwner(name=name, last_key_at=now)],
        update_conflicts=True,
        unique_fields=["name"],
        update_fields=["last_key_at"],
    )


def _check_scopes(scopes: Sequence[str], bounds: Sequence[Collection[str] | None]) -> None:
    for bound in bounds:
        refused = [] if bound is None else sorted(set(scopes).difference(bound))
        if refused:
            raise UnprocessableContent(
                f"You may not give a key these scopes: {', '.join(refused)}.",
                code="scope_not_allowed",
                scopes=refused,
            )


def _end_of(
    lifetime: timedelta | None, now: datetime, *, is_checked: bool = True
) -> datetime | None:
    longest = get_settings().MAX_LIFETIME
    if longest is None:
        return None if lifetime is None else now + lifetime
    if lifetime is not None and lifetime > longest and is_checked:
        raise UnprocessableContent(
            f"A key may be valid for at most {longest.days} days.", code="lifetime_too_long"
        )
    return now + (longest if lifetime is None else min(lifetime, longest))


def _store(*, family: str = "", **columns: Any) -> tuple[ApiKey, str]:
    options = get_settings()
    text, parsed = make_key(options.PREFIX, options.environment)
    key = ApiKey.objects.create(
        public_id=parsed.public_id,
        digest=digest_of(parsed.secret),
        environment=parsed.environment,
        family=family or parsed.public_id,
        **columns,
    )
    return key, text


def _record(name: str, key: ApiKey, request: HttpRequest | None, by: Any, **data: Any) -> None:
    record_security_event(
        name,
        request=request,
        user=by if key.user is None else key.user,
        key=key.public_id,
        label=key.name,
        owner=key.owner_kind,
        tenant=key.tenant_id,
        **data,
    )
