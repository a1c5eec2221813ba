"""Records security events: makes the row of one, tells the receivers of the signal, and finds new devices."""

import hashlib
import ipaddress
import json
import logging
import re
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from django_matt import sign_in
from django_matt.addresses import client_address, unmapped
from django_matt.contrib.audit.mails import send_new_device_mail
from django_matt.contrib.audit.models import SecurityEvent
from django_matt.contrib.audit.settings import get_settings
from django_matt.contrib.audit.signals import security_event
from django_matt.errors.exceptions import Problem
from django_matt.extensions import current_request_id

__all__ = ["prune", "record_event"]

logger = logging.getLogger(__name__)

_SECRETS = re.compile(
    r"password|passwd|secret|token|credential|authorization|cookie|otp|\bcode\b|\bkey_text\b", re.I
)
_SURROGATES = re.compile("[\ud800-\udfff\x00]")
_MAX_TEXT, _MAX_DATA = 500, 8_000


def record_event(event: sign_in.SecurityEvent) -> SecurityEvent:
    """Store an event in the transaction of what happened: if it cannot be stored, what happened is undone too.

    After the commit, the receivers of ``security_event`` are called, and a user who signed in with a new device gets
    a mail.
    """
    request, user = event.request, _stored(event.user)
    actor_id = _actor_id(event)
    address = None if request is None else _address_of(request)
    agent = "" if request is None else _clean(request.META.get("HTTP_USER_AGENT", ""))[:300]
    row = SecurityEvent(
        name=event.name,
        user=user,
        user_key="" if user is None else str(user.pk),
        actor_id=actor_id,
        actor_key="" if actor_id is None else str(actor_id),
        address=address,
        user_agent=agent,
        device="" if request is None else _device_of(agent, address),
        request_id=current_request_id.get()[:100],
        tenant_id=_tenant_id(event),
        data=_without_secrets({k: v for k, v in event.data.items() if k != "actor"}),
    )
    row.save(force_insert=True)
    transaction.on_commit(partial(_announce, row), robust=True)
    if event.name == "signed_in" and get_settings().NEW_DEVICE_MAIL and _is_new_device(row):
        transaction.on_commit(partial(send_new_device_mail, row), robust=True)
    return row


def prune(age: timedelta, *, dry_run: bool = False) -> int:
    """Delete the events that are older than ``age``, and return how many there are."""
    before = timezone.now() - age
    if dry_run:
        return int(SecurityEvent.objects.filter(at__lt=before).count())
    return int(SecurityEvent.objects.prune(before))


def _actor_id(event: sign_in.SecurityEvent) -> Any:
    """Return the key of who did it: the staff that acts as a user, the sender of the request, or the user itself."""
    named = _stored(event.data.get("actor"))
    if named is not None:
        return named.pk
    acting = getattr(getattr(event.request, "auth", None), "actor_id", None)
    if acting is not None:
        return acting
    found = _stored(getattr(event.request, "user", None)) or _stored(event.user)
    return None if found is None else found.pk


def _address_of(request: HttpRequest) -> str | None:
    """Return the IP address of the client; None if the server does not know it, as behind a Unix socket."""
    try:
        return str(unmapped(client_address(request)))
    except ValueError:
        return None


def _stored(user: Any) -> Any:
    """Return a user that is in the database, otherwise None."""
    if user is None or isinstance(user, AnonymousUser) or getattr(user, "pk", None) is None:
        return None
    return user


def _tenant_id(event: sign_in.SecurityEvent) -> str:
    if "tenant" in event.data:
        tenant = event.data["tenant"]
        return _clean(str(getattr(tenant, "pk", tenant) or ""))[:64]
    try:
        tenant = None if event.request is None else sign_in.current_tenant(event.request)
    except Problem:
        # The request names a tenant that the user is not a member of, which does not undo what has happened.
        return ""
    return "" if tenant is None else str(tenant.pk)[:64]


# ---- data ----


def _without_secrets(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the data as JSON can store it, without what looks like a secret by its name."""
    found = {str(name): _plain(str(name), value) for name, value in data.items()}
    if len(json.dumps(found)) > _MAX_DATA:
        return {"removed": "The data was too long."}
    return found


def _plain(name: str, value: Any) -> Any:
    if _SECRETS.search(name):
        return "[removed]"
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(str(key), each) for key, each in list(value.items())[:50]}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(name, each) for each in list(value)[:50]]
    return _clean(str(value))[:_MAX_TEXT]


def _clean(text: str) -> str:
    """Return a text without what PostgreSQL cannot store: NUL, and lone surrogates."""
    return _SURROGATES.sub("\ufffd", text)


# ---- devices ----


def _device_of(agent: str, address: str | None) -> str:
    """Return what identifies a device: its browser without version numbers, and its network."""
    network = ""
    if address is not None:
        prefix = 24 if "." in address else 48
        network = str(ipaddress.ip_network(f"{address}/{prefix}", strict=False))
    text = re.sub(r"[\d._]+", "", agent) + "|" + network
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _is_new_device(row: SecurityEvent) -> bool:
    """Return whether the user has signed in before, but never with this device."""
    if row.user is None or not row.device:
        return False
    earlier = SecurityEvent.objects.filter(user=row.user, name=row.name).exclude(pk=row.pk)
    return earlier.exists() and not earlier.filter(device=row.device).exists()


def _announce(row: SecurityEvent) -> None:
    for receiver, result in security_event.send_robust(SecurityEvent, event=row):
        if isinstance(result, Exception):
            logger.error("%r failed for the event %s.", receiver, row, exc_info=result)
