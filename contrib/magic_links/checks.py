"""The system checks ``matt_magic_links.…``: the options are valid, and the link leads to a page that can be trusted."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 - Django's name
from django.core.exceptions import ImproperlyConfigured
from django.urls import NoReverseMatch, reverse

from django_matt.contrib.magic_links.settings import get_settings

__all__ = ["check_deployment", "check_page", "check_settings"]


def check_settings(**_: Any) -> list[CheckMessage]:
    """Report a wrong name or value in ``settings.MATT_MAGIC_LINKS``."""
    try:
        get_settings()
    except ImproperlyConfigured as error:
        hint = "Fix or remove the option in settings.MATT_MAGIC_LINKS."
        return [Error(str(error), hint=hint, id="matt_magic_links.E001")]
    return []


def check_page(**_: Any) -> list[CheckMessage]:
    """Warn if the mail has no link, because the page that it would open does not exist."""
    if check_settings() or get_settings().URL:
        return []
    try:
        reverse("matt_magic_links:link")
    except NoReverseMatch:
        hint = (
            'Add path("sign-in/", include("django_matt.contrib.magic_links.urls")) to the URLs of the project, or set '
            'MATT_MAGIC_LINKS["URL"] to the page of your front end.'
        )
        return [
            Warning(
                "The sign-in mail has a code, but no link.", hint=hint, id="matt_magic_links.W001"
            )
        ]
    return []


def check_deployment(**_: Any) -> list[CheckMessage]:
    """Report links whose host is chosen by the client, and links that are not encrypted."""
    if check_settings():
        return []
    options, found = get_settings(), list[CheckMessage]()
    if options.URL is None and any(host.startswith((".", "*")) for host in settings.ALLOWED_HOSTS):
        hint = 'Set MATT_MAGIC_LINKS["URL"], or list every host in ALLOWED_HOSTS.'
        found.append(
            Error(
                "The sign-in link has the host of the request, which a client may choose: ALLOWED_HOSTS has a wildcard.",
                hint=hint,
                id="matt_magic_links.E002",
            )
        )
    if options.URL is not None and not options.URL.startswith("https://"):
        hint = 'Begin MATT_MAGIC_LINKS["URL"] with "https://".'
        found.append(
            Error("The sign-in link is not encrypted.", hint=hint, id="matt_magic_links.E003")
        )
    return found
