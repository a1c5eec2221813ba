"""The system checks ``matt_webhooks.…``: the options are valid, there is a log to send, and production sends to public addresses."""

from typing import Any

from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 - Django's name
from django.core.exceptions import ImproperlyConfigured

from django_matt.contrib.webhooks.settings import WebhookSettings, get_settings
from django_matt.event_log import find_event_log

__all__ = ["check_deployment", "check_log", "check_settings"]


def check_settings(**_: Any) -> list[CheckMessage]:
    """Report a wrong name or value in ``settings.MATT_WEBHOOKS``."""
    try:
        get_settings()
    except ImproperlyConfigured as error:
        hint = "Fix or remove the option in settings.MATT_WEBHOOKS."
        return [Error(str(error), hint=hint, id="matt_webhooks.E001")]
    return []


def check_log(**_: Any) -> list[CheckMessage]:
    """Report topics without a log of events."""
    if not _valid().TOPICS or find_event_log() is not None:
        return []
    hint = 'Add "django_matt.contrib.events" to INSTALLED_APPS.'
    message = 'MATT_WEBHOOKS["TOPICS"] names events, and no installed app has an event log.'
    return [Error(message, hint=hint, id="matt_webhooks.E002")]


def check_deployment(**_: Any) -> list[CheckMessage]:
    """Warn if those who create endpoints may let the server send to private addresses."""
    networks = _valid().PRIVATE_NETWORKS
    if not networks:
        return []
    hint = 'Remove MATT_WEBHOOKS["PRIVATE_NETWORKS"], unless all who create endpoints may use these networks.'
    message = f"Webhooks may be sent to private addresses: {', '.join(networks)}."
    return [Warning(message, hint=hint, id="matt_webhooks.W001")]


def _valid() -> WebhookSettings:
    try:
        return get_settings()
    except ImproperlyConfigured:  # check_settings reports it
        return WebhookSettings()
