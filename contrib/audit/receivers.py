"""Receivers of Django's own signals: logins by Django's views, such as those of the admin, are recorded too."""

from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.http import HttpRequest

from django_matt.sign_in import CompletesLogin, installed, record_security_event

__all__ = ["connect"]


def connect() -> None:
    """Connect the receivers. They do nothing if another app completes logins, because it records them itself."""
    user_logged_in.connect(_logged_in, dispatch_uid="matt_audit")
    user_logged_out.connect(_logged_out, dispatch_uid="matt_audit")
    user_login_failed.connect(_login_failed, dispatch_uid="matt_audit")


def _logged_in(request: HttpRequest | None, user: Any, **_: Any) -> None:
    if _is_needed():
        record_security_event("signed_in", request=request, user=user)


def _logged_out(request: HttpRequest | None, user: Any, **_: Any) -> None:
    if user is not None and _is_needed():
        record_security_event("signed_out", request=request, user=user)


def _login_failed(request: HttpRequest | None = None, **_: Any) -> None:
    if _is_needed():
        # Without the name: what was typed as a name may be the password.
        record_security_event("sign_in_failed", request=request, method="password")


def _is_needed() -> bool:
    return next(installed(CompletesLogin), None) is None  # type: ignore[type-abstract]
