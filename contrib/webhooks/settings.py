"""One typed, frozen view of ``settings.MATT_WEBHOOKS``."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_network

from django.core.exceptions import ImproperlyConfigured

from django_matt.settings import read_settings

__all__ = ["WebhookSettings", "get_settings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSettings:
    """The options of ``settings.MATT_WEBHOOKS``, with their defaults.

    >>> WebhookSettings().TIMEOUT
    10.0
    """

    TOPICS: Sequence[str] = ()
    """The topics of events that endpoints may subscribe to. No other event is ever sent."""
    PRIVATE_NETWORKS: Sequence[str] = ()
    """Private networks that webhooks may be sent to, also by ``http://``, such as ``"127.0.0.0/8"`` in development."""
    TIMEOUT: float = 10.0
    """How many seconds an attempt may take, from the lookup of the name to the headers of the response."""
    MAX_ENDPOINTS: int = 20
    """How many endpoints a tenant may have."""
    DISABLE_AFTER_DAYS: float = 5
    """After how many days without a success an endpoint that fails is disabled."""
    RETENTION_DAYS: float = 30
    """For how many days ``matt_prune`` keeps what was sent or given up, and the ids of received webhooks."""

    def __post_init__(self) -> None:
        """Raise ``ImproperlyConfigured`` for an invalid value."""
        for name in ("TOPICS", "PRIVATE_NETWORKS"):
            value = getattr(self, name)
            if not isinstance(value, list | tuple) or not all(isinstance(e, str) for e in value):
                raise _invalid(name, value, "it must be a list of strings")
        for network in self.PRIVATE_NETWORKS:
            try:
                ip_network(network)
            except ValueError as error:
                raise _invalid("PRIVATE_NETWORKS", network, str(error)) from None
        for name in ("TIMEOUT", "MAX_ENDPOINTS", "DISABLE_AFTER_DAYS", "RETENTION_DAYS"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
                raise _invalid(name, value, "it must be a number above 0")


def _invalid(name: str, value: object, reason: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f'settings.MATT_WEBHOOKS["{name}"] is {value!r}; {reason}.')


def get_settings() -> WebhookSettings:
    """Return the project's settings; raise ``ImproperlyConfigured`` for an unknown name or an invalid value."""
    return read_settings(WebhookSettings, "MATT_WEBHOOKS")
