"""The data of the route."""

from ninja import Schema
from pydantic import Field

__all__ = ["SignInProviderOut"]


class SignInProviderOut(Schema):
    """A provider at which users can sign in."""

    id: str
    name: str
    start_url: str = Field(
        description="A form of your page sends a POST with a CSRF token there; a GET shows a page that asks."
    )
    fields: dict[str, str] = Field(
        {},
        description="What the form also sends. With `provider` among it, your page adds its own `callback_url`.",
    )
