"""Counts something against a limit, and decides what happens while the store does not answer."""

import logging
from math import ceil
from typing import Literal

from asgiref.sync import sync_to_async
from django.http import HttpRequest

from django_matt.contrib.rate_limits.rates import Outcome, Rate, parse_rate
from django_matt.contrib.rate_limits.settings import database_alias, get_settings, named_rate
from django_matt.contrib.rate_limits.stores import MemoryStore, StoreUnavailable, get_store
from django_matt.errors.exceptions import ServiceUnavailable, TooManyRequests
from django_matt.sign_in import record_security_event

__all__ = ["acheck_limit", "check_limit", "count", "prune", "retry_after"]

logger = logging.getLogger(__name__)

_once_a_minute = MemoryStore()
_MINUTE = parse_rate("1/minute")


def count(rate: Rate, key: str, on_error: Literal["open", "closed"]) -> Outcome | None:
    """Count one request; return ``None`` if the store does not answer and requests pass then.

    Raises ``ServiceUnavailable`` if the store does not answer and requests are refused then.
    """
    try:
        return get_store().hit(rate, key)
    except StoreUnavailable as error:
        if _once_a_minute.hit(_MINUTE, f"unavailable:{on_error}").allowed:
            does = "pass without a limit" if on_error == "open" else "are refused with 503"
            logger.error("The store of rate limits does not answer; requests %s: %s", does, error)
        if on_error == "open":
            return None
        raise ServiceUnavailable(headers={"Retry-After": "1"}) from error


def check_limit(name: str, key: str, *, request: HttpRequest | None = None) -> None:
    """Count something against the limit of a name in ``MATT_RATE_LIMITS["LIMITS"]``.

    ``key`` says whose it is, for example a mail address; capital letters and spaces around it make no difference. Raises
    ``TooManyRequests``, and ``ServiceUnavailable`` while the store does not answer: these limits are closed.

    >>> check_limit("recipient", "ada@example.com")
    """
    rate = named_rate(name)
    if rate is None:
        return
    whole = f"{name}|{rate}|{key.strip().casefold()}"
    outcome = count(rate, whole, "closed")
    if outcome is None or outcome.allowed:
        return
    # Only the first refusal is recorded, so that a flood of requests does not become a flood of rows.
    if _once_a_minute.hit(_MINUTE, f"refused:{whole}").allowed:
        record_security_event("limit_reached", request=request, limit=name)
    raise TooManyRequests(headers={"Retry-After": retry_after(outcome)})


async def acheck_limit(name: str, key: str, *, request: HttpRequest | None = None) -> None:
    """Do what ``check_limit`` does, from async code."""
    await sync_to_async(check_limit)(name, key, request=request)


def retry_after(outcome: Outcome) -> str:
    """Return the value of ``Retry-After`` for a refused request, in seconds."""
    return str(max(ceil(outcome.reset), 1))


def prune(*, dry_run: bool = False) -> int | None:
    """Delete the rows of clients that may send all requests again; ``None`` if requests are not counted in the database."""
    alias = database_alias(get_settings().STORE)
    if alias is None:
        return None
    from django_matt.contrib.rate_limits.database_stores import DatabaseStore

    return DatabaseStore(alias).prune(dry_run=dry_run)
