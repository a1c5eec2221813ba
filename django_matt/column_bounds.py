"""What a model's columns can store, as bounds of the fields that Ninja makes of them."""

from typing import Any

import pydantic
from django.apps import apps
from django.db import connections, router
from django.db.models import DecimalField, Field, GenericIPAddressField, Model
from pydantic_core import PydanticCustomError

from django_matt import upstream
from django_matt.bounds import (
    INT64,
    Change,
    Rewriter,
    change_nodes,
    fields_of,
    refuse_zone,
    within,
    wrap_after,
)

__all__ = ["ArrayTypist", "ColumnRewriter", "model_of"]


class ColumnRewriter(Rewriter):
    """Adds the bounds of columns too, to the fields that Ninja made of a model's."""

    def bound_model(self, node: dict[str, Any]) -> None:
        """Bound the fields of a model's node, whose parts are bounded already."""
        super().bound_model(node)
        cls, fields = node["cls"], fields_of(node)
        for name, column in _columns(cls).items():
            if name not in fields:
                continue
            if isinstance(column, DecimalField):
                change_nodes(fields[name], "decimal", _within_digits(column))
            elif _is_made(cls, name):
                _bound_column(fields[name], column)


def _is_made(cls: Any, name: str) -> bool:
    """Ninja gives what it makes of a column a title. A field that the user declares is as the user says."""
    if upstream.is_patched_schema(cls):
        # A `PatchDict` makes the fields of its schema optional, and drops their titles.
        cls = cls.__base__
    return cls.model_fields[name].title is not None


def model_of(cls: type[Any]) -> type[Model] | None:
    """The Django model that a schema class was made from, by ``ModelSchema`` or by ``create_schema``."""
    if upstream.lost("columns") is not None:
        return None
    model = getattr(getattr(cls, "Meta", None), "model", None)
    if isinstance(model, str):
        model = apps.get_model(model)
    if isinstance(model, type) and issubclass(model, Model):
        return model
    for key, made in upstream.model_schemas().items():
        if issubclass(cls, made):
            found: type[Model] = key[0]
            return found
    return None


def _columns(cls: type[Any]) -> "dict[str, Field[Any, Any]]":
    model = model_of(cls)
    return {} if model is None else {field.name: field for field in model._meta.concrete_fields}


class ArrayTypist(Rewriter):
    """Copies a core schema and types the items of arrays, for what is written: the column vouches for them."""

    def __init__(self) -> None:
        super().__init__(only=())

    def rewrite(self, node: Any) -> Any:
        """Return a copy of a node, and of what is below it, with the types."""
        copy = super().rewrite(node)
        if isinstance(copy, dict) and copy.get("type") == "model":
            cls, fields = copy["cls"], fields_of(copy)
            for name, column in _columns(cls).items():
                if name not in fields or not _is_made(cls, name):
                    continue
                if _is_array(column):
                    change_nodes(fields[name], "list", _as_array(column, bounded=False))
                elif column.get_internal_type() == "HStoreField":
                    change_nodes(fields[name], "dict", _as_text_map)
        return copy


def _bound_column(node: Any, column: "Field[Any, Any]") -> None:
    """Bound the node of a column, and the nodes inside of it, by what the column can store."""
    while column.is_relation:
        column = column.target_field  # type: ignore[attr-defined]
    kind = column.get_internal_type()
    if _is_array(column):
        change_nodes(node, "list", _as_array(column))
    elif kind == "HStoreField":
        change_nodes(node, "dict", _as_text_map)
    elif kind in _INTEGERS:
        least, most = _integer_range(column)
        change_nodes(node, "int", within(least, most))
    elif isinstance(column, DecimalField):
        change_nodes(node, "decimal", _within_digits(column))
    elif kind == "TimeField":
        change_nodes(node, "time", refuse_zone)
    elif kind in _TEXTS and column.max_length is not None:
        change_nodes(node, "str", _no_longer_than(column.max_length))


