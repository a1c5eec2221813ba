"""What users may do with their whole account: take their data along, and delete it."""

from typing import Any

from allauth import app_settings as allauth_settings
from allauth.account.models import EmailAddress
from django.contrib.auth import logout
from django.db import transaction
from django.http import HttpRequest

from django_matt.sign_in import (
    ExportsAccount,
    installed,
    record_security_event,
    revoke_tokens,
)

__all__ = ["delete_account", "export_account"]

_PLAIN = (str, int, float, bool, type(None))


def export_account(request: HttpRequest, user: Any) -> dict[str, Any]:
    """Return what is stored about a user, without passwords and secrets, and record that it was exported.

    Each app with a method ``export_account(user)`` adds a member with its label.
    """
    data: dict[str, Any] = {
        "user": {
            field.name: _plain(field.value_from_object(user))
            for field in user._meta.concrete_fields
            if field.name != "password"
        },
        "email_addresses": list(
            EmailAddress.objects.filter(user_id=user.pk).values("email", "verified", "primary")
        ),
        **_of_allauth(user),
    }
    for app in installed(ExportsAccount):  # type: ignore[type-abstract]
        data[getattr(app, "label", type(app).__name__)] = dict(app.export_account(user))
    record_security_event("account_exported", request=request, user=user)
    return data


def _of_allauth(user: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if allauth_settings.MFA_ENABLED:
        from allauth.mfa.models import Authenticator

        rows = Authenticator.objects.filter(user_id=user.pk)
        found["factors"] = list(rows.values("type", "created_at", "last_used_at"))
    if allauth_settings.SOCIALACCOUNT_ENABLED:
        from allauth.socialaccount.models import SocialAccount

        rows = SocialAccount.objects.filter(user_id=user.pk)
        found["social_accounts"] = list(rows.values("provider", "uid", "date_joined"))
    if allauth_settings.USERSESSIONS_ENABLED:
        from allauth.usersessions.models import UserSession

        rows = UserSession.objects.filter(user_id=user.pk)
        found["sessions"] = list(rows.values("ip", "user_agent", "created_at", "last_seen_at"))
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, _PLAIN):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def delete_account(request: HttpRequest, user: Any) -> None:
    """Delete a user and what refers to them, and end their sessions and tokens, in one transaction.

    Rows that protect the user (``on_delete=PROTECT``) prevent it: then nothing is deleted.
    """
    key = user.pk
    with transaction.atomic():
        revoke_tokens(user)
        if allauth_settings.USERSESSIONS_ENABLED:
            from allauth.usersessions.models import UserSession

            from django_matt.contrib.accounts.sessions import end_sessions

            end_sessions(list(UserSession.objects.filter(user_id=key)))
        user.delete()
        record_security_event("account_deleted", request=request, user_key=str(key))
    logout(request)
