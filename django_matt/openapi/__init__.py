"""The OpenAPI document of an API, and the page that shows it.

Importing this package imports neither: the first request for the document does.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from django_matt.openapi.contributions import OpenAPIPart
    from django_matt.openapi.documents import MattOpenAPISchema
    from django_matt.openapi.pages import MattDocs

__all__ = ["MattDocs", "MattOpenAPISchema", "OpenAPIPart"]

_MODULES = {"MattDocs": "pages", "MattOpenAPISchema": "documents", "OpenAPIPart": "contributions"}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = found
    return found
