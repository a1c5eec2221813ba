"""The data of requests and responses of the routes that manage keys."""

from datetime import datetime
from typing import Annotated, Literal

from ninja import Schema
from pydantic import ConfigDict, Field, StringConstraints

__all__ = ["KeyCreated", "KeyIn", "KeyOut", "OwnerKind", "RotationIn"]

OwnerKind = Literal["user", "organization"]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Scope = Annotated[str, StringConstraints(pattern=r"^[\x21\x23-\x5B\x5D-\x7E]+$", max_length=100)]


class KeyIn(Schema):
    """A new key."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    scopes: list[Scope] = Field(
        default=[], max_length=100, description="What the key may be used for."
    )
    expires_in_days: int | None = Field(
        default=None, ge=1, le=36_500, description="By default, the longest lifetime."
    )
    owner: OwnerKind = "user"


class RotationIn(Schema):
    """How a key is rotated."""

    model_config = ConfigDict(extra="forbid")

    overlap_seconds: int | None = Field(
        default=None, ge=0, le=31_536_000, description="How long the old key still works."
    )


class KeyOut(Schema):
    """A key, without its secret."""

    id: str = Field(alias="public_id")
    name: str
    owner_kind: OwnerKind
    environment: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    rotated_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None = Field(description="Exact to a minute.")


class KeyCreated(KeyOut):
    """A new key with its text, which is shown only here."""

    key: str
