"""Which responses may be stored, and the headers by which other caches know what they may do."""

import re
from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest, SimpleCookie
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers

from django_matt.contrib.caching.decorators import Caching
from django_matt.contrib.caching.keys import Key
from django_matt.contrib.caching.settings import get_settings
from django_matt.contrib.caching.sights import header_of

__all__ = ["add_headers", "refusal_of", "stay_public"]

_NOT_A_TAG = re.compile(r"[^\w./{}-]+")


def refusal_of(request: HttpRequest, response: Any, caching: Caching, key: Key) -> str | None:
    """Return why a response must not be stored; ``None`` if it may be."""
    if response.streaming:
        return "it is a stream"
    if response.status_code != 200:
        return f"its status is {response.status_code}"
    if not getattr(response, "is_rendered", True):
        return "it is a template that Django renders later"
    if response.cookies or response.headers.get("Set-Cookie"):
        return "it sets a cookie"
    if request.META.get("CSRF_COOKIE_NEEDS_UPDATE"):
        return "it contains a CSRF token"
    if getattr(getattr(request, "session", None), "modified", False):
        return "it changes the session"
    control = response.headers.get("Cache-Control", "").lower()
    if "no-store" in control or (caching.public and "private" in control):
        return f"its Cache-Control is {control}"
    # Middleware outside of the route has added nothing yet.
    varies = {each.strip().lower() for each in response.headers.get("Vary", "").split(",")}
    unknown = [each for each in varies if each and not _knows(key, each)]
    if unknown:
        return f"it varies by {', '.join(sorted(unknown))}"
    if len(response.content) > get_settings().MAX_BODY:
        return f"its body has {len(response.content)} bytes"
    return None


def _knows(key: Key, header: str) -> bool:
    if header in ("cookie", "authorization"):
        return key.has_user
    return header in ("accept", "accept-language") or header_of(header) in key.known


def add_headers(
    response: HttpResponseBase,
    caching: Caching,
    route: str,
    tables: Iterable[str],
    key: Key | None,
) -> None:
    """Say who else may store a response, and for a CDN what it was computed from. Without a ``key``, it is private."""
    headers = response.headers
    if key is None:
        headers.setdefault("Cache-Control", "private, no-cache")
        return
    if "Cache-Control" not in headers:
        stale = f", stale-while-revalidate={int(caching.stale)}" if caching.stale else ""
        headers["Cache-Control"] = f"public, max-age=0, s-maxage={int(caching.seconds)}{stale}"
    names = sorted(each for each in key.known if each.startswith("HTTP_"))
    names = [each.removeprefix("HTTP_").replace("_", "-").title() for each in names]
    if any(each.startswith("cookie ") for each in key.known):
        names.append("Cookie")
    patch_vary_headers(response, names)
    tags = [_NOT_A_TAG.sub("-", each) for each in (route, *sorted(tables))]
    headers.setdefault("Surrogate-Key", " ".join(tags))
    headers.setdefault("Cache-Tag", ",".join(tags))
    stay_public(response)


class _Cookies(SimpleCookie):
    """The cookies of a public response: when middleware sets one, the response is private."""

    def __init__(self, response: HttpResponseBase) -> None:
        super().__init__()
        self._headers = response.headers

    def __setitem__(self, name: str, value: Any) -> None:
        super().__setitem__(name, value)
        self._headers["Cache-Control"] = "private, no-cache"
        for tag in ("Surrogate-Key", "Cache-Tag"):
            self._headers.pop(tag, None)


def stay_public(response: HttpResponseBase) -> None:
    """Withdraw ``public`` from a response when it gets a cookie."""
    if "public" in response.headers.get("Cache-Control", ""):
        response.cookies = _Cookies(response)
