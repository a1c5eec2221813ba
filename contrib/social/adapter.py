"""Which account somebody from a provider gets: rules with which no account can be taken over."""

from typing import Any

from allauth.account.models import EmailAddress
from allauth.socialaccount import app_settings
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.http import HttpRequest

from django_matt.contrib.social.settings import get_settings

__all__ = ["SocialAdapter"]

_PKCE = "oauth_pkce_enabled"


class SocialAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Set ``SOCIALACCOUNT_ADAPTER`` to this class or to a subclass.

    - An address counts as verified only if the provider says it and ``MATT_SOCIAL["TRUSTED_EMAIL"]`` trusts it.
    - An existing account is never signed in by its address alone if it has a password, or if its own address is not
      verified. Its user signs in first, and then connects the provider.
    - Every provider uses PKCE unless its settings turn it off.
    """

    turns_pkce_on = True
    """Read by the check of the app accounts."""

    def list_apps(
        self, request: HttpRequest, provider: str | None = None, client_id: str | None = None
    ) -> list[Any]:
        """Return the configured apps, with PKCE (RFC 9700, 2.1.1)."""
        found: list[Any] = super().list_apps(request, provider=provider, client_id=client_id)
        for app in found:
            chosen = app_settings.PROVIDERS.get(app.provider, {}).get("OAUTH_PKCE_ENABLED", True)
            # A new dictionary: this one may be part of the project's settings.
            app.settings = {_PKCE: chosen, **app.settings}
        return found

    def populate_user(self, request: HttpRequest, sociallogin: Any, data: Any) -> Any:
        """Fill a new user in, and decide which of the addresses are verified."""
        for address in sociallogin.email_addresses:
            address.verified = address.verified and is_trusted(
                sociallogin.provider.sub_id, address.email
            )
        return super().populate_user(request, sociallogin, data)

    def authenticate_by_email(self, sociallogin: Any) -> Any:
        """Return the user whom allauth finds by a verified address, if nobody else could be meant."""
        found = super().authenticate_by_email(sociallogin)
        if found is None:
            return None
        user, email = found
        own = EmailAddress.objects.filter(user_id=user.pk, email__iexact=email, verified=True)
        return None if user.has_usable_password() or not own.exists() else found


def is_trusted(provider: str, email: str) -> bool:
    """Tell whether the settings trust a provider to verify an address."""
    trust = get_settings().TRUSTED_EMAIL.get(provider, False)
    if isinstance(trust, bool):
        return trust
    return email.rpartition("@")[2].lower() in {each.lower() for each in trust}
