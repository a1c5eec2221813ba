"""The paths of hot reload, which may follow a prefix, and the origins that may open its WebSocket."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django.http.request import validate_host

__all__ = ["FOLDER", "is_allowed_origin", "name_of", "prefix_of"]

FOLDER = "/__matt__/"
"""The folder of all paths of hot reload, after the prefix of the project."""

_PREFIX = re.compile(r"(?:/[A-Za-z0-9._~-]{1,100}){1,20}")
_LOCAL = [".localhost", "127.0.0.1", "[::1]"]


def name_of(path: str) -> str | None:
    """Return the part of a path after ``FOLDER``; ``None`` for a path of the project.

    The path may have the project's prefix or not, because some proxies remove it.

    >>> name_of("/shop/__matt__/reload.js"), name_of("/shop/")
    ('reload.js', None)
    """
    _, found, name = path.rpartition(FOLDER)
    return name if found and "/" not in name else None


def prefix_of(script_name: str, forwarded: str) -> str:
    """Return the prefix of the project in the browser: the script name, or else ``X-Forwarded-Prefix``.

    >>> prefix_of("", "/shop/"), prefix_of("/own/", "/shop"), prefix_of("", '"><script>')
    ('/shop', '/own', '')
    """
    if script_name:
        return script_name.rstrip("/")
    given = forwarded.strip().rstrip("/")
    return given if _PREFIX.fullmatch(given) else ""


def is_allowed_origin(headers: Mapping[str, str], hosts: list[str], trusted: list[str]) -> bool:
    """Return whether a page may open the WebSocket.

    It may if it comes from the host of the request, or from an origin in ``CSRF_TRUSTED_ORIGINS``. Pages of other sites
    must not read the messages, which contain paths, source code and local variables. The host must also be in
    ``ALLOWED_HOSTS``, because a foreign name can be pointed at this machine's address (DNS rebinding).
    """
    origin = headers.get("origin", "")
    parts = _split(origin)
    if parts is None:
        return False
    if any(_matches(origin, pattern) for pattern in trusted):
        return True
    if not is_allowed_host(parts.netloc, hosts):
        return False
    return parts.netloc in {headers.get("host", ""), headers.get("x-forwarded-host", "")}


def is_allowed_host(host: str, hosts: list[str]) -> bool:
    """Return whether ``ALLOWED_HOSTS`` contains a host. If it is empty, only names of this machine are allowed."""
    name = host.lower()
    if not name.endswith("]"):
        name = re.sub(r":\d+\Z", "", name)
    return bool(name) and validate_host(name, hosts or _LOCAL)


def _split(origin: str) -> Any:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return None
    return parts if parts.scheme in {"http", "https"} and parts.netloc else None


def _matches(origin: str, pattern: str) -> bool:
    scheme, found, host = pattern.partition("://*.")
    if not found:
        return origin == pattern
    return origin.startswith(f"{scheme}://") and origin.endswith(f".{host}")
