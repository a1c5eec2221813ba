"""Accounts that somebody has created with the address of another person, who then proves that it is theirs.

Anybody can sign up with an address that they cannot read: by a password, or by an account at a provider that does not verify
addresses. They then wait until its owner signs in by a mail, which verifies the address, and sign in to the same account.
So the way in that they have set up ends when the owner comes.
"""

from typing import Any

from allauth import app_settings as allauth_settings
from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.models import EmailAddress
from django.http import HttpRequest

from django_matt.sign_in import record_security_event, revoke_tokens

__all__ = ["end_ways_in", "is_new_owner"]

_BY_MAIL = frozenset({"code", "link", "password_reset"})


def is_new_owner(request: HttpRequest, user: Any, *, just_verified: Any = None) -> bool:
    """Tell whether somebody who has read a mail to a user is the first who did, and has proved nothing else.

    Until then, no address of the user was verified; ``just_verified`` is the ``EmailAddress`` that has become so by this
    mail. Who has also entered the password in this session is the one who signed up. A user whom allauth knows no address
    of was created by the project.
    """
    before = {each: each.verified for each in EmailAddress.objects.filter(user_id=user.pk)}
    if not before or any(verified for each, verified in before.items() if each != just_verified):
        return False
    records = get_authentication_records(request, user)
    return all(each.get("method") in _BY_MAIL for each in records)


def end_ways_in(request: HttpRequest, user: Any, *, keep_password: bool = False) -> None:
    """End the password, the connected providers, the sessions and the tokens of a user. The session of the request stays."""
    if user.has_usable_password() and not keep_password:
        user.set_unusable_password()
        user.save(update_fields=["password"])
    if allauth_settings.SOCIALACCOUNT_ENABLED:
        from allauth.socialaccount.models import SocialAccount

        accounts = SocialAccount.objects.filter(user_id=user.pk)
        for provider in list(accounts.values_list("provider", flat=True)):
            record_security_event(
                "factor_removed", request=request, user=user, factor="oidc", provider=provider
            )
        accounts.delete()
    if allauth_settings.USERSESSIONS_ENABLED:
        from allauth.usersessions.models import UserSession

        from django_matt.contrib.accounts.sessions import end_sessions

        others = UserSession.objects.filter(user_id=user.pk)
        end_sessions(list(others.exclude(session_key=request.session.session_key or "")))
    revoke_tokens(user)
