"""What the routes of the audit log return."""

from datetime import datetime
from typing import Any

from ninja import Schema
from pydantic import AwareDatetime, Field

__all__ = ["EventFilter", "EventOut", "StaffEventOut"]


class EventOut(Schema):
    """An event, as the user of the account sees it."""

    id: int
    name: str
    at: datetime
    address: str | None
    user_agent: str


class StaffEventOut(EventOut):
    """An event, as staff sees it."""

    user_key: str = Field(description="The primary key of the account; empty if there is none.")
    actor_key: str = Field(description="The primary key of the user who did it.")
    tenant_id: str
    request_id: str
    data: dict[str, Any]


class EventFilter(Schema):
    """Which events to return."""

    name: str | None = Field(default=None, max_length=64)
    user_key: str | None = Field(default=None, max_length=64)
    since: AwareDatetime | None = None
