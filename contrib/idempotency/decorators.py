"""``@idempotent``: marks the routes that accept an ``Idempotency-Key``."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from django_matt.decorators import View, get_metadata, set_metadata

__all__ = ["Idempotency", "idempotency_of", "idempotent"]

_HOOK = "django_matt.contrib.idempotency.hooks.IdempotencyHook"


@dataclass(frozen=True, slots=True)
class Idempotency:
    """The arguments of ``idempotent``."""

    required: bool = False
    owner: Callable[[HttpRequest], str] | None = None
    enabled: bool = True


def idempotent(
    *,
    required: bool = False,
    owner: Callable[[HttpRequest], str] | None = None,
    enabled: bool = True,
) -> Callable[[View], View]:
    """Carry a write out once, however often a client sends it with the same ``Idempotency-Key``.

    Further requests get the first response again, with ``Idempotency-Replayed: true``. ``required=True`` answers 400 to
    requests without a key. ``owner`` is a function of the request that returns whose key it is, as text; by default, that
    is the user, or what authenticated the request. ``enabled=False`` exempts a route from ``MATT_IDEMPOTENCY["APIS"]``.

    >>> @api.post("/orders")
    ... @idempotent(required=True)
    ... def create_order(request, order: OrderIn): ...
    """
    return set_metadata("idempotent", Idempotency(required, owner, enabled), hook=_HOOK)


def idempotency_of(view: Any) -> Idempotency | None:
    """Return the ``idempotent`` of a view function, also below other decorators; ``None`` without one."""
    found: Idempotency | None = get_metadata("idempotent", view)
    return found
