"""A rate, such as ``10/minute``, and what a store says about one request."""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from django.core.exceptions import ImproperlyConfigured

__all__ = ["Outcome", "Rate", "parse_rate"]

_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_RATE = re.compile(
    r"\s*(\d+)\s*/\s*(\d*)\s*(s|sec|second|m|min|minute|h|hour|d|day)s?\s*", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Rate:
    """``amount`` requests at once, and then one more every ``seconds / amount`` seconds."""

    amount: int
    seconds: int
    step: float = field(init=False, compare=False)
    """Seconds that one request uses up."""
    tolerance: float = field(init=False, compare=False)
    """How far ahead of the clock the requests may be, in seconds; a little more than ``seconds``, for rounding."""

    def __post_init__(self) -> None:
        """Compute what each request needs."""
        step = self.seconds / self.amount
        object.__setattr__(self, "step", step)
        object.__setattr__(self, "tolerance", self.seconds + step / 1_000)

    def __str__(self) -> str:
        return f"{self.amount}/{self.seconds}s"


class Outcome(NamedTuple):
    """Whether a request is allowed, and what the client may do next."""

    allowed: bool
    remaining: int
    """How many requests the client may send now."""
    reset: float
    """In how many seconds the whole amount is available again; of a refused request, when the next is allowed."""


@lru_cache(maxsize=256)
def parse_rate(text: str) -> Rate:
    """Return the rate of a text such as ``10/minute``, ``100/15 minutes`` or ``5/s``.

    Raises ``ImproperlyConfigured`` for any other text, and for an amount of 0.

    >>> parse_rate("100/15 minutes")
    Rate(amount=100, seconds=900, step=9.0, tolerance=900.009)
    """
    found = _RATE.fullmatch(text) if isinstance(text, str) else None
    amount = int(found[1]) if found else 0
    count = int(found[2] or 1) if found else 0
    if found is None or not amount or not count:
        raise ImproperlyConfigured(
            f'{text!r} is not a rate. Write "10/minute", "100/15 minutes" or "5/s": a number from 1, a slash, and '
            "seconds, minutes, hours or days."
        )
    return Rate(amount, count * _UNITS[found[3][0]])
