"""The metadata of the APIs as protected resources (RFC 9728), from their security schemes and scopes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from ninja import NinjaAPI

from django_matt.discovery import find_apis
from django_matt.operations import list_operations
from django_matt.security_schemes import (
    challenge_scheme,
    each_callback,
    requirements_of,
    schemes_of,
)

__all__ = ["METADATA_PATH", "Resource", "describe", "find_resources", "needs_token", "token_scopes"]

METADATA_PATH = "/.well-known/oauth-protected-resource"
"""Where the metadata of the whole site is; that of an API is below it, at the path of the API (RFC 9728, 3.1)."""


@dataclass(frozen=True, slots=True)
class Resource:
    """An API that accepts access tokens: its title, the path of its root, and the scopes of its routes."""

    title: str
    path: str
    scopes: frozenset[str]


def find_resources() -> Iterator[Resource]:
    """Yield each API in the project's URLs that accepts access tokens.

    An API whose path has a parameter is left out, because it is a different resource for each value.
    """
    for api, path in find_apis():
        scopes = _scopes_of(api)
        if scopes is not None and "<" not in path:
            yield Resource(api.title, path, scopes)


def describe(
    resources: Sequence[Resource],
    *,
    identifier: str,
    authorization_servers: Sequence[str] = (),
) -> Mapping[str, Any]:
    """Return the metadata document (RFC 9728, 2) of one API, or of the site that has several.

    ``identifier`` is the URL from which the client has derived the address of the document.
    """
    document: dict[str, Any] = {"resource": identifier, "bearer_methods_supported": ["header"]}
    if len(resources) == 1:
        document["resource_name"] = resources[0].title
    if scopes := sorted(frozenset().union(*(each.scopes for each in resources))):
        document["scopes_supported"] = scopes
    if authorization_servers:
        document["authorization_servers"] = list(authorization_servers)
    return document


def needs_token(callback: Any) -> bool:
    """Tell whether an authentication callback accepts an access token in ``Authorization: Bearer``."""
    return any(challenge_scheme(scheme) == "Bearer" for scheme in schemes_of(callback).values())


def token_scopes(callback: Any) -> Iterator[str]:
    """Yield the scopes that an access token needs for an authentication callback."""
    tokens = {
        name for name, each in schemes_of(callback).items() if challenge_scheme(each) == "Bearer"
    }
    for requirement in requirements_of(callback):
        for name, scopes in requirement.items():
            if name in tokens:
                yield from scopes


# The routes of an API do not change after it has been bound.
_SCOPES: WeakKeyDictionary[NinjaAPI, frozenset[str] | None] = WeakKeyDictionary()


def _scopes_of(api: NinjaAPI) -> frozenset[str] | None:
    """Return the scopes of an API's documented routes; None if no route accepts a token."""
    if api not in _SCOPES:
        callbacks = [
            callback
            for operation in list_operations(api, path_prefix="")
            if operation.documented
            for callback in each_callback(operation.auth)
            if needs_token(callback)
        ]
        scopes = frozenset(scope for each in callbacks for scope in token_scopes(each))
        _SCOPES[api] = scopes if callbacks else None
    return _SCOPES[api]
