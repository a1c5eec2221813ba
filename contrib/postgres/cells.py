"""Cells: columns as PostgreSQL writes them into a CSV, with the values that Django Matt's own CSV has."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db import connections
from django.db.models import F, Func, TextField
from ninja import Schema

from django_matt.serialization.encoder import KINDS
from django_matt.serialization.plan import build_plan

__all__ = ["cells_of"]

_NAMES = {number: name for name, number in KINDS.items()}
_TEXTS = {"CharField", "FilePathField", "SlugField", "TextField"}
_INTEGERS = {
    f"{size}{kind}Field"
    for kind in ("Auto", "Integer")
    for size in ("", "Big", "Small", "Positive", "PositiveBig", "PositiveSmall")
}
_X = "%(expressions)s"
_CAST = f"({_X})::text"
# What spreadsheets run as a formula gets a ' in front, as in django_matt.formats.csv.
_TEXT = (
    f"regexp_replace({_X}, "
    r"E'^(\'*[=+@\t\r\n\uFEFF\uFF1D\uFF0B\uFF0D\uFF20-])', E'\'\\1')"
)
# Milliseconds are cut off, and left out where there are no microseconds.
_CUT = r"regexp_replace(regexp_replace({}, '\.000000', ''), '(\.\d{{3}})\d{{3}}', '\1')"
_DATETIME = _CUT.format(f"to_char(({_X}) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")
_TIME = _CUT.format(f"to_char(date '2000-01-01' + ({_X}), 'HH24:MI:SS.US')")
_FLOAT = f"NULLIF(NULLIF(NULLIF({_CAST}, 'NaN'), 'Infinity'), '-Infinity')"
_JSON = (
    f"CASE jsonb_typeof({_X}) WHEN 'null' THEN NULL"
    f" WHEN 'string' THEN {_TEXT.replace(_X, f'({_X} #>> ARRAY[]::text[])')} ELSE {_CAST} END"
)
_LIST = f"to_jsonb({_X})::text"
_RANGE = (
    f"CASE WHEN {_X} IS NOT NULL THEN json_build_object('lower', lower({_X}), 'upper', upper({_X}),"
    f" 'bounds', CASE WHEN isempty({_X}) THEN '' ELSE"
    f" CASE WHEN lower_inc({_X}) THEN '[' ELSE '(' END ||"
    f" CASE WHEN upper_inc({_X}) THEN ']' ELSE ')' END END)::text END"
)
_TEMPLATES: dict[tuple[str, str], str] = {
    **{("str", kind): _TEXT for kind in _TEXTS},
    **{("int", kind): _CAST for kind in _INTEGERS},
    ("bool", "BooleanField"): _CAST,
    ("float", "FloatField"): _FLOAT,
    ("decimal", "DecimalField"): _CAST,
    ("uuid", "UUIDField"): _CAST,
    ("date", "DateField"): f"to_char({_X}, 'YYYY-MM-DD')",
    ("time", "TimeField"): _TIME,
    ("datetime", "DateTimeField"): _DATETIME,
    ("ip", "GenericIPAddressField"): f"host({_X})",
    ("any", "JSONField"): _JSON,
    ("model", "IntegerRangeField"): _RANGE,
    ("model", "BigIntegerRangeField"): _RANGE,
    ("model", "DateRangeField"): _RANGE,
}
# What PostgreSQL's JSON writes as ours does; other items of arrays are refused.
_ITEMS = _TEXTS | _INTEGERS | {"BooleanField", "UUIDField", "DateField"}


@lru_cache(maxsize=256)
def _node_of(schema: Any) -> Any:
    """Return how the encoder writes a row of a schema; raise ``TypeError`` if only pydantic can."""
    model: Any = type("Rows", (Schema,), {"__annotations__": {"response": list[schema]}})
    plan = build_plan(model)
    if plan.node is None:
        raise TypeError(f"{schema.__name__} cannot be exported by COPY: {plan.reason}")
    return plan.node.item


def cells_of(queryset: Any, schema: type[Schema]) -> tuple[list[str], Sequence[Func]]:
    """Return the header of a CSV and the expressions of its cells.

    Raises ``TypeError`` for a field of the schema that is no column or annotation, or whose value could differ from the one
    in a response of the route.
    """
    names: list[str] = []
    cells: list[Func] = []
    # A class can be hashed, which pyright looks up in its instances.
    made_from: Any = schema
    for field in _node_of(made_from).fields:
        key, column = _column_of(queryset, field)
        problem = _problem(column, field.node, connections[queryset.db])
        if problem:
            raise TypeError(f"{schema.__name__}.{field.wire} cannot be exported by COPY: {problem}")
        names.append(field.wire)
        template = _template(column, field.node)
        cells.append(Func(F(key), template=template, output_field=TextField()))
    return names, cells


def _column_of(queryset: Any, field: Any) -> tuple[str, Any]:
    """Return the lookup and the model field of a schema's field; the field is None if there is no such column."""
    meta = queryset.model._meta
    for key in (field.key, field.other):
        if key in queryset.query.annotation_select:
            return key, queryset.query.annotation_select[key].output_field
        for column in meta.concrete_fields:
            if key in (column.name, column.attname) or (key == "pk" and column.primary_key):
                return column.attname, column
    return "", None


def _stored(column: Any) -> Any:
    while column.remote_field is not None:
        column = column.target_field
    return column.output_field if column.generated else column


def _template(column: Any, node: Any) -> str | None:
    column, kind = _stored(column), _NAMES[node.kind]
    if kind == "list":
        item = getattr(column, "base_field", None)
        return _LIST if item is not None and item.get_internal_type() in _ITEMS else None
    return _TEMPLATES.get((kind, column.get_internal_type()))


def _problem(column: Any, node: Any, connection: Any) -> str:
    """Return why a cell could differ from the value in a response; an empty string if it cannot."""
    if column is None:
        return "it is no column and no annotation of the queryset"
    own, stored = column, _stored(column)
    if _template(column, node) is None:
        return f"a {type(stored).__name__} as {node.name} is written differently by PostgreSQL"
    if node.kind == KINDS["datetime"] and not settings.USE_TZ:
        return "datetimes need USE_TZ"
    if getattr(stored, "decoder", None) is not None or (
        hasattr(stored, "from_db_value") and not type(stored).__module__.startswith("django.")
    ):
        return f"{type(stored).__name__} converts its values in Python"
    if own.null and not node.nullable:
        return "the column may be NULL, and the schema does not allow null"
    if node.kind != KINDS["model"] and (node.bounds or node.shortest > 0 or node.finite):
        return "the schema limits its values"
    most = stored.max_digits if node.kind == KINDS["decimal"] else stored.max_length
    if node.longest >= 0 and (most is None or most > node.longest):
        return "the schema limits its length"
    return ""
