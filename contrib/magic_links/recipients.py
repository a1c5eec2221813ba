"""Whom an address belongs to. Mail goes to the address that is stored, never to the one that was typed."""

import unicodedata
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from django_matt.contrib.magic_links.digests import keyed_digest

__all__ = ["address_of", "check_email", "email_digest", "find_recipient", "mask"]

_CANDIDATES = 20


def check_email(email: str) -> str:
    """Return a valid address; raise ``ValueError`` for any other."""
    try:
        validate_email(email.encode("utf-8").decode())
    except (ValidationError, UnicodeError):
        raise ValueError("This is not a valid e-mail address.") from None
    return email


def normalize(email: str) -> str:
    """Return the form in which two addresses are compared, as Django's password reset compares them."""
    return unicodedata.normalize("NFKC", email).casefold()


def email_digest(email: str) -> str:
    """Return the digest by which the requests for one address are found."""
    return keyed_digest("email", normalize(email))


def find_recipient(email: str) -> tuple[Any, str] | None:
    """Return the user who may sign in by an address, and that address as it is stored.

    A verified address of allauth decides before the address in the user's own row. If several active users have the
    address, it is the one who wrote it in the same case; if that is not one user either, nobody may sign in by it.
    """
    for found in (_verified(email), _own(email)):
        users = [
            (user, stored)
            for user, stored in found
            if can_sign_in(user) and normalize(stored) == normalize(email)
        ]
        if len(users) > 1:
            users = [(user, stored) for user, stored in users if stored == email]
        if found:
            return users[0] if len(users) == 1 else None
    return None


def can_sign_in(user: Any) -> bool:
    """Tell whether the account is active."""
    return bool(getattr(user, "is_active", True))


def address_of(user: Any, digest: str) -> str | None:
    """Return the address of a user that has a digest; ``None`` if the user does not have that address any more."""
    addresses = [getattr(user, type(user).get_email_field_name(), "") or ""]
    if (model := _email_addresses()) is not None:
        addresses += model.objects.filter(user_id=user.pk).values_list("email", flat=True)
    return next((each for each in addresses if each and email_digest(each) == digest), None)


def mask(email: str) -> str:
    """Return an address that its owner recognizes.

    >>> mask("ada@example.com")
    'a…@example.com'
    """
    name, _, domain = email.rpartition("@")
    return f"{name[:1]}…@{domain}"


def _own(email: str) -> list[tuple[Any, str]]:
    model = get_user_model()
    field = model.get_email_field_name()
    users = model._default_manager.filter(**{f"{field}__iexact": email})[:_CANDIDATES]
    return [(user, getattr(user, field)) for user in users]


def _verified(email: str) -> list[tuple[Any, str]]:
    model = _email_addresses()
    if model is None:
        return []
    found = model.objects.filter(email__iexact=email, verified=True).select_related("user")
    return [(address.user, address.email) for address in found[:_CANDIDATES]]


def _email_addresses() -> Any:
    """Return allauth's model of addresses, if it is installed."""
    return (
        apps.get_model("account", "EmailAddress") if apps.is_installed("allauth.account") else None
    )
