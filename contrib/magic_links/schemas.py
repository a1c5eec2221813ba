"""The data of the routes."""

from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import AfterValidator, Field

from django_matt.contrib.magic_links.recipients import check_email

__all__ = ["LinkRedemption", "LinkRequest", "LinkRequested", "LinkTokens", "SignedIn"]

Client = Literal["browser", "app"]
Email = Annotated[
    str,
    Field(max_length=254, json_schema_extra={"format": "email"}),
    AfterValidator(check_email),
]


class LinkRequest(Schema):
    """Who wants to sign in, and where to go then."""

    email: Email
    next: str = Field("", max_length=500, description="The URL to open after the sign-in.")
    client: Client = Field(
        "browser",
        description="An app without cookies gets `binding` in the response, and tokens when it signs in.",
    )


class LinkRequested(Schema):
    """The same for every address."""

    detail: str
    expires_in: int = Field(description="How many seconds the link and the code are valid.")
    binding: str | None = Field(
        None, description="What an app sends back to sign in. A browser gets a cookie instead."
    )


class LinkRedemption(Schema):
    """The token of the link, the code, or both."""

    token: str = Field("", max_length=100, description="What follows `#` in the link.")
    code: str = Field("", max_length=40, description="Case, spaces and dashes do not matter.")
    binding: str = Field("", max_length=100, description="Of the app that requested the link.")
    client: Client = "browser"


class LinkTokens(Schema):
    """The tokens of an app (RFC 6749, 5.1)."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - no password
    expires_in: int
    refresh_token: str | None = None


class SignedIn(Schema):
    """How the sign-in ended. With ``pending``, nobody is signed in yet."""

    signed_in: bool
    pending: str | None = Field(None, description="What is missing, such as `mfa_authenticate`.")
    next: str | None = None
    tokens: LinkTokens | None = None
    session_token: str | None = Field(
        None, description="For an app whose sign-in is pending: the session that continues it."
    )

    @classmethod
    def of(cls, redeemed: Any) -> "SignedIn":
        """Return the response for a redeemed link."""
        issued = redeemed.tokens
        return cls(
            signed_in=redeemed.outcome.signed_in,
            pending=redeemed.outcome.pending,
            next=redeemed.next or None,
            session_token=redeemed.session_token,
            tokens=issued
            and LinkTokens(
                access_token=issued.access_token,
                refresh_token=issued.refresh_token,
                expires_in=issued.expires_in,
            ),
        )
