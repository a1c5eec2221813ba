"""The middleware that adds the script to HTML pages, and shows errors of background requests in the overlay."""

import re
import sys
from collections.abc import Awaitable, Callable
from typing import Any, cast
from urllib.parse import urlsplit

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.core.signals import got_request_exception
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from django_matt.contrib.hot_reload.addresses import FOLDER, prefix_of
from django_matt.contrib.hot_reload.broadcasters import Broadcaster, current_hub
from django_matt.contrib.hot_reload.csp import allow, nonce_of
from django_matt.contrib.hot_reload.failures import describe

__all__ = ["HotReloadMiddleware"]

_END = re.compile(rb"</body\s*>", re.IGNORECASE)
_HOST = re.compile(r"[A-Za-z0-9._-]+(?::\d+)?|\[[0-9A-Fa-f:]+\](?::\d+)?")
_POLICIES = ("Content-Security-Policy", "Content-Security-Policy-Report-Only")


class HotReloadMiddleware:
    """Adds one ``<script>`` before ``</body>``. It is only active in our ``runserver`` with DEBUG on."""

    sync_capable = True
    async_capable = True

    def __init__(
        self, get_response: Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]
    ) -> None:
        """Raise ``MiddlewareNotUsed`` if this process is not our ``runserver``, or DEBUG is off."""
        hub = current_hub()
        if hub is None or not settings.DEBUG:
            raise MiddlewareNotUsed("hot reload runs only in manage.py runserver with DEBUG on")
        self._hub: Broadcaster = hub
        self._get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)
        got_request_exception.connect(self._show_failure, dispatch_uid="matt_hot_reload")

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Return the response, with the script if it is a page."""
        if self._is_async:
            return self._answer(request)
        return self._inject(request, cast("HttpResponseBase", self._get_response(request)))

    async def _answer(self, request: HttpRequest) -> HttpResponseBase:
        response = await cast("Awaitable[HttpResponseBase]", self._get_response(request))
        return self._inject(request, response)

    def _inject(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if not isinstance(response, HttpResponse) or not _is_page(request, response):
            return response
        found = list(_END.finditer(response.content))
        if not found:
            return response
        at = found[-1].start()
        folder = _folder(request)
        nonce = nonce_of(response.headers.get(_POLICIES[0], ""))
        tag = (
            f'<script src="{folder}reload.js" data-version="{self._hub.version}"'
            f' data-method="{request.method}" data-status="{response.status_code}"'
            + (f' nonce="{nonce}"' if nonce else "")
            + " defer></script>"
        )
        response.content = response.content[:at] + tag.encode("ascii") + response.content[at:]
        if "Content-Length" in response.headers:
            response.headers["Content-Length"] = str(len(response.content))
        # They describe the page without the script. A cached page would also keep its old version number.
        for name in ("ETag", "Last-Modified"):
            response.headers.pop(name, None)
        self._make_room(request, response, folder)
        return response

    @staticmethod
    def _make_room(request: HttpRequest, response: HttpResponse, folder: str) -> None:
        given = (request.META.get("HTTP_HOST"), request.META.get("HTTP_X_FORWARDED_HOST"))
        hosts = [host for host in given if host and _HOST.fullmatch(host)]
        # Full addresses, because 'self' may allow more than the page's own policy.
        sources = {
            "script-src": [f"{host}{folder}reload.js" for host in hosts],
            "connect-src": [
                f"{kind}://{host}{folder}reload" for kind in ("ws", "wss") for host in hosts
            ],
            "frame-src": [f"{host}{folder}failure" for host in hosts],
        }
        for name in _POLICIES:
            if name in response.headers:
                response.headers[name] = allow(response.headers[name], sources)

    def _show_failure(self, request: HttpRequest | None = None, **_: Any) -> None:
        exc = sys.exc_info()[1]
        if exc is None or request is None or request.headers.get("Sec-Fetch-Mode") == "navigate":
            # The response to a navigation is the error page itself.
            return
        page = urlsplit(request.headers.get("Referer", ""))
        address = page.path + (f"?{page.query}" if page.query else "")
        self._hub.fail(describe(exc, request), address)


def _folder(request: HttpRequest) -> str:
    script_name = str(request.META.get("SCRIPT_NAME", "")) or settings.FORCE_SCRIPT_NAME or ""
    return prefix_of(script_name, request.headers.get("X-Forwarded-Prefix", "")) + FOLDER


def _is_page(request: HttpRequest, response: HttpResponse) -> bool:
    """Return whether the response is a whole HTML page: no fragment, download, compressed body or stream."""
    headers = request.headers
    return (
        response.headers.get("Content-Type", "").partition(";")[0].strip().lower() == "text/html"
        and not response.streaming
        and "Content-Encoding" not in response.headers
        and "attachment" not in response.headers.get("Content-Disposition", "")
        and headers.get("HX-Request") != "true"
        and headers.get("X-Requested-With") != "XMLHttpRequest"
        and headers.get("Sec-Fetch-Dest", "document") in {"document", "iframe", "frame"}
    )