_INTEGERS = frozenset(upstream.integer_ranges)
_TEXTS = frozenset({"CharField", "FileField", "FilePathField", "SlugField"})


def _integer_range(column: "Field[Any, Any]") -> tuple[int, int]:
    alias = router.db_for_write(column.model)
    least, most = connections[alias].ops.integer_field_range(column.get_internal_type())
    return (INT64[0] if least is None else least), (INT64[1] if most is None else most)


def _within_digits(column: "DecimalField[Any, Any]") -> Change:
    """SQLite stores more digits than the column has, and cannot read them back."""

    def change(node: dict[str, Any]) -> None:
        if column.max_digits is not None:
            node |= {"max_digits": column.max_digits, "decimal_places": column.decimal_places}

    return change


def _no_longer_than(most: int) -> Change:
    def change(node: dict[str, Any]) -> None:
        node.setdefault("max_length", most)

    return change


def _as_text_map(node: dict[str, Any]) -> None:
    """``HStoreField`` stores texts and nulls, and turns what else it is given into text: accept what has one text."""
    text = {"type": "str", "coerce_numbers_to_str": True}
    if node.get("values_schema", _ANY).get("type") == "any":
        node["keys_schema"] = {"type": "str"}
        node["values_schema"] = {"type": "nullable", "schema": text}


_ANY = {"type": "any"}


def _is_array(column: Any) -> bool:
    """Tell an ``ArrayField`` without importing it, which needs psycopg; a range's ``base_field`` is a class."""
    return isinstance(getattr(column, "base_field", None), Field)


def _as_array(column: Any, *, bounded: bool = True) -> Change:
    """Type the items of what Ninja makes of an ``ArrayField``, a bare list, by the field that the column is made of."""

    def change(node: dict[str, Any]) -> None:
        if node.get("items_schema", _ANY).get("type") == "any":
            array = _array(column, bounded)
            node.clear()
            node |= array

    return change


def _array(column: Any, bounded: bool) -> dict[str, Any]:
    node: dict[str, Any] = {"type": "list", "items_schema": _item(column.base_field, bounded)}
    if bounded and column.size is not None:
        node["max_length"] = column.size
    return wrap_after(node, _refuse_ragged) if _is_array(column.base_field) else node


def _refuse_ragged(value: list[Any]) -> list[Any]:
    """PostgreSQL's arrays are rectangular."""
    if len({len(item) for item in value if isinstance(item, list)}) > 1:
        raise PydanticCustomError("array_shape", "Inner lists should have the same length")
    return value


def _item(column: Any, bounded: bool) -> dict[str, Any]:
    if _is_array(column):
        node = _array(column, bounded)
    else:
        python_type: Any = _python_type(column.get_internal_type())
        node = Rewriter(None if bounded else ()).rewrite(
            pydantic.TypeAdapter(python_type).core_schema
        )
        if bounded:
            _bound_column(node, column)
        if isinstance(column, GenericIPAddressField):
            node = wrap_after(node, str)  # the column takes no objects of ``ipaddress``
        if column.choices:
            node = _among(node, [value for value, _ in column.flatchoices] + [""] * column.blank)
    return {"type": "nullable", "schema": node} if column.null else node


def _python_type(kind: str) -> Any:
    return Any if upstream.lost("keys") else upstream.TYPES.get(kind, Any)


def _among(node: dict[str, Any], values: list[Any]) -> dict[str, Any]:
    """Refuse what is none of a column's choices; nothing else in the database would."""
    expected = ", ".join(map(repr, values))

    def check(value: Any) -> Any:
        if value in values:
            return value
        raise PydanticCustomError(
            "enum", "Input should be one of {expected}", {"expected": expected}
        )

    plain = [value for value in values if isinstance(value, str | int)]
    return wrap_after(node, check) | {"metadata": {"pydantic_js_updates": {"enum": plain}}}
