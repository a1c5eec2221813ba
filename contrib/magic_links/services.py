"""Requests and redeems links. What may happen once is claimed by one UPDATE of the link's own columns."""

import time
import uuid
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import F
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from django_matt import sign_in
from django_matt.contrib.magic_links.digests import (
    code_digest,
    digest,
    is_code,
    make_code,
    make_token,
)
from django_matt.contrib.magic_links.errors import LinkRefused, OtherBrowser, TooManyLinks
from django_matt.contrib.magic_links.limits import charge, client_of
from django_matt.contrib.magic_links.mails import write_mail
from django_matt.contrib.magic_links.models import MagicLink, MagicLinkLimit
from django_matt.contrib.magic_links.recipients import (
    address_of,
    can_sign_in,
    email_digest,
    find_recipient,
    mask,
)
from django_matt.contrib.magic_links.sessions import separate_session
from django_matt.contrib.magic_links.settings import get_settings
from django_matt.errors.exceptions import UnprocessableContent
from django_matt.sign_in import AuthenticationRecord, IssuedTokens, LoginOutcome, Method

__all__ = ["Redeemed", "is_safe", "prune", "redeem_link", "request_link"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Redeemed:
    """How a sign-in by a link or a code ended."""

    outcome: LoginOutcome
    next: str
    tokens: IssuedTokens | None = None
    session_token: str | None = None


def is_safe(request: HttpRequest, url: str) -> bool:
    """Tell whether a user may be sent to a URL: at the host of the request, or at one of ``NEXT_HOSTS``."""
    hosts = {request.get_host(), *get_settings().NEXT_HOSTS}
    return (
        url.isprintable()
        and url.startswith(("/", "https://", "http://"))
        and url_has_allowed_host_and_scheme(url, hosts, require_https=request.is_secure())
    )


@sensitive_variables()
def request_link(request: HttpRequest, email: str, *, next_url: str = "") -> str:
    """Make a link and a code, and send them after the transaction; return the secret that binds them to the client.

    Every valid address costs the same queries, digests and mail. Raises ``TooManyLinks``, and ``UnprocessableContent``
    for an unsafe ``next_url``.
    """
    options = get_settings()
    if next_url and not is_safe(request, next_url):
        raise UnprocessableContent(_("`next` is not a URL of this site."), code="unsafe_next")
    _charge(request, "client", client_of(request), options.CLIENT_LIMIT)
    key, token, code = uuid.uuid4(), make_token(), make_code(options.CODE_LENGTH)
    binding, recipient_digest = make_token(), email_digest(email)
    with transaction.atomic():
        # It locks the recipient's row, so that of two links that are requested at the same time, one supersedes the other.
        _charge(request, "recipient", recipient_digest, options.RECIPIENT_LIMIT)
        recipient = find_recipient(email)
        user = recipient[0] if recipient else None
        now = timezone.now()
        MagicLink.objects.filter(
            email_digest=recipient_digest, consumed_at=None, superseded_at=None
        ).update(superseded_at=now)
        MagicLink.objects.create(
            id=key,
            user=user,
            digest=digest(token),
            code_digest=code_digest(key, code),
            binding_digest=digest(binding),
            email_digest=recipient_digest,
            created_at=now,
            expires_at=now + timedelta(seconds=options.LIFETIME),
            next=next_url,
        )
        mail = write_mail(
            request, options, typed=email, recipient=recipient, token=token, code=code
        )
        sign_in.record_security_event("link_sent", request=request, user=user)
        transaction.on_commit(mail.send)
    return binding


def _charge(request: HttpRequest, kind: str, value: str, limit: tuple[int, int]) -> None:
    if seconds := charge(kind, value, limit):
        sign_in.record_security_event("limit_reached", request=request, limit=f"magic_links.{kind}")
        raise TooManyLinks(seconds)


@sensitive_variables()
def redeem_link(
    request: HttpRequest, *, token: str = "", code: str = "", binding: str = "", app: bool = False
) -> Redeemed:
    """Sign the user in by the token of a link, by a code, or by both.

    The token alone is enough in the browser that requested the link, which knows ``binding``. In another browser the code
    is needed too. The code alone is enough where ``binding`` is known. With ``app``, no cookie is set and tokens are
    issued.

    Raises ``LinkRefused``, and ``OtherBrowser`` for a valid token without binding and code; then nothing is consumed.
    """
    method: Method = "code" if code else "link"
    # The binding finds a link, but proves nothing without the token or the code.
    link, now = _find(token, binding) if token or code else None, timezone.now()
    bound = link is not None and constant_time_compare(link.binding_digest, digest(binding))
    if link is None:
        raise _refuse(request, method)
    if code:
        # Counted before the comparison: parallel guesses are compared at most CODE_ATTEMPTS times.
        if not _count_attempt(link, now) or not is_code(link.pk, code, link.code_digest):
            raise _refuse(request, method, link)
    elif not bound:
        raise _ask_for_code(request, link, now)
    with transaction.atomic():
        user = _claim(link, now)
        email = None if user is None else address_of(user, link.email_digest)
        if user is not None and email is not None:
            with separate_session(request) if app else nullcontext():
                return _complete(request, link, user, method, email, app=app)
    raise _refuse(request, method, link)


def _complete(
    request: HttpRequest, link: MagicLink, user: Any, method: Method, email: str, *, app: bool
) -> Redeemed:
    outcome = sign_in.complete_login(
        request, user, method=method, email=email, backend=settings.AUTHENTICATION_BACKENDS[0]
    )
    tokens, session_token = None, None
    if app and outcome.signed_in:
        records = sign_in.authentication_records(request) or (
            AuthenticationRecord(method=method, at=time.time()),
        )
        tokens = sign_in.issue_tokens(request, user, records=records)
    elif app:
        request.session.save()
        session_token = request.session.session_key
    return Redeemed(outcome=outcome, next=link.next, tokens=tokens, session_token=session_token)


@sensitive_variables()
def _find(token: str, binding: str) -> MagicLink | None:
    if token:
        return MagicLink.objects.filter(digest=digest(token)).first()
    return MagicLink.objects.filter(binding_digest=digest(binding)).first() if binding else None


def _open(link: MagicLink, now: datetime) -> Any:
    """Return a queryset of the link's row if it may still be used, with conditions on its own columns only.

    A condition across a join would let PostgreSQL give one link to every parallel request.
    """
    return MagicLink.objects.filter(
        pk=link.pk, consumed_at=None, superseded_at=None, expires_at__gt=now
    )


def _count_attempt(link: MagicLink, now: datetime) -> bool:
    """Count an attempt; tell whether there was one left."""
    left = _open(link, now).filter(attempts__lt=get_settings().CODE_ATTEMPTS)
    return bool(left.update(attempts=F("attempts") + 1))


def _claim(link: MagicLink, now: datetime) -> Any:
    """Use the link up; return its user, ``None`` if it was used before or the user may not sign in."""
    if not _open(link, now).update(consumed_at=now) or link.user_id is None:
        return None
    user = get_user_model()._default_manager.filter(pk=link.user_id).first()
    return user if user is not None and can_sign_in(user) else None


def _ask_for_code(request: HttpRequest, link: MagicLink, now: datetime) -> Exception:
    """Return the error for another browser, with the masked address."""
    user = link.user
    email = None if user is None or not can_sign_in(user) else address_of(user, link.email_digest)
    if email is None or not _open(link, now).exists():
        return _refuse(request, "link", link)
    return OtherBrowser(mask(email))


def _refuse(request: HttpRequest, method: Method, link: MagicLink | None = None) -> Exception:
    """Record a failed sign-in; return the one error for all of them."""
    user = None if link is None else link.user
    sign_in.record_security_event("sign_in_failed", request=request, user=user, method=method)
    return LinkRefused()


def prune(*, dry_run: bool = False) -> int:
    """Delete the links that have expired, and the counters that limit nobody any more; return how many rows there were."""
    rows = (
        MagicLink.objects.filter(expires_at__lt=timezone.now()),
        MagicLinkLimit.objects.filter(full_at__lt=time.time()),
    )
    if dry_run:
        return sum(each.count() for each in rows)
    return sum(each.delete()[0] for each in rows)
