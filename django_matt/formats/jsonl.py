"""JSON Lines for lists: one JSON text a line, so that a long list is read as it comes."""

from collections.abc import Iterator, Sequence
from typing import Any

from pydantic_core import to_json

from django_matt.errors.exceptions import NotAcceptable
from django_matt.formats.protocol import Format

__all__ = ["JSONLines", "items_of"]


class JSONLines(Format):
    """A line for each item of a list; a page (``{"items": […]}`` or ``{"results": […]}``) gives its items."""

    name = "jsonl"
    media_type = "application/jsonl"
    aliases = ("application/x-ndjson", "application/ndjson", "application/json-lines")
    can_load = False
    only_lists = True
    separator = b"\n"

    def dump(self, data: Any) -> bytes:
        """Write the lines; raise ``NotAcceptable`` for data that is no list."""
        items = items_of(data)
        if not isinstance(items, list):
            raise NotAcceptable("JSON Lines are available only for lists.", code="not_a_list")
        return b"".join(to_json(item, inf_nan_mode="null") + b"\n" for item in items)

    def frame(self, batches: Iterator[bytes], columns: Sequence[str]) -> Iterator[bytes]:
        """End each batch's last line."""
        for batch in batches:
            yield batch + b"\n"

    def break_off(self, problem: bytes) -> bytes:
        """End with the problem document in a line, as a stream of Ninja's ``JSONL`` does."""
        return problem + b"\n"


def items_of(data: Any) -> Any:
    """Return the items of a page, and anything else as it is."""
    if isinstance(data, dict):
        for name in ("items", "results"):
            if isinstance(data.get(name), list):
                return data[name]
    return data
