"""Whether encoding a value may ask the database, so that an async route hops to a thread only then."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Model

__all__ = ["may_query"]

_SCALARS = frozenset(
    {type(None), str, int, float, bool, bytes, datetime, date, time, timedelta, Decimal, UUID}
)
_DEEPEST = 50


def may_query(node: Any, value: Any, depth: int = 0) -> bool:
    """Follow a plan's node into a value; False only where nothing but loaded data would be read.

    Without a node (a closed plan) only plain data is safe: a resolver or a validator may do anything.
    """
    kind = type(value)
    if kind in _SCALARS:
        return node is None and depth == 0
    if node is None or depth > _DEEPEST:
        return True
    if kind in {list, tuple}:
        item = node.item if node.item is not None else node
        return any(may_query(item, each, depth + 1) for each in value)
    if kind is dict:
        if node.fields:
            return any(may_query(field.node, value.get(field.key), depth + 1) for field in node.fields)
        return any(may_query(node.item or node, each, depth + 1) for each in value.values())
    if not node.fields:
        return True
    return _object_may_query(node, value, depth)


def _object_may_query(node: Any, value: Any, depth: int) -> bool:
    held = getattr(value, "__dict__", {})
    for field in node.fields:
        if isinstance(value, Model) and field.key in value._state.fields_cache:
            found = value._state.fields_cache[field.key]
        elif field.key in held and _is_kept(type(value), field.key):
            found = held[field.key]
        else:
            return True
        if may_query(field.node, found, depth + 1):
            return True
    return False


def _is_kept(kind: type, key: str) -> bool:
    """Tell whether reading an attribute gives what ``__dict__`` holds: no property stands before it."""
    return not hasattr(getattr(kind, key, None), "__set__") and kind.__getattribute__ is object.__getattribute__
