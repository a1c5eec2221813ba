"""Signing in by allauth's flows, and what a session remembers of how its user signed in."""

from collections.abc import Sequence
from typing import Any

from allauth.account.internal.flows.email_verification import verify_email_indirectly
from allauth.account.internal.flows.login import (
    get_authentication_records,
    perform_login,
    record_authentication,
)
from allauth.account.internal.stagekit import get_pending_stage
from allauth.account.models import EmailAddress, Login
from django.contrib.auth import logout
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject, empty

from django_matt.contrib.accounts.authentication import SessionToken
from django_matt.contrib.accounts.ownership import end_ways_in, is_new_owner
from django_matt.contrib.accounts.records import RECORDED, translate
from django_matt.sign_in import AuthenticationRecord, LoginOutcome, Method

__all__ = ["finish_login", "list_records"]


def finish_login(
    request: HttpRequest, user: Any, *, method: Method, email: str | None = None
) -> LoginOutcome:
    """Sign a user in who has proved who they are, or leave the login pending at the next step that allauth asks for.

    ``email`` is the address that the proof was sent to; it becomes verified. Nobody is signed in if the user is inactive
    (``pending="inactive"``), has a second factor (``"mfa_authenticate"``) or has no verified address
    (``"verify_email"``). It may be called inside ``transaction.atomic()``.
    """
    if not hasattr(request, "allauth"):
        raise ImproperlyConfigured(
            "Add 'allauth.account.middleware.AccountMiddleware' to MIDDLEWARE: a login needs it."
        )
    if not user.is_active:
        return LoginOutcome(user=user, pending="inactive")
    if request.user.is_authenticated and request.user.pk != user.pk:
        # Otherwise, a login that is pending would leave the other user signed in.
        logout(request)
    recorded = {"email": email, **RECORDED[method]}
    record_authentication(request, user, recorded.pop("method"), **recorded)
    if email is not None:
        _verify(request, user, email)
    perform_login(request, Login(user=user, email=email))
    if request.user.is_authenticated and request.user.pk == user.pk:
        return LoginOutcome(user=user)
    stage = get_pending_stage(request)
    return LoginOutcome(user=user, pending="refused" if stage is None else str(stage.key))


def _verify(request: HttpRequest, user: Any, email: str) -> None:
    """Mark an address as verified, which somebody has just read a mail at."""
    if is_new_owner(request, user):
        end_ways_in(request, user)
    if not EmailAddress.objects.filter(user_id=user.pk, email__iexact=email).exists():
        # A user whom the project created, whose address allauth does not know yet.
        EmailAddress.objects.get_or_create(user=user, email=email.lower())
    verify_email_indirectly(request, user, email)


def list_records(request: HttpRequest) -> Sequence[AuthenticationRecord]:
    """Return how and when the user of a request's session proved who they are, the oldest first.

    A request that was authenticated by something else, such as a bearer token, has no records here, even if the browser
    has sent a session too.
    """
    principal: Any = getattr(request, "auth", None)
    if isinstance(principal, SessionToken):
        return principal.records
    user: Any = getattr(request, "user", None)
    if user is None or not hasattr(request, "session"):
        return ()
    if principal is not None and not _is_of_session(request, _unwrap(principal)):
        return ()
    if not user.is_authenticated:
        return ()
    return translate(get_authentication_records(request, user))


def _is_of_session(request: HttpRequest, principal: Any) -> bool:
    """Return whether it is the object that Django made of the session's user, and not only an equal one."""
    made = [request.__dict__.get(name) for name in ("_cached_user", "_acached_user")]
    return any(each is principal for each in made)


def _unwrap(value: Any) -> Any:
    wrapped = getattr(value, "_wrapped", empty) if isinstance(value, SimpleLazyObject) else empty
    return value if wrapped is empty else wrapped
