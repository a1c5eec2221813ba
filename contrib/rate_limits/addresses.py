"""The part of a client's address that is counted as one client."""

from functools import lru_cache
from ipaddress import ip_network

from django.http import HttpRequest

from django_matt.addresses import client_address, unmapped
from django_matt.contrib.rate_limits.settings import get_settings

__all__ = ["address_bucket"]


def address_bucket(request: HttpRequest) -> str:
    """Return what is counted as one client: an IPv4 address, or the prefix of an IPv6 address."""
    return _bucket(client_address(request), get_settings().IPV6_PREFIX)


@lru_cache(maxsize=4_096)
def _bucket(text: str, prefix: int) -> str:
    try:
        address = unmapped(text)
    except ValueError:
        return text
    if address.version == 4:
        return str(address)
    return str(ip_network((int(address), prefix), strict=False))
