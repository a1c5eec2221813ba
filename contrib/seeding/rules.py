"""The rules of a model that its rows have to obey: bounds, comparisons of two columns, and what is unique."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import (
    MaxLengthValidator,
    MaxValueValidator,
    MinLengthValidator,
    MinValueValidator,
)
from django.db.models import CheckConstraint, F, Model, Q, UniqueConstraint
from django.utils import timezone

__all__ = ["Bounds", "Rules", "bounds_of", "is_automatic", "rules_of"]

_LIMITS = {"gte": "least", "gt": "above", "lte": "most", "lt": "below"}
"""A comparison, and the bound that it sets."""
_LOWER = frozenset({"least", "above", "shortest"})
_VALIDATORS = {
    MinLengthValidator: "shortest",
    MaxLengthValidator: "longest",
    MinValueValidator: "least",
    MaxValueValidator: "most",
}
_UNCOUNTED = frozenset({"BooleanField"})


@dataclass(slots=True)
class Bounds:
    """What the values of a column may be."""

    least: Any = None
    most: Any = None
    above: Any = None
    """Every value is greater."""
    below: Any = None
    among: list[Any] | None = None
    not_null: bool = False
    null: bool = False
    shortest: int = 0
    longest: int | None = None
    avoids: bool = False
    """Whether the values are outside of what is unique among some rows only."""
    after: list[tuple[str, str]] = field(default_factory=list)
    """Lookups against another column, such as ``("gte", "start")``."""


@dataclass(slots=True)
class Rules:
    """What the rows of a model obey."""

    bounds: dict[str, Bounds]
    counted: set[str]
    """Columns whose values are told apart by a number."""
    grids: list[tuple[str, ...]]
    """Columns whose values are unique together, and of which none can be counted: they are combined."""


def rules_of(model: type[Model], chosen: set[str]) -> Rules:
    """Read the rules of a model; ``chosen`` has the columns whose values are chosen from some that exist."""
    bounds = {column.attname: bounds_of(column) for column in model._meta.concrete_fields}
    constraints = [each for table in _tables(model) for each in table._meta.constraints]
    for constraint in constraints:
        if isinstance(constraint, CheckConstraint):
            _read(model, constraint.condition, bounds)
    for constraint in constraints:
        if isinstance(constraint, UniqueConstraint):
            _avoid(model, constraint, bounds)
    counted: set[str] = set()
    grids: list[tuple[str, ...]] = []
    for names in sorted(_unique_sets(model), key=len):
        columns = [name for name in names if name not in chosen and _is_counted(model, name)]
        if any(name in counted for name in names) or names in grids:
            continue
        if len(names) == 1 and (_column(model, names[0]).is_relation or bounds[names[0]].avoids):
            continue  # each key is taken once
        if columns:
            counted.add(columns[-1])
        else:
            grids.append(names)
    return Rules(bounds, counted, grids)


def _tables(model: type[Model]) -> list[type[Model]]:
    """Return a model and those whose columns it inherits with their tables."""
    return [model, *model._meta.get_parent_list()]


def _is_counted(model: type[Model], name: str) -> bool:
    column = _column(model, name)
    return column.get_internal_type() not in _UNCOUNTED


def _column(model: type[Model], name: str) -> Any:
    return next(c for c in model._meta.concrete_fields if name in (c.name, c.attname))


def _unique_sets(model: type[Model]) -> list[tuple[str, ...]]:
    """Return the sets of columns that are unique, by ``attname``; the automatic key is left to the database."""
    meta = model._meta
    found: list[list[str]] = [
        [column.name]
        for column in meta.concrete_fields
        if column.unique and not is_automatic(column)
    ]
    found += [list(names) for table in _tables(model) for names in table._meta.unique_together]
    for constraint in (each for table in _tables(model) for each in table._meta.constraints):
        if isinstance(constraint, UniqueConstraint):
            names = list(constraint.fields)
            for expression in constraint.expressions:
                names += [each.name for each in _flat(expression)]
            found.append(names)
        elif _is_unique(constraint):
            expressions: Any = constraint.expressions  # type: ignore[attr-defined] # of PostgreSQL
            found.append([getattr(each, "name", each) for each, _ in expressions])
    if len(meta.pk_fields) > 1:
        found.append([column.name for column in meta.pk_fields])
    return [
        tuple(dict.fromkeys(_column(model, name).attname for name in names))
        for names in found
        if names and all("__" not in name for name in names)
    ]


def _is_unique(constraint: Any) -> bool:
    """Whether an exclusion constraint of PostgreSQL compares columns for equality alone."""
    pairs = getattr(constraint, "expressions", ())
    return bool(pairs) and all(
        isinstance(pair, tuple | list) and pair[1] == "=" and isinstance(pair[0], str | F)
        for pair in pairs
    )


def _flat(expression: Any) -> list[Any]:
    if isinstance(expression, F):
        return [expression]
    if hasattr(expression, "get_source_expressions"):
        return [each for part in expression.get_source_expressions() for each in _flat(part)]
    return []


def is_automatic(column: Any) -> bool:
    """Whether the database makes the values of a key."""
    return column.get_internal_type() in {"AutoField", "BigAutoField", "SmallAutoField"}


def bounds_of(column: Any) -> Bounds:
    """Return what the validators and the choices of a column allow."""
    bounds = Bounds(longest=column.max_length)
    for validator in column.validators:
        limit: Any = getattr(validator, "limit_value", None)
        limit = limit() if callable(limit) else limit
        for kind, bound in _VALIDATORS.items():
            if isinstance(validator, kind):
                _tighten(bounds, bound, limit)
    if column.flatchoices:
        bounds.among = [value for value, _ in column.flatchoices]
    return bounds


def _tighten(bounds: Bounds, bound: str, value: Any) -> None:
    """Set a bound, unless a stricter one is known."""
    known = getattr(bounds, bound)
    stricter = max if bound in _LOWER else min
    setattr(bounds, bound, value if known is None else stricter(known, value))


def _read(model: type[Model], condition: Any, bounds: dict[str, Bounds]) -> None:
    """Take what a condition demands of single columns; the database checks the rest of it."""
    if not isinstance(condition, Q) or condition.negated:
        return
    if condition.connector != Q.AND and len(condition.children) > 1:
        return
    for child in condition.children:
        if isinstance(child, Q):
            _read(model, child, bounds)
        elif isinstance(child, tuple):
            _demand(model, child[0], child[1], bounds)


def _avoid(model: type[Model], constraint: UniqueConstraint, bounds: dict[str, Bounds]) -> None:
    """Keep rows out of a rule such as "one row is active", where nothing else could tell them apart."""
    condition: Any = constraint.condition
    if condition is None or not set(constraint.fields) <= {name for name, _ in _pairs(condition)}:
        return
    for name, value in _pairs(condition):
        if isinstance(value, bool):
            found = bounds[_column(model, name).attname]
            found.among, found.avoids = [not value], True


def _pairs(condition: Any) -> list[tuple[str, Any]]:
    if condition.negated or condition.connector != Q.AND:
        return []
    return [
        child for child in condition.children if isinstance(child, tuple) and "__" not in child[0]
    ]


def _demand(model: type[Model], path: str, value: Any, bounds: dict[str, Bounds]) -> None:
    name, _, lookup = path.partition("__")
    known = {c.name: c.attname for c in model._meta.concrete_fields}
    known |= {c.attname: c.attname for c in model._meta.concrete_fields}
    if name not in known:
        return
    found = bounds[known[name]]
    if isinstance(value, F):
        other: str = value.name  # type: ignore[attr-defined] # which django-stubs leave out
        if lookup in _LIMITS and other in known:
            found.after.append((lookup, known[other]))
        return
    if lookup in {"range", "in"}:
        if hasattr(value, "resolve_expression") or any(
            hasattr(v, "resolve_expression") for v in value
        ):
            return
        values = [_literal(model, name, each) for each in value]
        if lookup == "range":
            _demand(model, f"{name}__gte", values[0], bounds)
            _demand(model, f"{name}__lte", values[1], bounds)
        else:
            found.among = [v for v in values if found.among is None or v in found.among] or values
        return
    if hasattr(value, "resolve_expression"):
        return
    if lookup in _LIMITS:
        found.not_null = True
        _tighten(found, _LIMITS[lookup], _literal(model, name, value))
    elif lookup in {"", "exact"}:
        found.among = [_literal(model, name, value)]
    elif lookup == "isnull":
        found.null, found.not_null = bool(value), not value


def _literal(model: type[Model], name: str, value: Any) -> Any:
    """Return the value that a condition names, of the type of its column."""
    if isinstance(value, datetime):
        is_naive = settings.USE_TZ and timezone.is_naive(value)
        return timezone.make_aware(value) if is_naive else value
    try:
        return _column(model, name).to_python(value)
    except ValidationError:
        return value
