"""The APIs of a project, found in its URLs."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver
from ninja import NinjaAPI

__all__ = ["find_apis"]


def find_apis(urlconf: str | None = None) -> Iterator[tuple[NinjaAPI, str]]:
    """Yield each API in the project's URLs (or in those of ``urlconf``) with the path of its root, in order.

    Ninja keeps no list of its APIs: each is found by the keywords of the view at its root.
    """
    return _walk(get_resolver(urlconf).url_patterns, "/")


def _walk(patterns: Iterable[Any], prefix: str) -> Iterator[tuple[NinjaAPI, str]]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern.url_patterns, prefix + str(pattern.pattern))
        elif isinstance(pattern, URLPattern) and pattern.name == "api-root":
            api = getattr(pattern.callback, "keywords", {}).get("api")
            if isinstance(api, NinjaAPI):
                yield api, prefix
