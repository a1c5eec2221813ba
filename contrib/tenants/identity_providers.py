"""Single sign-on of an organization: its OpenID Connect provider, whose addresses count, and who has signed in by it.

Nothing here imports django-allauth, which signs the users in.
"""

import re
import secrets
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.http import HttpRequest

from django_matt.contrib.tenants.models import Domain, IdentityProvider, Membership, Organization
from django_matt.scopes import unscoped
from django_matt.sign_in import pinned_tenant

__all__ = [
    "find_provider",
    "is_proven",
    "join_after_sign_in",
    "member_with_address",
    "new_provider_id",
    "only_tenant",
    "provider_for_address",
    "seal",
    "signed_in_by",
    "unseal",
]

_RECORDS = "account_authentication_methods"
"""The key of the session in which django-allauth notes how the user has signed in."""
_PROVIDER = re.compile(r"org-([0-9]{1,18})-[0-9a-f]{12}")


def new_provider_id(organization: Organization) -> str:
    """Return the id that django-allauth knows the provider by. No other organization ever gets it, not even one of that slug."""
    return f"org-{organization.pk}-{secrets.token_hex(6)}"


def find_provider(provider_id: str) -> IdentityProvider | None:
    """Return the provider of an organization by its id, None if it is not one."""
    if not _PROVIDER.fullmatch(provider_id):
        return None
    with unscoped():
        found = IdentityProvider.objects.select_related("organization")
        return found.filter(provider_id=provider_id).first()


def provider_for_address(address: str) -> str | None:
    """Return the id of the provider that people with an e-mail address sign in by, None if there is none."""
    with unscoped():
        found = Domain.objects.filter(name=_domain_of(address), verified_at__isnull=False)
        return found.values_list("organization__identity_provider__provider_id", flat=True).first()


def is_proven(provider: IdentityProvider, address: str) -> bool:
    """Return whether an e-mail address is in a domain that the organization of the provider has proven."""
    with unscoped():
        return Domain.objects.filter(
            organization_id=provider.organization_id,
            name=_domain_of(address),
            verified_at__isnull=False,
        ).exists()


def member_with_address(provider: IdentityProvider, address: str) -> Any:
    """Return the member of the organization who has an e-mail address, None for nobody or for several."""
    model = get_user_model()
    with unscoped():
        found = model._default_manager.filter(
            **{f"{model.get_email_field_name()}__iexact": address},
            membership__organization=provider.organization_id,
            is_active=True,
        )[:2]
        return found[0] if len(found) == 1 else None


def signed_in_by(request: HttpRequest) -> str | None:
    """Return the key of the organization by whose provider the user of the session has signed in, None for every other way."""
    user, principal = getattr(request, "user", None), getattr(request, "auth", None)
    if user is None or not user.is_authenticated:
        return None
    # The session that a session token names, or that of the browser if it is what has signed the user in.
    session: Any = getattr(principal, "session", None)
    if session is None and getattr(principal or user, "pk", None) == user.pk:
        session = getattr(request, "session", None)
    records = None if session is None else session.get(_RECORDS)
    for record in reversed(records if isinstance(records, list) else []):
        found = _PROVIDER.fullmatch(str(record.get("provider", "")))
        if found is not None:
            return found[1]
    return None


def only_tenant(request: HttpRequest) -> str | None:
    """Return the key of the only organization that a request may be for, because of its credentials or its sign-in."""
    return pinned_tenant(request) or signed_in_by(request)


def join_after_sign_in(sender: Any, request: HttpRequest | None, user: Any, **_: Any) -> None:
    """Make a user who has signed in by the provider of an organization a member, if the provider has a role for new ones."""
    if request is None or (key := signed_in_by(request)) is None:
        return
    with unscoped():
        provider = IdentityProvider.objects.filter(organization_id=key).exclude(role="").first()
        if provider is not None:
            Membership.objects.get_or_create(
                user=user,
                organization_id=provider.organization_id,
                defaults={"role": provider.role},
            )


# ---- secrets ----


def seal(secret: str) -> str:
    """Encrypt a client secret with a key that is derived from ``SECRET_KEY``."""
    return str(_box().encrypt(secret.encode()).decode())


def unseal(sealed: str) -> str:
    """Decrypt a client secret, also one that was encrypted with a key of ``SECRET_KEY_FALLBACKS``."""
    return str(_box().decrypt(sealed.encode()).decode())


def _box() -> Any:
    # The extra of django-allauth brings it, which nobody needs before.
    from cryptography.fernet import Fernet, MultiFernet

    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return MultiFernet(
        [
            Fernet(urlsafe_b64encode(sha256(f"matt_tenants.client_secret:{key}".encode()).digest()))
            for key in keys
        ]
    )


def _domain_of(address: str) -> str:
    return address.rpartition("@")[2].lower()
