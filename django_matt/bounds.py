"""The bounds of all request data, in addition to its schema: what every database can store.

They are written into a copy of pydantic's core schema. Validators are compiled from that copy, and the OpenAPI document is
generated from it, so validation and documentation cannot differ.
"""

from collections.abc import Callable, Collection, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils.timezone import get_default_timezone, is_aware, make_naive
from ninja import FilterSchema
from pydantic_core import PydanticCustomError

__all__ = [
    "INT64",
    "Change",
    "Rewriter",
    "chain_of",
    "change_nodes",
    "fields_of",
    "lower_maximum",
    "models_in",
    "refuse_zone",
    "stay_in_utc_years",
    "within",
    "wrap_after",
]

INT64 = (-(2**63), 2**63 - 1)
_DURATION = timedelta(microseconds=2**63 - 1)
_MAX_DECIMAL_DIGITS = 1_000
_OPAQUE = frozenset(
    {
        "cls",
        "config",
        "default",
        "default_factory",
        "expected",
        "function",
        "members",
        "metadata",
        "serialization",
    }
)
"""Members of a node with the user's data, which may look like a node but is not one."""
_NAMED = frozenset({"choices", "fields"})
"""Members whose keys are names of fields or tags, so that a field may be called ``default``."""


class Rewriter:
    """Copies a core schema and adds the bounds.

    With ``only``, nothing but the fields of these classes is bounded: a schema that is read and written then has one
    description, where the document gives one name to both.
    """

    def __init__(self, only: Collection[type[Any]] | None = None) -> None:
        self._only = only
        self._bounds = only is None

    def rewrite(self, node: Any) -> Any:
        """Return a copy of a node, and of what is below it, with the bounds."""
        if isinstance(node, list):
            return [self.rewrite(item) for item in node]
        if isinstance(node, tuple):
            return tuple(self.rewrite(item) for item in node)
        if not isinstance(node, dict):
            return node
        outside = self._bounds
        if self._only is not None and node.get("type") == "model":
            self._bounds = node["cls"] in self._only
        copy = {key: self._member(key, value) for key, value in node.items()}
        if self._bounds:
            kind = copy.get("type")
            if kind == "model":
                self.bound_model(copy)
            elif isinstance(kind, str) and kind in _CHANGES:
                copy = _CHANGES[kind](copy)
        self._bounds = outside
        return copy

    def bound_model(self, node: dict[str, Any]) -> None:
        """Bound the fields of a model's node, whose parts are bounded already: here, of a filter's."""
        if issubclass(node["cls"], FilterSchema):
            for field in fields_of(node).values():
                change_nodes(field, "time", refuse_zone)

    def _member(self, key: str, value: Any) -> Any:
        if key in _OPAQUE:
            return value
        if key in _NAMED and isinstance(value, dict):
            return {name: self.rewrite(item) for name, item in value.items()}
        return self.rewrite(value)


def chain_of(node: Any) -> Iterator[dict[str, Any]]:
    """Yield a node and those that it wraps, down to the fields of the model."""
    while isinstance(node, dict):
        yield node
        if node.get("type") == "model-fields":
            return
        node = node.get("schema")


def fields_of(node: Any) -> dict[str, Any]:
    """Return the fields of a model's node by their names, also below validators of the model."""
    found: dict[str, Any] = next(
        (step["fields"] for step in chain_of(node) if step.get("type") == "model-fields"), {}
    )
    return found


def models_in(node: Any) -> set[type[Any]]:
    """Return the classes of the models in a core schema."""
    if isinstance(node, dict):
        found = {node["cls"]} if node.get("type") == "model" else set()
        for key, value in node.items():
            if key in _NAMED and isinstance(value, dict):
                found |= models_in(list(value.values()))
            elif key not in _OPAQUE:
                found |= models_in(value)
        return found
    if isinstance(node, list | tuple):
        return set().union(*map(models_in, node))
    return set()


# Values of any schema


