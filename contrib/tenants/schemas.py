"""The data of requests and responses."""

import re
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from ninja import Schema
from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from django_matt.contrib.tenants.settings import SLUG

__all__ = [
    "AddressIn",
    "DomainIn",
    "DomainOut",
    "IdentityProviderIn",
    "IdentityProviderOut",
    "InvitationIn",
    "InvitationOut",
    "MemberIn",
    "MemberOut",
    "OrganizationIn",
    "OrganizationOut",
    "ProviderOut",
    "TokenIn",
]

_PRIVATE = (".local", ".localhost", ".internal", ".lan", ".home", ".corp", ".test")
_HOST = r"^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$"


def _address(text: str) -> str:
    try:
        validate_email(text)
        text.encode()
    except (ValidationError, UnicodeEncodeError):
        raise ValueError("Enter a valid email address.") from None
    return text


def _lower(text: Any) -> Any:
    return text.strip().lower() if isinstance(text, str) else text


# Before the pattern is compared.
_Lower = BeforeValidator(_lower)


class OrganizationIn(Schema):
    """A new organization."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
    slug: Annotated[str, Field(pattern=SLUG, description="It names the organization in requests.")]


class OrganizationOut(Schema):
    """An organization, and the user's role in it."""

    name: str
    slug: str
    role: str


class MemberIn(Schema):
    """The new role of a member."""

    role: str


class MemberOut(Schema):
    """A member of an organization."""

    id: int
    username: str
    email: str
    role: str
    created_at: datetime


class InvitationIn(Schema):
    """A new invitation."""

    email: Annotated[str, _Lower, Field(max_length=254), AfterValidator(_address)]
    role: str


class InvitationOut(Schema):
    """An invitation that nobody has accepted yet."""

    id: int
    email: str
    role: str
    expires_at: datetime
    token: str | None = Field(
        None, description="Shown once, to the sender, if the server sends no mail with it."
    )


def _issuer(text: str) -> str:
    """Refuse what the server must not connect to: it asks this URL for the provider's configuration."""
    try:
        found = urlsplit(text)
        host, has_port = found.hostname or "", found.port is not None
    except ValueError:
        host, has_port, found = "", True, urlsplit("")
    is_public = re.fullmatch(_HOST, host) and not host.endswith(_PRIVATE)
    if (
        found.scheme != "https"
        or not is_public
        or has_port
        or found.query
        or found.fragment
        or "@" in found.netloc
    ):
        raise ValueError("Enter the https:// URL of the issuer, with a public host name.")
    return text.rstrip("/")


class IdentityProviderIn(Schema):
    """The OpenID Connect provider of an organization."""

    issuer: Annotated[str, Field(max_length=500), AfterValidator(_issuer)]
    client_id: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    client_secret: Annotated[
        str | None, Field(max_length=500, description="null keeps the stored one.")
    ] = None
    role: Annotated[
        str,
        Field(
            description="The role of people who sign in for the first time; if it is empty, they do not become members."
        ),
    ] = ""
    sso_only: Annotated[bool, Field(description="Whether members must sign in by it.")] = False


class IdentityProviderOut(Schema):
    """The OpenID Connect provider of an organization; its secret is not shown."""

    provider: str = Field(description="The id of the provider in the URLs of the sign-in.")
    issuer: str
    client_id: str
    role: str
    sso_only: bool


class AddressIn(Schema):
    """The e-mail address of somebody who wants to sign in."""

    email: Annotated[str, _Lower, Field(max_length=254), AfterValidator(_address)]


class ProviderOut(Schema):
    """The provider for the domain of an e-mail address; null if there is none."""

    provider: str | None


class TokenIn(Schema):
    """The token of an invitation."""

    token: Annotated[str, StringConstraints(min_length=1, max_length=200)]


class DomainIn(Schema):
    """A domain that the organization has."""

    name: Annotated[str, _Lower, Field(pattern=_HOST, max_length=253)]


class DomainOut(Schema):
    """A domain, and the TXT record that proves it."""

    id: int
    name: str
    verified_at: datetime | None
    record_name: str
    record_text: str
