"""The middleware: what htmx needs of every response of a project."""

import json
from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.utils.cache import patch_vary_headers

from django_matt.contrib.htmx.parts import additions_of
from django_matt.contrib.htmx.requests import HEADERS, is_htmx, wants_fragment
from django_matt.errors.exceptions import MissingExtra
from django_matt.errors.problems import PROBLEM_JSON, title_of

try:
    from django_htmx.middleware import HtmxDetails
except ImportError as error:
    raise MissingExtra("django-htmx", "htmx") from error

__all__ = ["HtmxMiddleware"]

_ANY = ("", "*/*")
_JSON = ("application/json", PROBLEM_JSON)


class HtmxMiddleware:
    """Sets ``request.htmx`` as django-htmx does, and makes redirects and error pages right for htmx.

    Put it behind ``SessionMiddleware``, and before everything that may redirect or answer an error.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        """Take the next middleware or the view."""
        self.get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        """Answer the request; a coroutine under ASGI."""
        if self._is_async:
            return self._acall(request)
        _prepare(request)
        return _finish(request, self.get_response(request))

    async def _acall(self, request: HttpRequest) -> HttpResponseBase:
        _prepare(request)
        return _finish(request, await self.get_response(request))


def _prepare(request: HttpRequest) -> None:
    request.htmx = HtmxDetails(request)  # type: ignore[attr-defined]
    meta = request.META
    asks = is_htmx(request) or meta.get("HTTP_HX_HISTORY_RESTORE_REQUEST") == "true"
    if asks and meta.get("HTTP_ACCEPT", "") in _ANY:
        # htmx 2 accepts anything, as does htmx 4 where it restores a page, and both want HTML.
        meta["HTTP_ACCEPT"] = "text/html, */*;q=0.5"


def _finish(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    added = additions_of(request)
    if added is not None and response.status_code < 400 and _wants_html(request):
        added.send_events(response)
    if not wants_fragment(request):
        return response
    status = response.status_code
    if status in (301, 302, 303, 307, 308) and "Location" in response.headers:
        # A browser would follow it unasked, and put the whole page where the fragment belongs.
        # It is another response than a browser gets: a cache in front keeps both.
        patch_vary_headers(response, HEADERS)
        response.headers["HX-Redirect"] = response.headers["Location"]
        del response.headers["Location"]
        response.status_code = 200
    elif status >= 400 and _is_page(response):
        # A page of Django or of the project: it is shown as the page that it is.
        response.headers["HX-Retarget"] = "body"
        response.headers["HX-Reswap"] = "innerHTML"
    elif status >= 400 and _wants_html(request):
        _tell(response)
    return response


def _wants_html(request: HttpRequest) -> bool:
    """Return whether htmx asked, and for HTML."""
    return is_htmx(request) and "text/html" in request.META.get("HTTP_ACCEPT", "")


def _tell(response: HttpResponseBase) -> None:
    """Show an error in JSON, such as that of a URL without a route, as a toast: htmx would put it into the page as it is."""
    is_json = response.headers.get("Content-Type", "").startswith(_JSON)
    if not is_json or not isinstance(response, HttpResponse):
        return
    try:
        body = json.loads(response.content)
    except ValueError:
        return
    detail = body.get("detail") if isinstance(body, dict) else None
    title = title_of(response.status_code)
    problem = {"title": title, "detail": detail if isinstance(detail, str) else title}
    # Without the request: the user of a context processor may be in the database, which an event loop cannot ask.
    values = {"status": response.status_code, "problem": problem}
    response.content = render_to_string("matt_htmx/toast.html", values)
    patch_vary_headers(response, HEADERS)
    response.headers["Content-Type"] = "text/html; charset=utf-8"
    response.headers["Content-Length"] = str(len(response.content))
    response.headers["HX-Retarget"] = "#matt-toasts"
    response.headers["HX-Reswap"] = "beforeend"


def _is_page(response: HttpResponseBase) -> bool:
    """Tell whether a response is HTML that does not say where it goes."""
    placed = {"HX-Retarget", "HX-Redirect"} & set(response.headers)
    return not placed and response.headers.get("Content-Type", "").startswith("text/html")
