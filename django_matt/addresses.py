"""The address of a client, behind the proxies that the project trusts (``MATT["TRUSTED_PROXIES"]``)."""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from django.http import HttpRequest

from django_matt.settings import get_settings

__all__ = ["client_address", "unmapped"]


def client_address(request: HttpRequest) -> str:
    """Return the address that sent a request, or an empty text if it is not known, as with a Unix socket.

    ``X-Forwarded-For`` counts only as far as ``MATT["TRUSTED_PROXIES"]`` wrote it: a client may send any text in it.
    """
    peer: str = request.META.get("REMOTE_ADDR") or ""
    trusted = get_settings().TRUSTED_PROXIES
    if not trusted:
        return peer
    forwarded: str = request.META.get("HTTP_X_FORWARDED_FOR", "")
    # Each proxy adds the address that it was called from at the end, and calls the next.
    chain = [*filter(None, map(str.strip, forwarded.split(","))), peer]
    if isinstance(trusted, int):
        # With fewer entries, the request has not passed all proxies: its client may have written every one.
        found = chain[-1 - trusted] if len(chain) > trusted else peer
        return _plain(found) or peer
    return _first_untrusted(chain, _networks(tuple(trusted)))


def unmapped(text: str) -> IPv4Address | IPv6Address:
    """Return an address; raise ``ValueError`` if it is none. An IPv4 address that is written as IPv6 is an IPv4 address."""
    address = ip_address(text.partition("%")[0])
    return getattr(address, "ipv4_mapped", None) or address


def _first_untrusted(chain: Sequence[str], trusted: tuple[IPv4Network | IPv6Network, ...]) -> str:
    """Return the last address in a chain that no trusted proxy has."""
    found = chain[-1]
    for text in reversed(chain):
        plain = _plain(text)
        # The peer has no address if it is connected by a Unix socket: a proxy on this machine.
        if plain is None and text:
            break
        found = plain or ""
        if plain is not None and not any(ip_address(plain) in network for network in trusted):
            break
    return found


def _plain(text: str) -> str | None:
    """Return an address without its port and brackets; ``None`` if it is none."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return str(unmapped(text))
    except ValueError:
        return None


@lru_cache(maxsize=8)
def _networks(texts: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(map(ip_network, texts))
