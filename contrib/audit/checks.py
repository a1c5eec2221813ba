"""The system checks ``matt_audit.…``: the options are valid and fit the deployment."""

from typing import Any

from django.conf import global_settings, settings
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 - Django's name
from django.core.exceptions import ImproperlyConfigured

from django_matt.contrib.audit.controllers import load_auth
from django_matt.contrib.audit.settings import get_settings

__all__ = ["check_deployment", "check_settings"]


def check_settings(**_: Any) -> list[CheckMessage]:
    """Report a wrong name or value in ``settings.MATT_AUDIT``."""
    try:
        load_auth(get_settings().AUTH)
    except (ImproperlyConfigured, ImportError) as error:
        hint = "Fix or remove the option in settings.MATT_AUDIT."
        return [Error(str(error), hint=hint, id="matt_audit.E001")]
    return []


def check_deployment(**_: Any) -> list[CheckMessage]:
    """Warn about events that are kept forever, and about mails without a sender."""
    try:
        options = get_settings()
    except ImproperlyConfigured:  # check_settings reports it
        return []
    found: list[CheckMessage] = []
    if options.RETENTION is None:
        hint = 'Set MATT_AUDIT["RETENTION"], and run `manage.py matt_audit prune` every day.'
        message = "Security events, which contain IP addresses, are kept forever."
        found.append(Warning(message, hint=hint, id="matt_audit.W001"))
    if (
        options.NEW_DEVICE_MAIL
        and settings.DEFAULT_FROM_EMAIL == global_settings.DEFAULT_FROM_EMAIL
    ):
        hint = 'Set DEFAULT_FROM_EMAIL, or MATT_AUDIT["NEW_DEVICE_MAIL"] to False.'
        message = f"Mails about new devices come from {settings.DEFAULT_FROM_EMAIL}."
        found.append(Warning(message, hint=hint, id="matt_audit.W002"))
    return found
