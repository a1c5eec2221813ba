"""The view of the metrics, and who may read them."""

import hmac
from ipaddress import ip_network

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.utils.cache import add_never_cache_headers
from django.views.decorators.csrf import csrf_exempt

from django_matt.addresses import client_address, unmapped
from django_matt.contrib.observability.metrics import write
from django_matt.contrib.observability.settings import get_settings

__all__ = ["show_metrics"]


@csrf_exempt
@login_not_required
@transaction.non_atomic_requests
def show_metrics(request: HttpRequest) -> HttpResponse:
    """Show the metrics to a client with the token or in one of the networks, and in ``DEBUG`` to everybody.

    Others get a 404, so that they do not learn that there are metrics.
    """
    if not (settings.DEBUG or _has_token(request) or _is_in_network(request)):
        raise Http404
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    response = HttpResponse(write(), content_type="text/plain; version=0.0.4; charset=utf-8")
    add_never_cache_headers(response)
    return response


def _has_token(request: HttpRequest) -> bool:
    token = get_settings().METRICS_TOKEN
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if not token or scheme.lower() != "bearer":
        return False
    # Bytes, because texts with other characters than ASCII cannot be compared in constant time.
    return hmac.compare_digest(given.strip().encode("utf-8", "replace"), token.encode())


def _is_in_network(request: HttpRequest) -> bool:
    networks = get_settings().METRICS_NETWORKS
    if not networks:
        return False
    try:
        address = unmapped(client_address(request))
    except ValueError:
        return False
    return any(address in ip_network(network) for network in networks)
