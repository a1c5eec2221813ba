"""The fastest tier that a route may use: set on the route, else on the API, else in the settings."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django_matt.decorators import View, get_metadata, set_metadata
from django_matt.settings import Tier, checked_tier, get_settings

__all__ = ["Choice", "choose_tier", "tier"]


@dataclass(frozen=True, slots=True)
class Choice:
    """The fastest tier allowed, and the reason to give for each faster one (None if all are allowed)."""

    tier: Tier = "rows"
    reason: str | None = None


def tier(fastest: Tier) -> Callable[[View], View]:
    """Limit the tiers of one route; the order of this decorator and the route's own does not matter.

    Raises ``ImproperlyConfigured`` for an unknown tier, and if it decorates a class.

    >>> @tier("instances")
    ... def list_books(request): ...
    """
    return set_metadata("tier", checked_tier(fastest, "@tier"))


def choose_tier(view: Callable[..., Any], of_api: Tier | None) -> Choice:
    """Return the limit for a view function: from its ``tier`` decorator, its API, or ``MATT["TIER"]``."""
    found: Tier | None = get_metadata("tier", view)
    if found is not None:
        return _choice(found, f'@tier("{found}") on the route')
    if of_api is not None:
        return _choice(of_api, f'MattAPI(tier="{of_api}")')
    found = get_settings().TIER
    return _choice(found, f'MATT["TIER"] = "{found}"')


def _choice(chosen: Tier, where: str) -> Choice:
    return Choice(chosen, None if chosen == "rows" else f"closed by {where}")
