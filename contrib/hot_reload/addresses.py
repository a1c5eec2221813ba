"""Where our own paths lie, behind any prefix, and which origins may open the socket."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django.http.request import validate_host

__all__ = ["FOLDER", "is_allowed_origin", "name_of", "prefix_of"]

FOLDER = "/__matt__/"
"""What our addresses begin with, behind the prefix of the project."""

_PREFIX = re.compile(r"(?:/[A-Za-z0-9._~-]{1,100}){1,20}")
_LOCAL = [".localhost", "127.0.0.1", "[::1]"]


def name_of(path: str) -> str | None:
    """Return the part of a path behind our folder, ``None`` for a path of the project's own.

    A proxy may strip the prefix of the project or leave it.

    >>> name_of("/shop/__matt__/reload.js"), name_of("/shop/")
    ('reload.js', None)
    """
    _, found, name = path.rpartition(FOLDER)
    return name if found and "/" not in name else None


def prefix_of(script_name: str, forwarded: str) -> str:
    """Return what stands before our folder in the browser: the script name, or else ``X-Forwarded-Prefix``.

    >>> prefix_of("", "/shop/"), prefix_of("/own/", "/shop"), prefix_of("", '"><script>')
    ('/shop', '/own', '')
    """
    if script_name:
        return script_name.rstrip("/")
    given = forwarded.strip().rstrip("/")
    return given if _PREFIX.fullmatch(given) else ""


def is_allowed_origin(headers: Mapping[str, str], hosts: list[str], trusted: list[str]) -> bool:
    """Say whether a page may listen: one of this very host, or of an origin that ``CSRF_TRUSTED_ORIGINS`` names.

    What the socket tells (paths, source, locals) is not for a page of another site, nor for one that a foreign
    name was bound to our address (DNS rebinding): the host must be in ``ALLOWED_HOSTS`` as well.
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
    """Say whether ``ALLOWED_HOSTS`` (those of this machine, where it is empty) names a ``Host``."""
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
