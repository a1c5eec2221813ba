"""Which URLs and addresses webhooks may be sent to: public ones, and the private networks of the settings."""

import queue
import re
import socket
import threading
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

from django_matt.contrib.webhooks.settings import get_settings

__all__ = ["MAX_URL", "check_url", "is_allowed", "resolve"]

MAX_URL = 1_000

# Not the characters that some parsers drop, and others do not.
_VISIBLE = re.compile(r"[!-~]+")
_NAME = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?")
_NUMBER = re.compile(r"([0-9]+|0x[0-9a-f]*)")
_GLOBAL_UNICAST = ip_network("2000::/3")
_NAT64 = ip_network("64:ff9b::/96")
_REFUSED = [
    ip_network(each)
    for each in (
        *("192.0.0.0/24", "192.88.99.0/24"),  # protocol assignments, relays of 6to4
        "168.63.129.16/32",  # Azure's platform, at a public address
        *("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"),  # Teredo, examples, 6to4
    )
]
"""What the registries of special addresses have, and ``is_global`` of some Pythons accepts."""


def check_url(url: str) -> str:
    """Return a URL that webhooks may be sent to, as far as its text shows; raise ``ValueError`` for another one."""
    if len(url) > MAX_URL or not _VISIBLE.fullmatch(url) or "\\" in url:
        raise ValueError(f"Use up to {MAX_URL:,} visible ASCII characters without backslashes.")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError("This is not a URL.") from None
    schemes = ("https", "http") if get_settings().PRIVATE_NETWORKS else ("https",)
    if parts.scheme not in schemes:
        raise ValueError("The URL must begin with https://.")
    if "@" in parts.netloc:
        raise ValueError("The URL must not contain a user name or a password.")
    if "#" in url or port == 0:
        raise ValueError("The URL must not contain a fragment or the port 0.")
    _check_host(host, parts.scheme)
    return url


def _check_host(host: str, scheme: str) -> None:
    is_number = _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]) is not None
    if not (is_number or ":" in host):
        if not _NAME.fullmatch(host) or len(host) > 253:
            raise ValueError("The host must be a name in ASCII, or an address.")
        return
    try:
        allowed = is_allowed(host, scheme)
    except ValueError:  # 127.1, 0x7f000001 and 2130706433, which resolvers accept
        raise ValueError("The address is not written in the usual form.") from None
    if not allowed:
        raise ValueError("Webhooks are not sent to this address.")


def is_allowed(address: str, scheme: str) -> bool:
    """Tell whether webhooks may be sent to an address; raise ``ValueError`` if it is none."""
    found = _embedded(ip_address(address.partition("%")[0]))
    if any(found in ip_network(each) for each in get_settings().PRIVATE_NETWORKS):
        return True
    return scheme == "https" and _is_public(found)


def _embedded(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return the IPv4 address that is reached by an IPv6 address, or the address itself."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if any(address in network for network in _REFUSED):
        return False
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved)


def resolve(host: str, port: int, seconds: float) -> list[Any]:
    """Return what ``getaddrinfo`` finds, nothing if it fails; raise ``TimeoutError`` if it takes longer."""
    found = queue.SimpleQueue[list[Any]]()

    def ask() -> None:
        try:
            found.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError):
            found.put([])

    # It cannot be stopped; the limits of the system's resolver end it.
    threading.Thread(target=ask, name="matt-webhooks-resolve", daemon=True).start()
    try:
        return found.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError from None
