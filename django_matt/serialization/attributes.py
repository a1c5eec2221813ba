"""Attributes of objects: which values contain nothing more to read, and which attributes are stored, not computed."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

from django_matt.serialization.encoder import is_computed

__all__ = ["SCALARS", "is_kept"]

SCALARS = frozenset(
    {type(None), str, int, float, bool, bytes, datetime, date, time, timedelta, Decimal, UUID}
)


def is_kept(kind: type, key: str) -> bool:
    """Tell whether reading an attribute returns what ``__dict__`` has, because no property or other descriptor comes first."""
    plainly = getattr(kind, "__getattribute__", None) is object.__getattribute__
    return plainly and kind.__dictoffset__ != 0 and not is_computed(kind, key)
