"""A stored response: a line of JSON and the body. Nothing is pickled here, and what cannot be read is not there."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from django.http import HttpResponse

__all__ = ["Entry", "read_entry", "write_entry"]


@dataclass(slots=True)
class Entry:
    """A response, when it was computed, and the tokens as they were before its queries."""

    made_at: float
    tokens: dict[str, str]
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def tables(self) -> list[str]:
        """The tables that the response was computed from."""
        return sorted(name for name in self.tokens if name[0] not in "*/@")

    def respond(self) -> HttpResponse:
        """Return the response again."""
        return HttpResponse(self.body, headers=dict(self.headers))


def write_entry(made_at: float, tokens: Mapping[str, str], response: HttpResponse) -> bytes:
    """Return a response as bytes."""
    body: bytes = response.content
    head = [made_at, tokens, [*response.headers.items()]]
    return orjson.dumps(head) + b"\n" + body


def read_entry(kept: Any) -> Entry | None:
    """Return what :func:`write_entry` wrote; ``None`` for anything else."""
    if not isinstance(kept, bytes):
        return None
    head, newline, body = kept.partition(b"\n")
    try:
        made_at, tokens, headers = orjson.loads(head)
        if not newline or not isinstance(tokens, dict) or not tokens:
            return None
        return Entry(float(made_at), tokens, headers, body)
    except (ValueError, TypeError):
        return None
