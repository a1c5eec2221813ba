"""The single sign-on of organizations, for the social account adapter of django-allauth."""

from typing import Any

from django.apps import apps
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from django_matt.contrib.tenants.identity_providers import (
    find_provider,
    is_proven,
    member_with_address,
    unseal,
)

__all__ = ["TenantProviders"]


class TenantProviders:
    """A base class of your ``SOCIALACCOUNT_ADAPTER``, before that of django-allauth or of the app ``social``.

    - The provider of an organization signs in people with addresses in the domains that the organization has proven.
    - An existing account is signed in if it is a member of the organization. No other account is, whatever address the
      provider sends.

    >>> class Adapter(TenantProviders, SocialAdapter):
    ...     pass
    """

    def list_apps(
        self, request: HttpRequest, provider: str | None = None, client_id: str | None = None
    ) -> list[Any]:
        """Return the configured apps, and that of an organization if it is asked for by its id."""
        found: list[Any] = super().list_apps(request, provider=provider, client_id=client_id)  # type: ignore[misc]
        own = None if provider is None else find_provider(provider)
        if own is not None and client_id in {None, own.client_id}:
            app: Any = apps.get_model("socialaccount", "SocialApp")
            found.append(
                app(
                    provider="openid_connect",
                    provider_id=own.provider_id,
                    name=own.organization.name,
                    client_id=own.client_id,
                    secret=unseal(own.sealed_secret) if own.sealed_secret else "",
                    settings={
                        "server_url": own.issuer,
                        "oauth_pkce_enabled": True,
                        "email_authentication": True,
                    },
                )
            )
        return found

    def populate_user(self, request: HttpRequest, sociallogin: Any, data: Any) -> Any:
        """Fill a new user in; an address counts as verified if the provider says it and the domain is proven."""
        claimed = [(address, address.verified) for address in sociallogin.email_addresses]
        user = super().populate_user(request, sociallogin, data)  # type: ignore[misc]
        own = find_provider(sociallogin.account.provider)
        if own is not None:
            for address, is_verified in claimed:
                address.verified = is_verified and is_proven(own, address.email)
        return user

    def authenticate_by_email(self, sociallogin: Any) -> Any:
        """Return the member of the organization who has a verified address."""
        own = find_provider(sociallogin.account.provider)
        if own is None:
            return super().authenticate_by_email(sociallogin)  # type: ignore[misc]
        for address in sociallogin.email_addresses:
            if address.verified and is_proven(own, address.email):
                user = member_with_address(own, address.email)
                if user is not None:
                    return user, address.email
        return None

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        """Refuse addresses outside of the proven domains, and addresses that the provider has not verified."""
        own = find_provider(sociallogin.account.provider)
        if own is not None:
            addresses = sociallogin.email_addresses
            if not addresses or not all(
                address.verified and is_proven(own, address.email) for address in addresses
            ):
                raise PermissionDenied("The provider sent no verified address of a proven domain.")
        super().pre_social_login(request, sociallogin)  # type: ignore[misc]
