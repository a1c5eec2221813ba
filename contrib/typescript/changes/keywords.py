"""Rules of single keywords of two schemas: types and formats, values, bounds, and keywords that are there or not."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

__all__ = [
    "BOUNDS",
    "PRESENT",
    "SINGLE",
    "compare_bounds",
    "compare_types",
    "compare_values",
    "show",
]

BOUNDS: Final = {
    "minimum": "min",
    "maximum": "max",
    "exclusiveMinimum": "exclusive-min",
    "exclusiveMaximum": "exclusive-max",
    "minLength": "min-length",
    "maxLength": "max-length",
    "minItems": "min-items",
    "maxItems": "max-items",
    "minProperties": "min-properties",
    "maxProperties": "max-properties",
    "minContains": "min-contains",
    "maxContains": "max-contains",
}
PRESENT: Final = {
    "contains": "contains",
    "contentSchema": "content-schema",
    "else": "else",
    "if": "if",
    "propertyNames": "property-names",
    "then": "then",
    "unevaluatedItems": "unevaluated-items",
    "unevaluatedProperties": "unevaluated-properties",
}
"""Keywords whose value is a schema."""
SINGLE: Final = {
    "pattern": ("pattern-added", "pattern-removed", "pattern-changed"),
    "multipleOf": ("multiple-of-set", "multiple-of-unset", "multiple-of-changed"),
    "uniqueItems": ("unique-items-added", "unique-items-removed", "unique-items-added"),
    "contentMediaType": ("content-media-type-changed",) * 3,
    "contentEncoding": ("content-encoding-changed",) * 3,
}
"""The rules of a keyword that was added, removed, changed."""

_WIDER: Final = {
    ("float", "double"),
    ("int32", "int64"),
    ("int32", "bigint"),
    ("int64", "bigint"),
    ("date", "date-time"),
    ("time", "date-time"),
}
"""Formats of which the second accepts what the first accepts, as oasdiff has them."""

Rule = tuple[str, str]
"""The name of a rule of a schema, and the text."""


def show(value: Any) -> str:
    """Write a value of a document in a sentence, at most 60 characters of it."""
    written = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return written if len(written) <= 60 else f"{written[:57]}..."


def compare_types(
    before: Mapping[str, Any], after: Mapping[str, Any], *, request: bool, loose: bool
) -> Iterator[Rule]:
    """Compare types and formats. ``loose``: where every value is sent as text, as in a URL."""
    old, new = before.get("type"), after.get("type")
    old_format, new_format = before.get("format"), after.get("format")
    if (old, old_format) == (new, new_format):
        return
    # What must be accepted: in a request, what was accepted; in a response, what is sent now.
    sent, accepted = (old, new) if request else (new, old)
    sent_format, accepted_format = (old_format, new_format) if request else (new_format, old_format)
    widened = old is not None and new is not None and _covers(new, old)
    by_meaning = (
        sent == accepted or accepted is None or (sent is not None and _covers(accepted, sent))
    )
    as_text = loose and accepted == ["string"]
    same_format = (
        sent_format == accepted_format
        or accepted_format is None
        or (sent == accepted and (sent_format, accepted_format) in _WIDER)
    )
    text = f"the type changed from {_name(old, old_format)} to {_name(new, new_format)}"
    if not ((by_meaning or as_text) and same_format):
        broader = not request and widened and old != new
        yield ("type-generalized" if broader else "type-changed"), text
    elif not by_meaning and old and new:
        yield "type-compatible", text
    else:
        yield ("type-generalized" if request else "type-specialized"), text


def _covers(wide: list[str], narrow: list[str]) -> bool:
    return all(each in wide or (each == "integer" and "number" in wide) for each in narrow)


def _name(types: Any, spelled: Any) -> str:
    name = " or ".join(types) if isinstance(types, list) else "any"
    return f"{name} ({spelled})" if spelled else name


def compare_values(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Rule]:
    """Compare ``enum`` and ``const``; a ``const`` is an ``enum`` of one where the other side has an ``enum``."""
    if "enum" not in before and "enum" not in after:
        yield from _compare_constants(before, after)
        return
    old, new = _values(before), _values(after)
    if old is None:
        yield "became-enum", f"only these values are left: {_list(new or {})}"
    elif new is None:
        yield "enum-removed", "every value is possible now"
    else:
        if removed := {key: old[key] for key in old.keys() - new.keys()}:
            yield "enum-value-removed", f"removed: {_list(removed)}"
        if added := {key: new[key] for key in new.keys() - old.keys()}:
            yield "enum-value-added", f"added: {_list(added)}"


def _compare_constants(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Rule]:
    if "const" not in before and "const" in after:
        yield "const-added", f"only {show(after['const'])} is left"
    elif "const" in before and "const" not in after:
        yield "const-removed", f"it is no longer always {show(before['const'])}"
    elif "const" in before and json.dumps(before["const"]) != json.dumps(after["const"]):
        yield "const-changed", f"from {show(before['const'])} to {show(after['const'])}"


def _values(keywords: Mapping[str, Any]) -> dict[str, Any] | None:
    values = keywords.get("enum", [keywords["const"]] if "const" in keywords else None)
    if not isinstance(values, list):
        return None
    return {json.dumps(each, sort_keys=True): each for each in values}


def _list(values: Mapping[str, Any]) -> str:
    return show(", ".join(show(values[key]) for key in sorted(values)))


def compare_bounds(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Rule]:
    """Compare bounds that are numbers."""
    for keyword, rule in BOUNDS.items():
        old, new = before.get(keyword), after.get(keyword)
        if old == new:
            continue
        if old is None:
            yield f"{rule}-set", f"{keyword} is now {show(new)}"
        elif new is None:
            yield f"{rule}-unset", f"{keyword} is no longer {show(old)}"
        elif isinstance(old, int | float) and isinstance(new, int | float):
            direction = "increased" if new > old else "decreased"
            yield f"{rule}-{direction}", f"{keyword} changed from {old} to {new}"
        else:
            yield "", f"{keyword} changed from {show(old)} to {show(new)}"
