"""The adapter by which allauth lets a project change what it does."""

import time
from typing import Any

from allauth.account import app_settings
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.internal.flows.reauthentication import get_reauthentication_flows
from allauth.core import context
from django.contrib.auth.hashers import make_password
from django.utils.crypto import get_random_string

__all__ = ["AccountAdapter"]

_HAS_PASSWORD = "_matt_has_password"  # noqa: S105 - the name of an attribute


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc] # allauth has no types
    """The adapter for ``settings.ACCOUNT_ADAPTER``; derive the adapter of your project from it."""

    def is_safe_url(self, url: str) -> bool:
        """Return whether a redirect may lead to a URL; what is no URL, such as ``//[``, raises in allauth."""
        try:
            return bool(super().is_safe_url(url))
        except ValueError:
            return False

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Return whether a change needs a fresh proof of who the user is.

        Users who have neither a password nor a second factor have nothing to prove it with: a sign-in of the last
        minutes is enough, so that they can add one. allauth's own adapter refuses them.
        """
        if not super().is_reauthentication_required(app=app, **kwargs):
            return False
        request: Any = self.request
        user: Any = request.user
        if not user.is_authenticated or get_reauthentication_flows(user):
            return True
        records = get_authentication_records(request, user)
        newest = max((float(each["at"]) for each in records), default=0.0)
        return bool(time.time() - newest >= app_settings.REAUTHENTICATION_TIMEOUT)

    def clean_password(self, password: str, user: Any = None) -> Any:
        """Return a valid password, and note that the request has one."""
        cleaned = super().clean_password(password, user=user)
        if context.request is not None:
            vars(context.request)[_HAS_PASSWORD] = True
        return cleaned

    def send_account_already_exists_mail(self, email: str) -> None:
        """Send the mail, and hash a password if the sign-up has one: the time must not tell that there is an account."""
        if getattr(context.request, _HAS_PASSWORD, False):
            make_password(get_random_string(12))
        super().send_account_already_exists_mail(email)
