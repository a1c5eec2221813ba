"""The pages of Django Matt: rendered from templates, with their assets served below the API's prefix."""

import logging
import mimetypes
from functools import lru_cache
from hashlib import blake2b
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.template import Context, Engine
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import NoReverseMatch, ResolverMatch, URLPattern, path, reverse
from django.utils.cache import get_conditional_response

__all__ = ["STRICT_CSP", "asset_base", "asset_urls", "render_page", "serve_asset"]

STRICT_CSP = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""The ``Content-Security-Policy`` of a page that needs only Django Matt's own stylesheet and script."""

logger = logging.getLogger("django_matt")

_HERE = Path(__file__).parent
_OURS = {".css", ".js", ".svg"}
_NINJA = (
    "favicon.png",
    "favicon.svg",
    "redoc.standalone.js",
    "swagger-ui-bundle.js",
    "swagger-ui.css",
)

_FOREIGN_LOGO = b"https://cdn.redoc.ly/redoc/logo-mini.svg"
_NO_LOGO = b"data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg'/%3E"


def render_page(
    request: HttpRequest,
    template_name: str,
    context: dict[str, Any] | None = None,
    status: int = 200,
    *,
    csp: str | None = STRICT_CSP,
) -> HttpResponse:
    """Render a page with the project's own template of that name, or else with the built-in one.

    ``{{ assets }}`` in the template is the URL to which names of assets are appended. ``csp`` is sent as the page's
    ``Content-Security-Policy``; ``None`` sends none. The page is answered even if ``django_matt`` is not in
    ``INSTALLED_APPS``, no template engine is configured, or the project's override does not render.
    """
    values = {"assets": asset_base(request), **(context or {})}
    try:
        content = render_to_string(template_name, values, request)
    except Exception as error:  # noqa: BLE001 - a page that explains an error must not need a healthy engine
        if getattr(settings, "TEMPLATES", None) and type(error).__name__ != "TemplateDoesNotExist":
            logger.warning("%s did not render, showing the built-in page: %r", template_name, error)
        content = _private_engine().get_template(template_name).render(Context(values))
    response = HttpResponse(content, status=status)
    if csp is not None:
        response["Content-Security-Policy"] = csp
    response["X-Content-Type-Options"] = "nosniff"
    response["Referrer-Policy"] = "same-origin"
    return response


@lru_cache(maxsize=1)
def _private_engine() -> Engine:
    return Engine(dirs=[str(_HERE / "templates")], autoescape=True)


def asset_base(request: HttpRequest) -> str:
    """Return the URL below which the request's API serves the assets, with a slash at the end."""
    match = getattr(request, "resolver_match", None)
    if isinstance(match, ResolverMatch):
        given = list(match.kwargs.items())
        # The prefix's own parameters come first: try none, then one more each time.
        for count in range(len(given) + 1):
            try:
                kwargs = dict(given[:count]) | {"name": "matt.css"}
                address = reverse(
                    f"{match.namespace}:matt-asset",
                    kwargs=kwargs,
                    urlconf=getattr(request, "urlconf", None),
                )
            except NoReverseMatch:
                continue
            return address.removesuffix("matt.css")
    try:
        return static("matt/matt.css").removesuffix("matt.css")
    except Exception:  # noqa: BLE001 - a project without static files still gets its page, unstyled
        return "/_matt/"


def asset_urls() -> list[URLPattern]:
    """Return the URL patterns that serve the package's own stylesheet, scripts and images at ``_matt/<name>``."""
    return [path("_matt/<str:name>", serve_asset, name="matt-asset")]


@login_not_required
def serve_asset(request: HttpRequest, name: str, **_: Any) -> HttpResponseBase:
    """Serve one of the listed assets, with an ETag; every other name is a 404."""
    if request.method not in {"GET", "HEAD"}:
        return HttpResponseNotAllowed(["GET", "HEAD"])
    file = _assets().get(name)
    if file is None:
        return HttpResponse("Not Found", status=404, content_type="text/plain")
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    if kind.startswith("text/"):
        kind += "; charset=utf-8"
    cache = "no-cache" if settings.DEBUG else "public, max-age=86400"
    response = send_tagged(request, _read(file, file.stat().st_mtime_ns), kind, cache)
    response["X-Content-Type-Options"] = "nosniff"
    return response


def tag(content: bytes) -> tuple[bytes, str]:
    """Return content with its ETag, as ``send_tagged`` takes it."""
    return content, f'"{blake2b(content, digest_size=12).hexdigest()}"'


def send_tagged(
    request: HttpRequest,
    tagged: tuple[bytes, str],
    kind: str = "application/json; charset=utf-8",
    cache: str = "private, no-cache",
) -> HttpResponseBase:
    """Return content with its ETag, or a 304 to a client that has it."""
    content, etag = tagged
    response: HttpResponseBase | None = get_conditional_response(request, etag=etag)
    if response is None:
        response = HttpResponse(content, content_type=kind)
    response["ETag"] = etag
    response["Cache-Control"] = cache
    return response


@lru_cache(maxsize=1)
def _assets() -> dict[str, Path]:
    """List the assets by name, so that a name from a client never becomes a path."""
    files = {
        file.name: file for file in (_HERE / "static" / "matt").iterdir() if file.suffix in _OURS
    }
    ninja = find_spec("ninja")
    if ninja is not None and ninja.origin:
        folder = Path(ninja.origin).parent / "static" / "ninja"
        files |= {name: folder / name for name in _NINJA if (folder / name).is_file()}
    return files


@lru_cache(maxsize=16)
def _read(file: Path, _changed: int) -> tuple[bytes, str]:
    # ReDoc's bundle loads its maker's logo from elsewhere; ours loads nothing from elsewhere.
    return tag(file.read_bytes().replace(_FOREIGN_LOGO, _NO_LOGO))
