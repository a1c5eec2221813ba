"""The page of the front end, for every URL that its own router handles."""

from collections.abc import Iterable

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.http.response import HttpResponseBase
from django.middleware.common import CommonMiddleware
from django.template.loader import render_to_string
from django.urls import Resolver404, URLPattern, URLResolver, get_resolver, get_urlconf, resolve
from django.utils.cache import patch_vary_headers
from django.views.decorators.csrf import csrf_exempt, ensure_csrf_cookie

from django_matt.contrib.spa.assets import render_tags
from django_matt.contrib.spa.errors import NotBuiltError

__all__ = ["page"]

_SLASHES = CommonMiddleware(lambda request: HttpResponse())
"""What Django itself does where a slash is missing."""


@csrf_exempt
@login_not_required
@ensure_csrf_cookie
def page(request: HttpRequest, path: str) -> HttpResponseBase:
    """Answer with the page, and with the cookie that its requests are checked by.

    Only a browser that opens a URL gets it. Everything else that no other pattern matches stays a 404: a script, an
    image, a request of the API, and every URL below the prefix of another ``include``, below ``STATIC_URL`` or
    ``MEDIA_URL``. A URL that only lacks the slash at its end is redirected, as Django does it elsewhere: for DELETE,
    PATCH, POST and PUT with ``DEBUG``, it raises ``RuntimeError`` instead, because their body would be lost.
    """
    # Also for `fetch` and other clients: without this pattern, CommonMiddleware redirects all of them.
    if settings.APPEND_SLASH and not request.path_info.endswith("/") and _has_view(request):
        return HttpResponsePermanentRedirect(_SLASHES.get_full_path_with_slash(request))
    if request.method not in {"GET", "HEAD"}:
        # No check of the CSRF token has answered before: a 404 is what it would be without this pattern.
        raise Http404
    if not _is_opened(request):
        raise Http404
    if _is_of_others(request):
        raise Http404
    try:
        tags = render_tags()
        content = render_to_string("matt_spa/page.html", {"front": tags}, request)
        response = HttpResponse(content)
    except NotBuiltError as error:
        said = {"said": str(error), "debug": settings.DEBUG}
        response = HttpResponse(
            render_to_string("matt_spa/not_built.html", said, request), status=503
        )
    # A new build has new names of files, which only a new page knows.
    response["Cache-Control"] = "private, no-cache"
    patch_vary_headers(response, ["Accept"])
    return response


def _is_opened(request: HttpRequest) -> bool:
    """Return whether a browser opens the URL; scripts, images and ``fetch`` do not ask for HTML by name."""
    return "text/html" in request.headers.get("Accept", "").lower()


def _has_view(request: HttpRequest) -> bool:
    """Return whether another view answers the URL with a slash at its end."""
    try:
        match = resolve(f"{request.path_info}/", get_urlconf())
    except Resolver404:
        return False
    return match.func is not page and getattr(match.func, "should_append_slash", True)


def _is_of_others(request: HttpRequest) -> bool:
    """Return whether the URL is below a prefix that belongs to the API, to another app or to files."""
    if request.path_info.startswith("/.well-known/"):
        # RFC 8615. Browsers ask for a name that no site has, and trust the others only if that is a 404.
        return True
    for url in (settings.STATIC_URL, settings.MEDIA_URL):
        # An empty MEDIA_URL is "/", and a URL of another host has no path here.
        if url and url != "/" and request.path.startswith(url):
            return True
    match = request.resolver_match
    route = match.route if match else ""
    patterns = get_resolver(get_urlconf()).url_patterns
    return _is_below(request.path_info.removeprefix("/"), patterns, route)


def _is_below(path: str, patterns: Iterable[URLPattern | URLResolver], route: str) -> bool:
    for each in patterns:
        if not isinstance(each, URLResolver):
            continue
        prefix = str(each.pattern)
        if not prefix:
            # `path("", include(…))`: the prefixes are one level deeper.
            if _is_below(path, each.url_patterns, route):
                return True
        elif not route.startswith(prefix) and each.pattern.match(path):
            return True
    return False
