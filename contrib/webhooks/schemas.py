"""The data of the routes that manage endpoints, and what of it is valid."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated
from uuid import UUID

from ninja import Schema
from pydantic import AfterValidator, ConfigDict, Field

from django_matt.contrib.webhooks.addresses import MAX_URL, check_url
from django_matt.contrib.webhooks.settings import get_settings

__all__ = [
    "DeliveryOut",
    "EndpointChangeIn",
    "EndpointCreated",
    "EndpointIn",
    "EndpointOut",
    "Replayed",
    "SecretRotationIn",
    "check_topics",
]


def check_topics(topics: Iterable[str]) -> list[str]:
    """Return the topics without repetitions; raise ``ValueError`` if there is none, or one that the settings do not name."""
    found = list(dict.fromkeys(topics))
    offered = get_settings().TOPICS
    if not found or any(each not in offered for each in found):
        raise ValueError(f"Choose one or more of these topics: {', '.join(offered) or 'none'}.")
    return found


Url = Annotated[str, Field(max_length=MAX_URL), AfterValidator(check_url)]
Topics = Annotated[list[str], Field(max_length=1_000), AfterValidator(check_topics)]


class EndpointIn(Schema):
    """A new endpoint."""

    model_config = ConfigDict(extra="forbid")

    url: Url = Field(description="Where events are sent to, by https.")
    topics: Topics = Field(description="The types of the events.")


class EndpointChangeIn(Schema):
    """What changes of an endpoint."""

    model_config = ConfigDict(extra="forbid")

    url: Url | None = None
    topics: Topics | None = None
    is_enabled: bool | None = None


class SecretRotationIn(Schema):
    """How a secret is rotated."""

    model_config = ConfigDict(extra="forbid")

    overlap_seconds: int = Field(
        default=86_400,
        ge=0,
        le=2_592_000,
        description="How long webhooks are signed with the old secret too.",
    )


class EndpointOut(Schema):
    """An endpoint, without its secrets."""

    id: UUID
    url: str
    topics: list[str]
    created_at: datetime
    old_secret_until: datetime | None = Field(
        description="Until when webhooks are signed with the former secret too."
    )
    failing_since: datetime | None
    disabled_at: datetime | None
    disabled_reason: str


class EndpointCreated(EndpointOut):
    """An endpoint with its new secret, which is shown only here."""

    secret: str


class DeliveryOut(Schema):
    """An event for an endpoint, and what became of it."""

    id: int
    event: str = Field(alias="message_id", description="The webhook-id.")
    topic: str = Field(alias="message.topic")
    state: str = Field(description="pending, delivered or dead.")
    attempts: int
    status: int | None = Field(description="Of the last response.")
    reason: str = Field(description="Why the last attempt failed.")
    changed_at: datetime
    due_at: datetime = Field(description="When a pending delivery is tried, again.")


class Replayed(Schema):
    """How many deliveries are sent again."""

    due: int