def _bound_int(node: dict[str, Any]) -> dict[str, Any]:
    if "gt" not in node:
        node.setdefault("ge", INT64[0])
    if "lt" not in node:
        node.setdefault("le", INT64[1])
    return node


def _refuse_nan(node: dict[str, Any]) -> dict[str, Any]:
    node.setdefault("allow_inf_nan", False)
    return node


def _bound_decimal(node: dict[str, Any]) -> dict[str, Any]:
    node.setdefault("max_digits", _MAX_DECIMAL_DIGITS)
    return node


def _bound_duration(node: dict[str, Any]) -> dict[str, Any]:
    if "gt" not in node:
        node.setdefault("ge", -_DURATION)
    if "lt" not in node:
        node.setdefault("le", _DURATION)
    return node


def _bound_datetime(node: dict[str, Any]) -> dict[str, Any]:
    aware = node.get("tz_constraint", "naive") != "naive"
    return wrap_after(node, stay_in_utc_years if aware else _localize)


def stay_in_utc_years(value: datetime) -> datetime:
    """Return a datetime; raise ``PydanticCustomError`` for an aware one that has no year in UTC: a database may store it, and not read it."""
    if value.tzinfo is not None and value.year in (1, 9999):
        try:
            value.astimezone(UTC)
        except OverflowError:
            raise _out_of_range() from None
    return value


def _localize(value: datetime) -> datetime:
    """Make an aware datetime naive where ``USE_TZ`` is off: Django's datetimes are then naive, in ``TIME_ZONE``."""
    if settings.USE_TZ or not is_aware(value):
        return stay_in_utc_years(value)
    try:
        return make_naive(value, get_default_timezone())
    except OverflowError:
        raise _out_of_range() from None


def _out_of_range() -> PydanticCustomError:
    return PydanticCustomError(
        "datetime_out_of_range", "Input should be a datetime between the years 1 and 9999 in UTC"
    )


def _bound_link(node: dict[str, Any]) -> dict[str, Any]:
    """Ninja's many-to-many links call ``int(value)``, which raises ``TypeError`` for null and lists: validate the key."""
    function = node["function"]["function"]
    if not getattr(function, "__qualname__", "").startswith("create_m2m_link_type."):
        return node
    key_type = function.__self__.__mro__[1]
    kind = {int: "int", str: "str", float: "float"}.get(key_type, "uuid")
    change = _CHANGES.get(kind)
    return {"type": kind} if change is None else change({"type": kind})


_CHANGES: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "datetime": _bound_datetime,
    "decimal": _bound_decimal,
    "float": _refuse_nan,
    "function-plain": _bound_link,
    "int": _bound_int,
    "timedelta": _bound_duration,
}


# Changing nodes

Change = Callable[[dict[str, Any]], None]
"""Changes a node in its place."""


def change_nodes(node: Any, kind: str, change: Change) -> None:
    """Change every node of a kind under ``node``, not entering other models, nor what was changed."""
    if isinstance(node, dict):
        if node.get("type") == kind:
            change(node)
        elif node.get("type") != "model":
            for key, value in node.items():
                if key not in _OPAQUE:
                    change_nodes(value, kind, change)
    elif isinstance(node, list | tuple):
        for item in node:
            change_nodes(item, kind, change)


def within(least: int, most: int) -> Change:
    def change(node: dict[str, Any]) -> None:
        if "gt" not in node:
            node["ge"] = max(node.get("ge", least), least)
        if "lt" not in node:
            node["le"] = min(node.get("le", most), most)

    return change


def lower_maximum(node: Any, most: int) -> None:
    """Let the integers of a node be no larger than ``most``; a smaller maximum of their own stays."""
    change_nodes(node, "int", within(INT64[0], most))


def wrap_after(node: dict[str, Any], function: Callable[[Any], Any]) -> dict[str, Any]:
    ref = {"ref": node.pop("ref")} if "ref" in node else {}
    return {
        "type": "function-after",
        "schema": node,
        "function": {"type": "no-info", "function": function},
        **ref,
    }


def refuse_zone(node: dict[str, Any]) -> None:
    node.setdefault("tz_constraint", "naive")
