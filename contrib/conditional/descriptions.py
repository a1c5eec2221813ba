"""What the document says of a route with ``@conditional``: the headers of its requests and answers, and 304."""

from typing import Any

from django_matt.contrib.conditional.conditions import Condition
from django_matt.errors.exceptions import SAFE

__all__ = ["describe_condition"]

_TAG = ("ETag", "Names this answer; send it back in If-None-Match or If-Match.")
_DATE = ("Last-Modified", "When what is answered last changed.")
_READS = (
    ("If-None-Match", "ETags that the client holds: 304 where one is still right."),
    ("If-Modified-Since", "A date: 304 where nothing changed after it."),
)
_WRITES = (
    ("If-Match", "ETags that the write is meant for: 412 where none is right."),
    ("If-Unmodified-Since", "A date: 412 where something changed after it."),
)


def describe_condition(details: dict[str, Any], condition: Condition, method: str) -> None:
    """Add to an operation's details what its condition means for a method."""
    reads = method in SAFE
    known = {parameter.get("name") for parameter in details["parameters"]}
    details["parameters"] += [
        {
            "in": "header",
            "name": name,
            "description": meaning,
            "required": False,
            "schema": {"type": "string"},
        }
        for name, meaning in (_READS if reads else _WRITES)
        if name not in known
    ]
    if not reads:
        return
    said = [*([_TAG] if condition.tags else []), *([_DATE] if condition.last_modified else [])]
    headers = {
        name: {"description": meaning, "schema": {"type": "string"}} for name, meaning in said
    }
    responses = details["responses"]
    if 200 in responses:
        responses[200]["headers"] = {**headers, **responses[200].get("headers", {})}
    if "304" not in map(str, responses):
        responses[304] = {"description": "Not Modified", "headers": headers}
