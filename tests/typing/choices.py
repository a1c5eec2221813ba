"""What the type checkers make of the choice of a tier; mypy and pyright read this, nothing runs it."""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from typing import assert_type

from django.http import HttpRequest

from django_matt import MattAPI, tier
from django_matt.settings import Tier, get_settings


@tier("instances")
def view(request: HttpRequest, number: int) -> list[int]:
    """Return a list."""
    return [number]


assert_type(view(HttpRequest(), 1), list[int])
assert_type(MattAPI(tier="pydantic").tier, Tier | None)
assert_type(get_settings().TIER, Tier)

tier("row")  # type: ignore[arg-type]
MattAPI(tier="row")  # type: ignore[arg-type]
