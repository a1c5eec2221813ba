"""The APIs of a project, found in its URLs."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver
from ninja import NinjaAPI

__all__ = ["find_apis"]


def find_apis(urlconf: str | None = None) -> Iterator[NinjaAPI]:
    """Yield each API that the project's URLs (or those of ``urlconf``) mount, in their order, once.

    Ninja keeps no list of its APIs: each is known by the keywords of the view that stands at its root.
    """
    seen: set[int] = set()
    for pattern in _patterns(get_resolver(urlconf)):
        view: Any = pattern.callback
        if pattern.name == "api-root" and isinstance(view, partial):
            api = view.keywords.get("api")
            if isinstance(api, NinjaAPI) and id(api) not in seen:
                seen.add(id(api))
                yield api


def _patterns(resolver: URLResolver) -> Iterator[URLPattern]:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            yield from _patterns(pattern)
        else:
            yield pattern
