"""What happens to accounts, told to the apps that record security events. No event has credentials or typed names."""

from functools import cache
from typing import Any

from allauth import app_settings as allauth_settings
from allauth.account import signals as account
from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.internal.flows.password_reset_by_code import (
    PASSWORD_RESET_VERIFICATION_SESSION_KEY,
)
from allauth.account.internal.userkit import user_id_to_str
from django.contrib.auth import signals as auth

from django_matt.contrib.accounts.ownership import end_ways_in, is_new_owner
from django_matt.sign_in import record_security_event

__all__ = ["connect"]


def connect() -> None:
    """Connect the receivers to the signals of Django and allauth; again has no effect."""
    # Django's own signals, so that the admin's sign-in is recorded too.
    auth.user_logged_in.connect(_signed_in, dispatch_uid="matt_accounts")
    auth.user_login_failed.connect(_sign_in_failed, dispatch_uid="matt_accounts")
    auth.user_logged_out.connect(_signed_out, dispatch_uid="matt_accounts")
    account.user_signed_up.connect(_signed_up, dispatch_uid="matt_accounts")
    account.password_changed.connect(_password_changed, dispatch_uid="matt_accounts")
    account.password_set.connect(_password_changed, dispatch_uid="matt_accounts")
    account.password_reset.connect(_password_reset, dispatch_uid="matt_accounts")
    account.email_changed.connect(_email_changed, dispatch_uid="matt_accounts")
    account.authentication_step_completed.connect(_step_completed, dispatch_uid="matt_accounts")
    account.email_confirmed.connect(_email_confirmed, dispatch_uid="matt_accounts")
    account.login_code_rejected.connect(_code_rejected, dispatch_uid="matt_accounts")
    if allauth_settings.MFA_ENABLED:
        from allauth.mfa import signals as mfa

        mfa.authentication_failed.connect(_factor_failed, dispatch_uid="matt_accounts")
        mfa.authenticator_added.connect(_factor_added, dispatch_uid="matt_accounts")
        mfa.authenticator_reset.connect(_factor_added, dispatch_uid="matt_accounts")
        mfa.authenticator_removed.connect(_factor_removed, dispatch_uid="matt_accounts")
    if allauth_settings.SOCIALACCOUNT_ENABLED:
        from allauth.socialaccount import signals as social

        social.social_account_added.connect(_social_added, dispatch_uid="matt_accounts")
        social.social_account_removed.connect(_social_removed, dispatch_uid="matt_accounts")
    if allauth_settings.USERSESSIONS_ENABLED:
        account.user_logged_in.connect(_note_login, dispatch_uid="matt_accounts")


@cache
def _disconnect_allauth() -> None:
    """Disconnect the receiver that ``_note_login`` replaces, once.

    It is done at the first login, because allauth connects it when its app is ready, which may be after this one.
    """
    if allauth_settings.USERSESSIONS_ENABLED:
        from allauth.usersessions.signals import on_user_logged_in

        account.user_logged_in.disconnect(on_user_logged_in)


def _note_login(*, request: Any, user: Any, **_: Any) -> None:
    from django_matt.contrib.accounts.sessions import note_login

    note_login(request, user)


def _signed_up(*, request: Any, user: Any, **_: Any) -> None:
    record_security_event("signed_up", request=request, user=user)


def _signed_in(*, request: Any, user: Any, **_: Any) -> None:
    # allauth sends its own signal after this one.
    _disconnect_allauth()
    records = [] if request is None else get_authentication_records(request, user)
    methods = [each.get("type") or each["method"] for each in records]
    record_security_event("signed_in", request=request, user=user, methods=methods)


def _sign_in_failed(*, request: Any = None, **_: Any) -> None:
    # What was typed as a name may be a password.
    record_security_event("sign_in_failed", request=request, method="password")


def _factor_failed(*, request: Any, user: Any, authenticator: Any = None, **_: Any) -> None:
    kind = getattr(authenticator, "type", None)
    record_security_event("sign_in_failed", request=request, user=user, method=kind or "mfa")


def _code_rejected(*, request: Any, user: Any, **_: Any) -> None:
    record_security_event("sign_in_failed", request=request, user=user, method="code")


def _signed_out(*, request: Any, user: Any, **_: Any) -> None:
    if user is not None:
        record_security_event("signed_out", request=request, user=user)


def _password_changed(*, request: Any, user: Any, **_: Any) -> None:
    record_security_event("password_changed", request=request, user=user, how="changed")


def _password_reset(*, request: Any, user: Any, **_: Any) -> None:
    if is_new_owner(request, user):
        # The password is the new one.
        end_ways_in(request, user, keep_password=True)
    record_security_event("password_changed", request=request, user=user, how="reset")


def _step_completed(
    *, request: Any, user: Any, method: str, email: str | None = None, **more: Any
) -> None:
    # allauth's sign-in by a code verifies the address after this signal.
    signs_in = method == "code" and email and not more.get("reauthenticated")
    if signs_in and is_new_owner(request, user):
        end_ways_in(request, user)


def _email_confirmed(*, request: Any, email_address: Any, **_: Any) -> None:
    # The reset of a password by a code verifies the address before the new password is chosen.
    session = getattr(request, "session", {})
    reset = session.get(PASSWORD_RESET_VERIFICATION_SESSION_KEY) or {}
    user = email_address.user
    resets = reset.get("code_confirmed") and reset.get("user_id") == user_id_to_str(user)
    if resets and is_new_owner(request, user, just_verified=email_address):
        end_ways_in(request, user)


def _email_changed(*, request: Any, user: Any, **_: Any) -> None:
    record_security_event("email_changed", request=request, user=user)


def _factor_added(*, request: Any, user: Any, authenticator: Any, **_: Any) -> None:
    if authenticator.type == "recovery_codes":
        record_security_event("recovery_codes_made", request=request, user=user)
    else:
        record_security_event("factor_added", request=request, user=user, factor=authenticator.type)


def _factor_removed(*, request: Any, user: Any, authenticator: Any, **_: Any) -> None:
    record_security_event("factor_removed", request=request, user=user, factor=authenticator.type)


def _social_added(*, request: Any, sociallogin: Any, **_: Any) -> None:
    provider = sociallogin.account.provider
    record_security_event(
        "factor_added", request=request, user=sociallogin.user, factor="oidc", provider=provider
    )


def _social_removed(*, request: Any, socialaccount: Any, **_: Any) -> None:
    record_security_event(
        "factor_removed",
        request=request,
        user=socialaccount.user,
        factor="oidc",
        provider=socialaccount.provider,
    )
