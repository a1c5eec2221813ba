"""The system checks ``matt_password_managers.…``: the options are valid, and the URLs are at the root of the project."""

from typing import Any

from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as CheckWarning
from django.core.exceptions import ImproperlyConfigured
from django.urls import NoReverseMatch, reverse

from django_matt.contrib.password_managers.settings import get_settings

__all__ = ["check_settings", "check_urls"]

_KNOWN = "/.well-known/change-password"
_LINE = 'path("", include("django_matt.contrib.password_managers.urls"))'


def check_settings(**_: Any) -> list[CheckMessage]:
    """Report a wrong name or value in ``settings.MATT_PASSWORD_MANAGERS``, and pages that do not exist."""
    try:
        options = get_settings()
    except ImproperlyConfigured as error:
        hint = "Fix or remove the option in settings.MATT_PASSWORD_MANAGERS."
        return [Error(str(error), hint=hint, id="matt_password_managers.E001")]
    found: list[CheckMessage] = []
    for name in ("CHANGE_PASSWORD", "ENROLL", "MANAGE"):
        page = getattr(options, name)
        # The defaults are pages that a project may well not have.
        is_default = page == getattr(type(options)(), name)
        if page is not None and not is_default and ("/" not in page) and _find(page) is None:
            found.append(
                CheckWarning(
                    f'settings.MATT_PASSWORD_MANAGERS["{name}"] is {page!r}, but no URL of the project has this name.',
                    hint="Write the name of a URL, a path that begins with a slash, or None.",
                    id="matt_password_managers.W002",
                )
            )
    return found


def check_urls(**_: Any) -> list[CheckMessage]:
    """Report URLs that are missing, or not at the root of the project."""
    try:
        address = _find("matt_change_password")
    except Exception:  # noqa: BLE001 - Django's own check reports URLs that cannot be imported
        return []
    if address is None:
        return [
            CheckWarning(
                f"Password managers find nothing below /.well-known/, because the project's URLs do not include {_LINE}.",
                hint=f"Add {_LINE} to the URLs of the project.",
                id="matt_password_managers.W001",
            )
        ]
    if address != _KNOWN:
        return [
            Error(
                f"Password managers look for {_KNOWN}, but the project has it at {address}.",
                hint=f"Include the URLs at the root of the project: {_LINE}.",
                id="matt_password_managers.E002",
            )
        ]
    return []


def _find(name: str) -> str | None:
    try:
        return reverse(name)
    except NoReverseMatch:
        return None
