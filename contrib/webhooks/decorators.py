"""``@webhook``: marks the routes that receive webhooks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from inspect import iscoroutinefunction

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest

from django_matt.contrib.webhooks.signatures import decode_secret
from django_matt.decorators import View, set_metadata

__all__ = ["Webhook", "webhook"]

Secrets = str | Sequence[str]


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where the keys of a route's webhooks come from."""

    keys: Callable[[HttpRequest], list[bytes]]


def webhook(secret: Secrets | Callable[[HttpRequest], Secrets]) -> Callable[[View], View]:
    """Let a route receive webhooks of the Standard Webhooks specification, each of them once.

    A request with a wrong signature or an old time is refused. A webhook that was processed before is answered with 204,
    and the function is not called. The function runs in a transaction with the receipt of the webhook; if it raises, or
    returns an error, nothing is stored, and the sender sends it again.

    ``secret`` is the secret of the sender, or two while it is rotated, or a function of the request that returns them, such
    as for one sender per tenant. Give the route ``auth=None``: the signature authenticates it.

    Raises ``ImproperlyConfigured`` for a secret that is not base64 of 24 bytes or more.

    >>> @api.post("/payments/webhook", auth=None)
    ... @webhook(settings.PAYMENTS_SECRET)
    ... def paid(request, event: PaymentEvent): ...
    """
    from django_matt.contrib.webhooks.hooks import WebhookHook

    if callable(secret):
        if iscoroutinefunction(secret):
            raise ImproperlyConfigured("@webhook: secret= must be a plain function, not async.")
        find = secret
        return set_metadata(
            "webhook", Webhook(lambda request: _keys(find(request))), hook=WebhookHook
        )
    keys = _keys(secret)
    if not keys:
        raise ImproperlyConfigured("@webhook needs a secret.")
    return set_metadata("webhook", Webhook(lambda _: keys), hook=WebhookHook)


def _keys(found: Secrets) -> list[bytes]:
    try:
        return [decode_secret(each) for each in ([found] if isinstance(found, str) else found)]
    except ValueError as error:
        raise ImproperlyConfigured(f"@webhook: {error}") from None
