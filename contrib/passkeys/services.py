"""User handles, and the states of passkeys: what may happen once is one INSERT or one UPDATE here."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256
from typing import Any

from allauth.account.utils import url_str_to_user_pk, user_pk_to_url_str
from allauth.mfa.models import Authenticator
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import IntegrityError, router, transaction
from django.db.models import Q
from fido2.utils import websafe_decode, websafe_encode

from django_matt.contrib.passkeys.models import Credential, UserHandle

__all__ = [
    "Accepted",
    "Verdict",
    "accepted_passkeys",
    "claim_assertion",
    "claim_registration",
    "find_owner",
    "find_user",
    "forget_passkey",
    "get_handle",
]

HANDLE_BYTES = 64


class Verdict(Enum):
    """What became of an assertion whose signature is valid."""

    ACCEPTED = "accepted"
    REPLAYED = "replayed"
    COUNTER = "counter"


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The passkeys of a user: their user handles, and the credential ids, all in base64url."""

    user_ids: Sequence[str]
    credential_ids: Sequence[str]


def get_handle(user: Any) -> bytes:
    """Return the user's handle, 64 random bytes; make it the first time."""
    found = UserHandle.objects.filter(pk=user.pk).first()
    if found is None:
        found, _ = UserHandle.objects.get_or_create(
            user=user,
            defaults={
                "handle": websafe_encode(secrets.token_bytes(HANDLE_BYTES)),
                "replaces_key": _passkeys_of(user).exists(),
            },
        )
    return websafe_decode(found.handle)


def find_user(handle: bytes) -> Any:
    """Return the user of a handle, or of a primary key as allauth writes it into handles; ``None`` if there is none.

    Passkeys that were registered before this app was installed keep the primary key as their user handle.
    """
    row = UserHandle.objects.select_related("user").filter(handle=websafe_encode(handle)).first()
    if row is not None:
        return row.user
    try:
        key = handle.decode()
        if "\0" in key:
            return None
        return get_user_model()._default_manager.filter(pk=url_str_to_user_pk(key)).first()
    except (ValueError, TypeError, OverflowError, ValidationError):
        return None


def claim_registration(credential_id: bytes, sign_count: int) -> bool:
    """Store the first state of a new passkey; return ``False`` if somebody has registered it already."""
    try:
        with transaction.atomic(using=router.db_for_write(Credential)):
            Credential(digest=_digest(credential_id), sign_count=sign_count).save(force_insert=True)
    except IntegrityError:
        return False
    return True


def claim_assertion(credential_id: bytes, sign_count: int, challenge: bytes) -> Verdict:
    """Accept one assertion: its challenge has not been used, and its signature counter has grown (WebAuthn, 6.1.1).

    One UPDATE decides, so that of many requests with the same assertion one is accepted.
    """
    key, used = _digest(credential_id), _digest(challenge)
    grown = Q(sign_count__lt=sign_count) if sign_count else Q(sign_count=0)
    waiting = Credential.objects.filter(grown, digest=key).exclude(last_challenge=used)
    for _ in range(2):
        if waiting.update(sign_count=sign_count, last_challenge=used):
            return Verdict.ACCEPTED
        # A passkey that was registered before this app was installed has no row yet.
        Credential.objects.get_or_create(digest=key)
    if Credential.objects.filter(digest=key, last_challenge=used).exists():
        return Verdict.REPLAYED
    return Verdict.COUNTER


def forget_passkey(credential_id: bytes) -> None:
    """Delete the state of a passkey that was removed."""
    Credential.objects.filter(digest=_digest(credential_id)).delete()


def find_owner(credential_id: bytes) -> Authenticator | None:
    """Return the authenticator of a credential id, for the record of a refusal."""
    encoded = websafe_encode(credential_id)
    found = Authenticator.objects.filter(
        type=Authenticator.Type.WEBAUTHN, data__credential__rawId=encoded
    )
    return found.select_related("user").first()


def accepted_passkeys(user: Any) -> Accepted:
    """Return which passkeys the server accepts from a user, so that the browser can forget all others."""
    found = [
        websafe_encode(passkey.wrap().authenticator_data.credential_data.credential_id)
        for passkey in _passkeys_of(user).order_by("pk")
    ]
    row = UserHandle.objects.filter(pk=user.pk).first()
    ids = [row.handle] if row else []
    if row.replaces_key if row else found:
        ids.append(websafe_encode(user_pk_to_url_str(user).encode()))
    return Accepted(user_ids=ids, credential_ids=found)


def _passkeys_of(user: Any) -> Any:
    return Authenticator.objects.filter(user_id=user.pk, type=Authenticator.Type.WEBAUTHN)


def _digest(content: bytes) -> str:
    return sha256(content).hexdigest()
