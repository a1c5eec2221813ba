"""The data of the routes."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from ninja import Schema
from pydantic import Field

__all__ = [
    "ExchangeIn",
    "FamilyOut",
    "ImpersonateIn",
    "KeySetOut",
    "RefreshIn",
    "RevokeIn",
    "TokensOut",
]

Token = Field(
    default=None, max_length=200, description="The refresh token; leave it out to use the cookie."
)


class TokensOut(Schema):
    """A pair of tokens (RFC 6749, 5.1). If they are sent as cookies, the two members are null."""

    access_token: str | None
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - a kind, not a secret
    expires_in: int = Field(description="For how many seconds the access token is valid.")
    refresh_token: str | None


class RefreshIn(Schema):
    """The refresh token to exchange."""

    refresh_token: str | None = Token


class RevokeIn(Schema):
    """The login to end, named by a refresh token."""

    refresh_token: str | None = Token
    everywhere: bool = Field(default=False, description="Whether to end every login of the user.")


class ExchangeIn(Schema):
    """How the browser gets its tokens."""

    transport: Literal["body", "cookie"] = Field(
        default="body", description="`cookie` sets cookies that JavaScript cannot read."
    )


class ImpersonateIn(Schema):
    """Whom to act as."""

    user: str = Field(max_length=64, description="The primary key of the user.")


class FamilyOut(Schema):
    """One login."""

    id: UUID
    client: str = Field(description="The User-Agent of the login.")
    issued_at: datetime
    rotated_at: datetime = Field(description="When its tokens were last refreshed.")
    expires_at: datetime
    is_current: bool = Field(description="Whether this request belongs to it.")


class KeySetOut(Schema):
    """A JSON Web Key Set (RFC 7517, 5)."""

    keys: list[dict[str, str]]
