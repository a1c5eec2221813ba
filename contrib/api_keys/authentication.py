"""``ApiKeyAuth``: the authenticator for requests with an API key, for sync and async routes."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from asgiref.sync import sync_to_async
from django.http import HttpRequest
from django.utils import timezone

from django_matt.authentication import APIKeyAuthenticator, Credentials, InvalidCredentials
from django_matt.authentication.authenticators import set_user
from django_matt.contrib.api_keys.keys import InvalidKey, ParsedKey, contains_key, parse_key
from django_matt.contrib.api_keys.lookups import find_key
from django_matt.contrib.api_keys.models import ApiKey
from django_matt.contrib.api_keys.owners import allowed_scopes
from django_matt.contrib.api_keys.services import (
    accepted,
    is_use_due,
    owner_of,
    record_use,
)
from django_matt.contrib.api_keys.settings import get_settings
from django_matt.sign_in import current_tenant

__all__ = ["ApiKeyAuth", "KeyPrincipal"]


class KeyPrincipal:
    """The sender of a request with a key, which is ``request.auth``: ``key`` is the row."""

    def __init__(self, key: ApiKey) -> None:
        """Take the key of the request."""
        self.key = key

    @property
    def user(self) -> Any:
        """The user who owns the key; None for the key of an organization."""
        return self.key.user

    @property
    def tenant_id(self) -> str:
        """The id of the key's tenant; empty if it has none."""
        return self.key.tenant_id

    @property
    def id(self) -> str:
        """What limits per key, and idempotency keys, count by: a key and its successors have the same."""
        return self.key.family

    @property
    def tenant_role(self) -> str | None:
        """The role of an organization's key, from the settings; None for a user's key, which has the role of its user."""
        return None if self.key.user_id is not None else get_settings().ORGANIZATION_ROLE

    @cached_property
    def scopes(self) -> frozenset[str]:
        """The scopes of the key that its owner may have now. The first access may query the database.

        In an async view, read ``await principal.aload_scopes()`` instead.
        """
        mine = frozenset(self.key.scopes)
        allowed = allowed_scopes(owner_of(self.key)) if mine else None
        return mine if allowed is None else mine.intersection(allowed)

    async def aload_scopes(self) -> frozenset[str]:
        """Return ``scopes`` in async code."""
        loaded: frozenset[str] = await sync_to_async(lambda: self.scopes)()
        return loaded


class ApiKeyAuth(APIKeyAuthenticator):
    """A key of the app ``api_keys``, in the header that ``MATT_API_KEYS["HEADER"]`` names.

    ``request.auth`` is a ``KeyPrincipal``, and ``request.user`` the user who owns the key. Each request is one query.
    A key in the URL or in the wrong header is refused, and the response names the right one. Pass
    ``shares_bearer=True`` if keys are bearer tokens, and another authenticator of the same ``AnyOf`` reads bearer
    tokens too: bearer tokens of another form are then left to it.

    >>> auth = ApiKeyAuth(scopes=["books:read"])
    """

    def __init__(self, *, scopes: Sequence[str] | None = None, shares_bearer: bool = False) -> None:
        """Set the scopes that a key needs."""
        super().__init__(scopes=scopes)
        self.shares_bearer = shares_bearer

    @property
    def security_schemes(self) -> Mapping[str, Mapping[str, Any]]:  # type: ignore[override]
        """The scheme of the header in the settings."""
        if get_settings().HEADER == "Authorization":
            return {"apiKey": {"type": "http", "scheme": "bearer", "bearerFormat": "API key"}}
        return APIKeyAuthenticator.security_schemes

    def find(self, request: HttpRequest) -> Credentials | None:
        """Return the key of a request; raise ``InvalidCredentials`` for one in the wrong place."""
        options = get_settings()
        wrong = "HTTP_X_API_KEY" if options.HEADER == "Authorization" else "HTTP_AUTHORIZATION"
        if contains_key(request.META.get("QUERY_STRING", ""), options.PREFIX):
            raise InvalidCredentials(
                f"Send the API key in the header {options.HEADER}, never in the URL, which servers log. "
                "Replace this key with a new one."
            )
        if contains_key(request.META.get(wrong, ""), options.PREFIX):
            raise InvalidCredentials(f"Send the API key in the header {options.HEADER}.")
        found = super().find(request)
        if found and self.shares_bearer and not found.value.startswith(f"{options.PREFIX}_"):
            return None
        return found

    def authenticate(self, request: HttpRequest, credentials: Credentials) -> KeyPrincipal | None:
        """Return the sender of the request; None if the key is wrong, not valid, or of another tenant."""
        parsed, now = _parse(credentials), timezone.now()
        key = accepted(find_key(parsed.public_id), parsed, now)
        if key is None:
            return None
        principal = KeyPrincipal(key)
        if key.tenant_id and not _is_of_tenant(principal, request):
            return None
        if is_use_due(key, now):
            record_use(key, now)
        return principal

    async def aauthenticate(
        self, request: HttpRequest, credentials: Credentials
    ) -> KeyPrincipal | None:
        """Do what ``authenticate`` does on async routes."""
        parsed, now = _parse(credentials), timezone.now()
        key = accepted(await sync_to_async(find_key)(parsed.public_id), parsed, now)
        if key is None:
            return None
        principal = KeyPrincipal(key)
        if key.tenant_id and not await sync_to_async(_is_of_tenant)(principal, request):
            return None
        if is_use_due(key, now):
            await sync_to_async(record_use)(key, now)
        if self.scopes:
            await principal.aload_scopes()
        return principal


def _parse(credentials: Credentials) -> ParsedKey:
    """Return the parts of a key; raise ``InvalidCredentials`` if it cannot be a key of this server."""
    options = get_settings()
    try:
        parsed = parse_key(credentials.value, options.PREFIX)
    except InvalidKey as error:
        raise InvalidCredentials(str(error)) from None
    if parsed.environment != options.environment:
        raise InvalidCredentials(
            f"This is a key for another environment; this server accepts {options.environment!r} keys."
        )
    return parsed


def _is_of_tenant(principal: KeyPrincipal, request: HttpRequest) -> bool:
    """Return whether a request is for the key's tenant; a request without a tenant passes.

    Apps that know tenants look at who sends the request, so this is set already. An app may refuse by an exception,
    for example if the user is not a member any more.
    """
    set_user(request, principal.user)
    request.auth = principal  # type: ignore[attr-defined] # Ninja's
    tenant = current_tenant(request)
    return tenant is None or str(tenant.pk) == principal.tenant_id
