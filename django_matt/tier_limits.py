"""The fastest tier that an answer may take: the route chooses it, else the API, else the settings."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django_matt.decorators import View, get_metadata, set_metadata
from django_matt.settings import Tier, checked_tier, get_settings

__all__ = ["Choice", "choose_tier", "tier"]


@dataclass(frozen=True, slots=True)
class Choice:
    """The fastest tier allowed, and the words for those that this closes (None where it closes none)."""

    tier: Tier = "rows"
    reason: str | None = None


def tier(fastest: Tier) -> Callable[[View], View]:
    """Name the fastest tier that a route's answers may take; above or below the route's own decorator.

    Raises ``ImproperlyConfigured`` for a name that is no tier's, and on a class.

    >>> @tier("instances")
    ... def list_books(request): ...
    """
    return set_metadata("tier", checked_tier(fastest, "@tier"))


def choose_tier(view: Callable[..., Any], of_api: Tier | None) -> Choice:
    """Return what was chosen for a view function: by its ``tier``, by its API, by ``MATT["TIER"]``."""
    found: Tier | None = get_metadata("tier", view)
    if found is not None:
        return _choice(found, f'@tier("{found}") on the route')
    if of_api is not None:
        return _choice(of_api, f'MattAPI(tier="{of_api}")')
    found = get_settings().TIER
    return _choice(found, f'MATT["TIER"] = "{found}"')


def _choice(chosen: Tier, where: str) -> Choice:
    return Choice(chosen, None if chosen == "rows" else f"closed by {where}")
