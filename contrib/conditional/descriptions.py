"""Describes a route with ``@conditional`` in the OpenAPI document: its headers, and the 304."""

from typing import Any

from django_matt.contrib.conditional.conditions import Condition
from django_matt.errors.exceptions import SAFE

__all__ = ["describe_condition"]

_TAG = (
    "ETag",
    "Identifies this version of the response. Send it back in If-None-Match or If-Match.",
)
_DATE = ("Last-Modified", "When the content last changed.")
_READS = (
    (
        "If-None-Match",
        "ETags of the versions that the client has. The response is a 304 if one is current.",
    ),
    ("If-Modified-Since", "A date. The response is a 304 if nothing changed after it."),
)
_WRITES = (
    (
        "If-Match",
        "ETags of the versions that may be changed. The response is a 412 if none is current.",
    ),
    ("If-Unmodified-Since", "A date. The response is a 412 if something changed after it."),
)


def describe_condition(details: dict[str, Any], condition: Condition, method: str) -> None:
    """Add the headers and the 304 of a condition to the OpenAPI details of an operation."""
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
