"""How many links a recipient gets and a client requests, counted in the app's own table."""

import math
import time
from ipaddress import ip_network

from django.db.models import F, Value
from django.db.models.functions import Greatest
from django.http import HttpRequest

from django_matt.addresses import client_address, unmapped
from django_matt.contrib.magic_links.digests import keyed_digest
from django_matt.contrib.magic_links.models import MagicLinkLimit
from django_matt.contrib.magic_links.settings import Limit

__all__ = ["charge", "client_of"]

_IPV6_PREFIX = 64
_ROUNDING = 0.001


def charge(kind: str, value: str, limit: Limit) -> int:
    """Count a request; return 0 if it is within the limit, or after how many seconds the next one is.

    One UPDATE checks and counts, so parallel requests cannot exceed the limit. It is the generic cell rate algorithm:
    ``count`` requests at once, then one every ``seconds / count``. The row stays locked until the transaction ends.
    """
    count, seconds = limit
    interval = seconds / count
    key = keyed_digest(kind, value)
    MagicLinkLimit.objects.bulk_create([MagicLinkLimit(key=key, full_at=0)], ignore_conflicts=True)
    now = time.time()
    latest = now + seconds - interval
    if MagicLinkLimit.objects.filter(key=key, full_at__lte=latest + _ROUNDING).update(
        full_at=Greatest(F("full_at"), Value(now)) + interval
    ):
        return 0
    return max(1, math.ceil(MagicLinkLimit.objects.get(key=key).full_at - latest))


def client_of(request: HttpRequest) -> str:
    """Return the network address of a client; for IPv6 its network, because a client has many addresses."""
    address = client_address(request)
    try:
        found = unmapped(address)
    except ValueError:
        return address
    if found.version == 4:
        return str(found)
    return str(ip_network((int(found), _IPV6_PREFIX), strict=False))
