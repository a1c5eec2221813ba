"""The addresses of the document and its page; the document is built once for each prefix and answered with an ETag."""

import json
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path
from django.utils.cache import get_conditional_response
from ninja.responses import NinjaJSONEncoder

__all__ = ["docs_urls"]

_MAX_PREFIXES = 16
"""A prefix may hold parameters, and a client chooses those: the memory for documents is bounded."""


def docs_urls(api: Any) -> list[URLPattern]:
    """Return the patterns for ``openapi_url`` and ``docs_url``, under Ninja's names, as far as they are turned on."""

    @lru_cache(maxsize=_MAX_PREFIXES)
    def build(prefix: str, parameters: tuple[tuple[str, Any], ...]) -> tuple[bytes, str]:
        document = api.get_openapi_schema(path_params=dict(parameters))
        content = json.dumps(document, cls=NinjaJSONEncoder, ensure_ascii=False).encode()
        return content, f'"{blake2b(content, digest_size=12).hexdigest()}"'

    api.forgets_settings.append(build.cache_clear)

    def openapi_json(request: HttpRequest, **parameters: Any) -> HttpResponseBase:
        content, etag = build(api.get_root_path(parameters), tuple(parameters.items()))
        response: HttpResponseBase | None = get_conditional_response(request, etag=etag)
        if response is None:
            response = HttpResponse(content, content_type="application/json; charset=utf-8")
        response["ETag"] = etag
        response["Cache-Control"] = "private, no-cache"
        return response

    def openapi_view(request: HttpRequest, **parameters: Any) -> HttpResponse:
        page: HttpResponse = api.docs.render_page(request, api, **parameters)
        return page

    decorate = api.docs_decorator or (lambda view: view)
    urls: list[URLPattern] = []
    if api.openapi_url:
        urls.append(path(api.openapi_url.lstrip("/"), decorate(openapi_json), name="openapi-json"))
        if api.docs_url:
            urls.append(path(api.docs_url.lstrip("/"), decorate(openapi_view), name="openapi-view"))
    return urls
