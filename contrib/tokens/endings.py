"""What ends logins: one, those of a session, of a user or of a tenant, and the deletion of their rows."""

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from django_matt.contrib.tokens.models import Family, SigningKey, digest_of_session
from django_matt.contrib.tokens.refresh_tokens import read_refresh_token
from django_matt.contrib.tokens.verification import verifier
from django_matt.sign_in import record_security_event

__all__ = [
    "end_all",
    "end_families",
    "end_family",
    "end_one",
    "end_sessions",
    "end_tenant_families",
    "open_families",
    "prune",
    "revoke",
]


def end_family(pk: Any, *, user: Any = None, request: HttpRequest | None = None) -> bool:
    """End one login; return whether it was open. With ``user``, only if it is that user's."""
    found = Family.objects.select_related("user", "actor").filter(pk=pk, revoked_at=None)
    if user is not None:
        found = found.filter(user=user)
    with transaction.atomic():
        family = found.first()
        return family is not None and end_one(family, "tokens_revoked", request)


def revoke(value: str, *, everywhere: bool, request: HttpRequest | None = None) -> None:
    """End the login that a refresh token names, of whichever generation, or every login of its user.

    A token that is wrong, or whose login has ended, does nothing (RFC 7009, 2.2).
    """
    named = read_refresh_token(value)
    if named is None:
        return
    family = Family.objects.select_related("user", "actor").filter(pk=named[0]).first()
    if family is None or not family.is_open(timezone.now()):
        return
    if everywhere and family.actor is None:
        end_families(family.user, request=request)
    else:
        end_family(family.pk, request=request)


def end_families(user: Any, *, request: HttpRequest | None = None) -> int:
    """End every login of a user, and every impersonation by the user; return how many were open."""
    with transaction.atomic():
        ended = end_all(Family.objects.filter(Q(user=user) | Q(actor=user)))
        if ended:
            record_security_event("tokens_revoked", request=request, user=user, families=ended)
    return ended


def end_sessions(session_keys: Iterable[str | None]) -> int:
    """End the logins that began in these sessions."""
    digests = [digest_of_session(key) for key in session_keys if key]
    return end_all(Family.objects.filter(session_digest__in=digests)) if digests else 0


def end_tenant_families(tenant: str, *, request: HttpRequest | None = None) -> int:
    """End every login for one tenant, and return how many were open."""
    with transaction.atomic():
        ended = end_all(Family.objects.filter(tenant=tenant)) if tenant else 0
        if ended:
            user = getattr(request, "user", None)
            record_security_event(
                "tokens_revoked", request=request, user=user, tenant=tenant, families=ended
            )
    return ended


def open_families(user: Any) -> "QuerySet[Family]":
    """Return the logins of a user that are open, the latest first."""
    return Family.objects.filter(
        user=user, actor=None, revoked_at=None, expires_at__gt=timezone.now()
    ).order_by("-rotated_at")


def prune(*, dry_run: bool = False) -> int:
    """Delete the logins that have expired or ended, and the keys that are retired; return how many rows there are.

    Nothing becomes valid again: the tokens of a login or a key without a row are refused.
    """
    now = timezone.now()
    rows = (
        Family.objects.filter(Q(expires_at__lte=now) | Q(revoked_at__lte=now)),
        SigningKey.objects.filter(is_active=None, retired_at__lte=now),
    )
    return sum(each.count() if dry_run else each.delete()[0] for each in rows)


def end_all(families: "QuerySet[Family]") -> int:
    """End the logins of a queryset, and return how many were open."""
    families = families.filter(revoked_at=None)
    keys = list(families.values_list("pk", flat=True))
    if not keys:
        return 0
    # The keys that were read may be more than those that this statement ends, which is the number that counts.
    ended = Family.objects.filter(pk__in=keys, revoked_at=None).update(revoked_at=timezone.now())
    for key in keys:
        verifier.forget(key)
    return ended


def end_one(family: Family, event: str, request: HttpRequest | None) -> bool:
    """End one login; return whether it was this call that ended it, which alone is an event."""
    if not end_all(Family.objects.filter(pk=family.pk)):
        return False
    data = {"family": str(family.pk)}
    if family.actor is not None:
        data["actor"] = str(family.actor.pk)
        if event == "tokens_revoked":
            event = "impersonation_ended"
    record_security_event(event, request=request, user=family.user, **data)
    return True
