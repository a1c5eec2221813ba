"""The ``/docs`` page: Swagger UI and ReDoc over one document, from files that the app itself serves."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Literal
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.urls import NoReverseMatch, reverse
from ninja.openapi.docs import DocsBase

from django_matt.pages import render_page

__all__ = ["MattDocs"]

View = Literal["swagger", "redoc"]
_VIEWS: tuple[View, View] = ("swagger", "redoc")


class MattDocs(DocsBase):
    """One page with both views of the document, and a switch between them.

    ``swagger`` and ``redoc`` are options of Swagger UI and ReDoc, JSON values by their own names. ``view`` is the one
    to begin with. ``csp`` adds sources to the page's Content-Security-Policy, by directive.

    >>> docs = MattDocs(view="redoc", swagger={"docExpansion": "none"})
    >>> docs.view
    'redoc'
    """

    template = "matt/docs.html"

    def __init__(
        self,
        *,
        view: View = "swagger",
        swagger: Mapping[str, Any] | None = None,
        redoc: Mapping[str, Any] | None = None,
        csp: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        """Raise ``ValueError`` for a view that is neither ``swagger`` nor ``redoc``."""
        if view not in _VIEWS:
            raise ValueError(f"view is one of {', '.join(_VIEWS)}, not {view!r}")
        self.view: View = view
        self.options = {"swagger": dict(swagger or {}), "redoc": dict(redoc or {})}
        self.csp = dict(csp or {})

    def render_page(self, request: HttpRequest, api: Any, **kwargs: Any) -> HttpResponse:
        """Return the page in the view of ``?view=``."""
        view = request.GET.get("view")
        if view not in _VIEWS:
            view = self.view
        nonce = secrets.token_urlsafe(16)
        config: dict[str, Any] = {
            "url": self._document_url(request, api, kwargs),
            "view": view,
            "nonce": nonce,
            "options": self.options[view],
        }
        if _needs_csrf(api):
            header = settings.CSRF_HEADER_NAME.removeprefix("HTTP_").replace("_", "-")
            config["csrf"] = {"header": header, "token": get_token(request)}
        context = {"api": api, "view": view, "config": config}
        response = render_page(request, self.template, context, csp=self._policy(api, nonce))
        response["Cache-Control"] = "private, no-cache"
        return response

    def _document_url(self, request: HttpRequest, api: Any, kwargs: dict[str, Any]) -> str:
        match = request.resolver_match
        try:
            # The namespace as mounted: an API may be included below another namespace.
            return reverse(f"{match.namespace if match else ''}:openapi-json", kwargs=kwargs)
        except NoReverseMatch:
            return self.get_openapi_url(api, kwargs)

    def _policy(self, api: Any, nonce: str) -> str:
        policy: dict[str, list[str]] = {
            "default-src": ["'none'"],
            "script-src": ["'self'"],
            # Both views make style elements at run time: they get the nonce instead of 'unsafe-inline'.
            "style-src": ["'self'", f"'nonce-{nonce}'"],
            "img-src": ["'self'", "data:"],
            "font-src": ["'self'"],
            "connect-src": ["'self'", *_origins(api.servers)],
            "worker-src": ["blob:"],
            "base-uri": ["'none'"],
            "form-action": ["'self'"],
            "frame-ancestors": ["'self'"],
        }
        for directive, sources in self.csp.items():
            known = [s for s in policy.get(directive, []) if s != "'none'"]
            policy[directive] = [*known, *sources]
        return "; ".join(f"{name} {' '.join(sources)}" for name, sources in policy.items())


def _origins(servers: list[dict[str, Any]]) -> list[str]:
    """Return the origins that "try it out" may call; a server with variables in its host is left out."""
    parts = [urlsplit(str(server.get("url", ""))) for server in servers]
    found = [f"{p.scheme}://{p.netloc}" for p in parts if p.scheme and p.netloc]
    return [origin for origin in dict.fromkeys(found) if not set("{};, '\"") & set(origin)]


def _needs_csrf(api: Any) -> bool:
    return any(
        getattr(auth, "csrf", False) for operation in api.operations() for auth in operation.auth
    )
