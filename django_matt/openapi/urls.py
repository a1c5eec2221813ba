"""The URLs of the document and its page. The document is built once for each prefix and language, and has an ETag."""

import json
from collections import OrderedDict
from contextlib import suppress
from copy import copy
from functools import lru_cache, partial
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import (
    NoReverseMatch,
    URLPattern,
    URLResolver,
    get_resolver,
    get_urlconf,
    path,
    reverse,
)
from django.utils.translation import get_language
from ninja.responses import NinjaJSONEncoder

from django_matt.pages import send_tagged, tag
from django_matt.settings import get_settings

__all__ = ["docs_urls", "find_root"]

_MAX_KEPT = 32
"""A prefix may have parameters, and a client chooses those and the language: the memory for documents is bounded."""


def docs_urls(api: Any) -> list[URLPattern]:
    """Return the patterns for ``openapi_url`` and ``docs_url``, under Ninja's names, as far as they are turned on.

    ``docs_decorator`` gets the same argument as in Ninja: a partial whose ``func`` is named as Ninja's, with ``api`` as keyword.
    """
    if api.openapi_url and api.openapi_url == api.docs_url:
        raise AssertionError(
            "Please use different urls for openapi_url and docs_url"
        )  # as Ninja does
    decorate = api.docs_decorator or (lambda view: view)
    urls: list[URLPattern] = []
    if api.openapi_url:
        document = decorate(partial(openapi_json, api=api))
        urls.append(path(api.openapi_url.lstrip("/"), document, name="openapi-json"))
        if api.docs_url:
            page = decorate(partial(openapi_view, api=api))
            urls.append(path(api.docs_url.lstrip("/"), page, name="openapi-view"))
    return urls


def openapi_json(request: HttpRequest, api: Any, **parameters: Any) -> HttpResponseBase:
    """Return the document in the language of the request."""
    document = _documents.setdefault(api, _Documents()).find(request, api, parameters)
    return send_tagged(request, document)


def openapi_view(request: HttpRequest, api: Any, **parameters: Any) -> HttpResponse:
    """Return the page."""
    namespace = _outer_namespace(request, api)
    if namespace:
        # Ninja's pages find the document by this name, which an include's namespace comes before.
        api = copy(api)
        api.urls_namespace = namespace
    page: HttpResponse = api.docs.render_page(request, api, **parameters)
    return page


def find_root(api: Any, path_params: dict[str, Any]) -> str:
    """Return where an API is mounted below the namespaces of ``include``s; raise ``NoReverseMatch``."""
    for namespace in _namespaces(get_resolver(get_urlconf()), api):
        with suppress(NoReverseMatch):
            return reverse(f"{namespace}:api-root", kwargs=path_params)
    raise NoReverseMatch(
        f"The API {api.urls_namespace!r} is not mounted, or not with {path_params}."
    )


def _outer_namespace(request: HttpRequest, api: Any) -> str:
    """Return the full namespace by which a request came to an API below an ``include``, "" for any other request.

    Ninja's test client resolves the API's own patterns alone, so its match has no namespace.
    """
    match = request.resolver_match
    namespace = match.namespace if match is not None else ""
    return "" if namespace == api.urls_namespace else namespace


class _Documents:
    """The most recently requested documents of one API, encoded, with their ETags."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Any, tuple[bytes, str]] = OrderedDict()
        self._lock = Lock()
        self._settings = get_settings()

    def find(self, request: HttpRequest, api: Any, parameters: dict[str, Any]) -> tuple[bytes, str]:
        # Below the namespace of an include, only the request knows which of the mounts it came by.
        namespace = _outer_namespace(request, api)
        if namespace:
            prefix = reverse(f"{namespace}:api-root", kwargs=parameters)
        else:
            prefix = api.get_root_path(parameters)
        key = (prefix, *parameters.items(), get_language())
        with self._lock:
            if self._settings is not get_settings():
                self._settings = get_settings()
                self._kept.clear()
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        options = {"path_prefix": prefix} if namespace else {}
        document = api.get_openapi_schema(path_params=parameters, **options)
        found = tag(json.dumps(document, cls=NinjaJSONEncoder, ensure_ascii=False).encode())
        with self._lock:
            self._kept[key] = found
            if len(self._kept) > _MAX_KEPT:
                self._kept.popitem(last=False)
        return found


_documents: WeakKeyDictionary[Any, _Documents] = WeakKeyDictionary()


@lru_cache(maxsize=16)
def _namespaces(resolver: URLResolver, api: Any) -> tuple[str, ...]:
    """Return the full namespaces under which a resolver has an API, in the order of the patterns."""
    found: list[str] = []
    for each in resolver.url_patterns:
        if isinstance(each, URLResolver):
            inner = _namespaces(each, api)
            found += [":".join(filter(None, (each.namespace, name))) for name in inner]
        elif each.name == "api-root" and getattr(each.callback, "keywords", {}).get("api") is api:
            found.append("")
    return tuple(found)
