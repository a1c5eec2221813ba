"""A document as text in which the order of keys, and of lists that are sets, does not matter."""

import json
from typing import Any, Final

__all__ = ["canonical"]

_SETS: Final = frozenset(
    {"allOf", "anyOf", "enum", "oneOf", "parameters", "required", "security", "tags", "type"}
)
"""Keys whose lists have no order."""


def canonical(part: Any) -> str:
    """Return the canonical text of a part of a document."""
    return json.dumps(_sort(part, None), sort_keys=True, separators=(",", ":"))


def _sort(part: Any, key: str | None) -> Any:
    if isinstance(part, dict):
        return {name: _sort(value, name) for name, value in part.items()}
    if isinstance(part, list):
        inner = [_sort(each, None) for each in part]
        if key in _SETS:
            return sorted(inner, key=lambda each: json.dumps(each, sort_keys=True))
        return inner
    if isinstance(part, float) and part.is_integer():
        return int(part)
    return part
