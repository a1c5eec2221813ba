"""The data of the routes, and the events of an answer."""

from datetime import datetime
from typing import Annotated, Literal

from ninja import Schema
from pydantic import AfterValidator, ConfigDict, Field

from django_matt.contrib.rag.settings import get_settings

__all__ = [
    "AnswerItem",
    "AskIn",
    "CitationsOut",
    "DeltaOut",
    "DoneOut",
    "PassageOut",
    "PassagesOut",
    "ProblemOut",
    "SearchIn",
    "SourceOut",
    "SourcesOut",
    "UsageOut",
]


def _check_question(text: str) -> str:
    if not text.strip():
        raise ValueError("The question is empty.")
    limit = get_settings().MAX_QUESTION
    if len(text) > limit:
        raise ValueError(f"The question has more than {limit} characters.")
    return text


Key = Annotated[int, Field(ge=1, le=2**63 - 1)]
Question = Annotated[str, AfterValidator(_check_question)]


class AskIn(Schema):
    """A question, and which sources may answer it; by default, all of the tenant."""

    model_config = ConfigDict(extra="forbid")

    question: Question
    sources: list[Key] | None = Field(default=None, max_length=100)


class SearchIn(AskIn):
    """The same, with the number of chunks to find."""

    limit: int = Field(default=8, ge=1, le=50)


class PassageOut(Schema):
    """A part of a source."""

    number: int = Field(description="What an answer cites.")
    source: int
    uri: str
    heading: str
    text: str


class PassagesOut(Schema):
    """What was found, the best first."""

    passages: list[PassageOut]


class SourceOut(Schema):
    """A source, without its text."""

    id: int
    uri: str
    kind: str
    state: str = Field(description="embedding or ready. In both states, its words are found.")
    changed_at: datetime


class SourcesOut(Schema):
    """The first event, ``sources``: what the answer may cite."""

    sources: list[PassageOut]


class DeltaOut(Schema):
    """The event ``delta``: the next part of the answer."""

    text: str


class CitationsOut(Schema):
    """The event ``citations``: the numbers that the answer cites."""

    citations: list[int]
    dropped: int = Field(description="How many citations named no source, and were taken out.")


class UsageOut(Schema):
    """The event ``usage``."""

    input_tokens: int
    output_tokens: int


class DoneOut(Schema):
    """The last event, ``done``."""

    reason: Literal["answered", "no_sources"]


class ProblemOut(Schema):
    """The last event instead of ``done`` if something failed, ``problem``: a problem document (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str


AnswerItem = SourcesOut | DeltaOut | CitationsOut | UsageOut | DoneOut | ProblemOut
"""The data of the events."""
