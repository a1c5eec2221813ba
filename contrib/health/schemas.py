"""What the two routes return."""

from typing import Literal

from ninja import Schema
from pydantic import Field

__all__ = ["Liveness", "Readiness", "Verdict"]

Verdict = Literal["ok", "failing"]


class Liveness(Schema):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Readiness(Schema):
    """Whether the process can serve requests, and which of its checks fails."""

    status: Verdict
    checks: dict[str, Verdict] = Field(description="The result of each check, by its name.")
