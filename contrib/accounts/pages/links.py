"""The pages about an account that a project has, for the navigation and the page at the root of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext

__all__ = ["PageLink", "account_pages"]


@dataclass(frozen=True, slots=True)
class PageLink:
    """A link to one page: its URL, its title, and what it is for."""

    url: str
    title: str
    purpose: str


def account_pages(user: AbstractBaseUser | Any) -> Iterator[PageLink]:
    """Yield a link to each page that the project's URLs have and the user can use."""
    has_password = user.has_usable_password()
    pages = [
        (
            "account_email",
            gettext("Email Addresses"),
            gettext("Add an address, confirm it, or choose the one that we write to."),
        ),
        (
            "account_change_password" if has_password else "account_set_password",
            gettext("Change Password") if has_password else gettext("Set Password"),
            gettext("Choose a password that you use nowhere else."),
        ),
        (
            "mfa_list_webauthn",
            gettext("Passkeys"),
            gettext("Sign in with your fingerprint, your face or the PIN of your device."),
        ),
        (
            "mfa_index",
            gettext("Two-Factor Authentication"),
            gettext("Add an authenticator app, and keep recovery codes."),
        ),
        (
            "usersessions_list",
            gettext("Sessions"),
            gettext("See where you are signed in, and sign out there."),
        ),
        (
            "socialaccount_connections",
            gettext("Account Connections"),
            gettext("Sign in with an account that you have elsewhere."),
        ),
    ]
    for name, title, purpose in pages:
        try:
            yield PageLink(reverse(name), title, purpose)
        except NoReverseMatch:
            continue
