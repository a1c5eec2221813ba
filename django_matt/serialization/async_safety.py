"""Whether encoding a result may query the database: an async route changes to a thread only then."""

from typing import Any

from django.db.models import Model, QuerySet
from django.db.models.fields.related_descriptors import ReverseManyToOneDescriptor

from django_matt import upstream
from django_matt.serialization.attributes import SCALARS, is_kept
from django_matt.serialization.encoder import KINDS

__all__ = ["may_query"]

_HOLDERS = frozenset(KINDS[name] for name in ("any", "dict", "list", "link", "model"))
_DEEPEST = 50
# Nothing can be said without these names of Django's.
_OFF = upstream.lost("queries") is not None


def may_query(node: Any, value: Any, depth: int = 0) -> bool:
    """Tell whether encoding a value by a plan's node may query the database. False is certain; True is caution.

    Without a node pydantic validates, and a resolver or a validator may do anything: True.
    """
    kind = type(value)
    if node is None or depth > _DEEPEST or _OFF:
        return True
    if kind in SCALARS:
        return False
    if kind is not dict and isinstance(value, QuerySet) and value._result_cache is not None:
        value, kind = value._result_cache, list
    if kind is list or kind is tuple:
        item = node.item if node.item is not None else node
        return not _all_loaded(item, value) and any(
            may_query(item, each, depth + 1) for each in value
        )
    if kind is dict:
        if node.fields:
            for field in node.fields:
                item = value.get(field.key)
                if type(item) not in SCALARS and may_query(field.node, item, depth + 1):
                    return True
            return False
        return any(may_query(node.item or node, each, depth + 1) for each in value.values())
    if node.kind == KINDS["link"]:
        return not isinstance(value, Model)
    return not node.fields or any(_may_query_field(field, value, depth) for field in node.fields)


def _all_loaded(node: Any, values: Any) -> bool:
    """Tell quickly whether a list contains instances of one model that have every column the node reads."""
    if not values or not node.fields or any(field.node.kind in _HOLDERS for field in node.fields):
        return False
    kind = type(values[0])
    keys = {field.key for field in node.fields}
    if not issubclass(kind, Model) or not all(is_kept(kind, key) for key in keys):
        return False
    return all(type(value) is kind and keys <= value.__dict__.keys() for value in values)


def _may_query_field(field: Any, value: Any, depth: int) -> bool:
    held = getattr(value, "__dict__", {})
    kind = type(value)
    if isinstance(value, Model) and field.key in value._state.fields_cache:
        found = value._state.fields_cache[field.key]
    elif isinstance(getattr(kind, field.key, None), ReverseManyToOneDescriptor):
        if value.pk is None:
            return True
        # all() does not query: it makes a queryset, or finds the prefetched one.
        found = getattr(value, field.key).all()
        if found._result_cache is None:
            return True
    elif field.key in held and is_kept(kind, field.key):
        found = held[field.key]
    else:
        return True
    return may_query(field.node, found, depth + 1)
