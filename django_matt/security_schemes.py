"""The security schemes, requirements and challenges of an authentication callback, and where its credentials are."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.http import HttpRequest

__all__ = [
    "challenge_of",
    "challenge_scheme",
    "each_callback",
    "needs_scopes",
    "reader_of",
    "requirements_of",
    "schemes_of",
]

Scheme = Mapping[str, Any]
"""A Security Scheme Object of OpenAPI: ``{"type": "http", "scheme": "bearer"}``."""

_TOKENS = {"Bearer", "DPoP"}
"""The schemes whose challenge names scopes and errors (RFC 6750, 3; RFC 9449, 7.1)."""


def each_callback(callbacks: Iterable[Any]) -> Iterator[Any]:
    """Yield the callbacks, those of an ``AnyOf`` one by one."""
    for callback in callbacks:
        members = getattr(callback, "_matt_members", None)
        if members is None:
            yield callback
        else:
            yield from each_callback(members)


def schemes_of(callback: Any) -> Mapping[str, Scheme]:
    """Return the security schemes of one callback by name; a plain function has none."""
    declared: Mapping[str, Scheme] | None = getattr(callback, "security_schemes", None)
    if declared is not None:
        return declared
    scheme = getattr(callback, "openapi_security_schema", None)  # of Ninja's classes
    return {} if scheme is None else {type(callback).__name__: scheme}


def requirements_of(callback: Any) -> Sequence[Mapping[str, Sequence[str]]]:
    """Return the Security Requirement Objects of one callback: any of them is enough."""
    declared = getattr(callback, "security_requirements", None)
    return [{name: []} for name in schemes_of(callback)] if declared is None else declared()


def needs_scopes(callbacks: Iterable[Any]) -> bool:
    """Tell whether valid credentials may be refused because they lack a scope."""
    found = (each for callback in each_callback(callbacks) for each in requirements_of(callback))
    return any(scopes for requirement in found for scopes in requirement.values())


def challenge_scheme(scheme: Scheme) -> str:
    """Return the name by which HTTP challenges a client to use a scheme, empty if there is no such name.

    A key, a cookie and a client certificate have none.
    """
    if scheme.get("type") in {"oauth2", "openIdConnect"}:
        return "Bearer"
    if scheme.get("type") != "http":
        return ""
    name = str(scheme.get("scheme", "bearer"))
    return name[:1].upper() + name[1:]


def challenge_of(callbacks: Iterable[Any], *, error: str = "") -> str:
    """Return the ``WWW-Authenticate`` of callbacks (RFC 9110, 11.6.1), empty if none of their schemes has a challenge."""
    found = (
        _challenge(callback, name, error)
        for callback in each_callback(callbacks)
        for name in map(challenge_scheme, schemes_of(callback).values())
        if name
    )
    return ", ".join(dict.fromkeys(found))


def _challenge(callback: Any, name: str, error: str) -> str:
    realm = getattr(callback, "realm", None) if hasattr(callback, "_matt_bind") else None
    if name == "Basic":
        return f'Basic realm="{realm or "api"}", charset="UTF-8"'
    if realm is None:
        return name
    parameters = {"realm": realm}
    if name in _TOKENS:
        parameters |= {"scope": " ".join(callback.scopes), "error": error}
    return f"{name} " + ", ".join(f'{key}="{value}"' for key, value in parameters.items() if value)


def reader_of(scheme: Scheme) -> Callable[[HttpRequest], str | None] | None:
    """Return what reads the credentials of a scheme from a request; None for a scheme that no header or parameter carries.

    The reader returns None if the request carries no such credentials, and "" where it names the scheme alone.
    """
    if name := challenge_scheme(scheme):
        return _read_authorization(name.lower())
    if scheme.get("type") != "apiKey":
        return None
    place, key = scheme.get("in"), str(scheme.get("name"))
    if place == "header":
        header = "HTTP_" + key.upper().replace("-", "_")
        return lambda request: request.META.get(header)
    if place == "cookie":
        return lambda request: request.COOKIES.get(key) or None  # an emptied one is none
    return lambda request: request.GET.get(key)


def _read_authorization(wanted: str) -> Callable[[HttpRequest], str | None]:
    def read(request: HttpRequest) -> str | None:
        # Not `request.headers`, which copies all of them first.
        value = request.META.get("HTTP_AUTHORIZATION")
        if value is None:
            return None
        # At spaces alone: without an argument `strip` takes away what makes credentials unsound.
        name, _, rest = value.strip(" ").partition(" ")
        return rest.strip(" ") if name.lower() == wanted else None

    return read
