"""Answers the health checks of load balancers that ask a container by its address."""

import ipaddress
from collections.abc import Awaitable, Callable

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

__all__ = ["ProbeHostMiddleware"]

_PATHS = ("/health/live", "/health/ready")


class ProbeHostMiddleware:
    """Give a health check that names an address as its host the first name of ``ALLOWED_HOSTS`` instead.

    AWS and DigitalOcean ask so. Django answers 400 otherwise, and to allow addresses for every path would allow them in
    the links of your mails. Put it first in ``MIDDLEWARE``.
    """

    sync_capable = True
    async_capable = True

    def __init__(
        self, get_response: Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]
    ) -> None:
        """Take the rest of the middleware and the view."""
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Replace the host of a health check."""
        if request.method in {"GET", "HEAD"} and request.path_info.endswith(_PATHS):
            host = next((name for name in settings.ALLOWED_HOSTS if "*" not in name), "")
            if host and _is_address(request.META.get("HTTP_HOST", "")):
                request.META["HTTP_HOST"] = host.removeprefix(".")
        return self.get_response(request)


def _is_address(host: str) -> bool:
    name = (
        host.rpartition("]")[0].removeprefix("[")
        if host.startswith("[")
        else host.partition(":")[0]
    )
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
