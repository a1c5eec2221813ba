"""What a request wants, by the headers of htmx: a page, or a part of it."""

import re
from urllib.parse import urlsplit

from django.http import HttpRequest
from django.utils.http import escape_leading_slashes, url_has_allowed_host_and_scheme

__all__ = ["HEADERS", "came_from", "is_htmx", "target_of", "wants_fragment"]

HEADERS = (
    "HX-Request",
    "HX-Request-Type",
    "HX-Boosted",
    "HX-History-Restore-Request",
    "HX-Target",
)
"""The headers on which a response depends."""
_ID = re.compile(r"[A-Za-z][\w-]{0,63}", re.ASCII)


def is_htmx(request: HttpRequest) -> bool:
    """Return whether htmx sent the request."""
    return request.META.get("HTTP_HX_REQUEST") == "true"


def wants_fragment(request: HttpRequest) -> bool:
    """Return whether htmx puts the response into a part of the page.

    A boosted link, a page that the history restores, and what htmx 4 calls ``full`` replace the whole page.
    """
    meta = request.META
    return (
        is_htmx(request)
        and meta.get("HTTP_HX_BOOSTED") != "true"
        and meta.get("HTTP_HX_HISTORY_RESTORE_REQUEST") != "true"
        and meta.get("HTTP_HX_REQUEST_TYPE") != "full"
    )


def target_of(request: HttpRequest) -> str:
    """Return the id of the element that the response goes into; empty without one, or if it is no plain name.

    htmx 2 sends ``rows``, htmx 4 ``tbody#rows``.
    """
    found = request.META.get("HTTP_HX_TARGET", "").rpartition("#")[2]
    return found if _ID.fullmatch(found) else ""


def came_from(request: HttpRequest) -> str:
    """Return the path of the page on which the visitor is, for a link that leads back; empty if it is not ours."""
    if request.method in ("GET", "HEAD") and not is_htmx(request):
        return request.get_full_path()
    url = request.META.get("HTTP_HX_CURRENT_URL") or request.META.get("HTTP_REFERER", "")
    if not url_has_allowed_host_and_scheme(url, {request.get_host()}):
        return ""
    parts = urlsplit(url)
    path = escape_leading_slashes(parts.path)
    return f"{path}?{parts.query}" if parts.query else path
