"""Maps what a database refused to model fields, and these to the names that a client may use."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from django.apps import apps
from django.db.models import F, Model, Q

from django_matt.errors.databases import Violation

__all__ = [
    "client_names",
    "find_rule",
    "names_in",
    "own_message",
    "refused_fields",
    "relations",
    "rule_fields",
]


def refused_fields(violation: Violation, model: type[Model] | None) -> list[Any]:
    """Return the model fields of a violated rule; none if the database does not report them.

    ``model`` is the one that was written, where that is known.
    """
    for kind in _candidates(violation.table, model):
        columns = {field.column: field for field in kind._meta.concrete_fields}
        found = [columns[name] for name in violation.columns if name in columns]
        if violation.columns and len(found) == len(violation.columns):
            return found
        rule = _rule_of(kind, violation.rule)
        if rule is not None:
            return rule_fields(kind, rule)
        if found := list(_fields_in(kind, violation)):
            return found
    return []


def find_rule(violation: Violation, model: type[Model] | None) -> Any:
    """Return the constraint of a model that a violation names, or None."""
    for kind in _candidates(violation.table, model):
        if (rule := _rule_of(kind, violation.rule)) is not None:
            return rule
    return None


def rule_fields(model: type[Model], rule: Any) -> list[Any]:
    """Return the fields that a constraint of a model reads."""
    names = [*getattr(rule, "fields", ())]
    for expression in getattr(rule, "expressions", ()):
        # An ExclusionConstraint's are pairs of an expression and an operator.
        names += _names_in(expression[0] if isinstance(expression, tuple) else expression)
    if not names:
        names += _names_in(getattr(rule, "condition", None))
    known = {field.name: field for field in model._meta.concrete_fields}
    known |= {field.attname: field for field in model._meta.concrete_fields}
    found = (known.get(name.partition("__")[0]) for name in names)
    return list(dict.fromkeys(field for field in found if field is not None))


def own_message(rule: Any) -> str:
    """Return the message that the project gave a constraint, empty if it gave none: Django's names the constraint."""
    message = getattr(rule, "violation_error_message", None)
    if message is None or message == getattr(rule, "default_violation_error_message", None):
        return ""
    return str(message)


def client_names(field: Any) -> frozenset[str]:
    """Return the names by which a client may know a field: ``author``, ``author_id`` …

    >>> from django.contrib.auth.models import User
    >>> sorted(client_names(User._meta.get_field("email")))
    ['email']
    """
    names = {field.name, field.attname}
    if field.primary_key:
        names.add("pk")
    if field.remote_field is not None:
        names |= {f"{field.name}_{end}" for end in ("id", "pk", "ids")}
        names |= {f"{field.name}_{target.attname}" for target in field.foreign_related_fields}
    owner = field.model._meta.auto_created
    if owner:
        # The table between the two of a many-to-many field: the client knows that field.
        for many in owner._meta.local_many_to_many:
            if (
                many.remote_field.through is field.model
                and many.m2m_reverse_field_name() == field.name
            ):
                names |= {many.name, f"{many.name}_id", f"{many.name}_ids"}
    return frozenset(names)


def names_in(model: type[Model] | None, name: str) -> frozenset[str]:
    """Return the names by which a client may know a model's field, ``name`` or only that name if it is not a field."""
    known = {} if model is None else {field.name: field for field in model._meta.concrete_fields}
    return client_names(known[name]) if name in known else frozenset({name})


def relations(model: type[Model] | None) -> Iterator[Any]:
    """Yield the foreign keys of a model, of every model where it is not known."""
    models = [model] if model is not None else apps.get_models(include_auto_created=True)
    for kind in models:
        yield from (field for field in kind._meta.concrete_fields if field.remote_field is not None)


def _candidates(table: str | None, model: type[Model] | None) -> Iterator[type[Model]]:
    if model is not None and table in (None, model._meta.db_table):
        yield model
        return
    for kind in apps.get_models(include_auto_created=True):
        if table is None or kind._meta.db_table == table:
            yield kind


def _rule_of(model: type[Model], name: str | None) -> Any:
    return next((rule for rule in model._meta.constraints if rule.name == name), None)


def _fields_in(model: type[Model], violation: Violation) -> Iterator[Any]:
    """Yield the fields of a rule that no constraint of the model's is: a check of one column, an index by its name."""
    rule = violation.rule or ""
    if violation.kind == "check":
        # PostgreSQL names it table_column_check; SQLite repeats the column, or the whole condition.
        bare = rule.removeprefix(f"{model._meta.db_table}_").removesuffix("_check")
        quoted = set(re.findall(r'"([^"]+)"', rule))
        yield from (
            field for field in model._meta.concrete_fields if field.column in quoted | {bare}
        )
    elif violation.kind == "unique" and violation.table is not None:
        for names in model._meta.unique_together:
            fields: list[Any] = [model._meta.get_field(name) for name in names]
            if all(field.column in rule for field in fields):
                yield from fields
                return


def _names_in(expression: Any) -> Iterator[str]:
    """Yield the names of fields that a condition or an expression reads."""
    if isinstance(expression, F):
        yield str(vars(expression)["name"])
    elif isinstance(expression, str):
        yield expression
    elif isinstance(expression, Q):
        for child in expression.children:
            if isinstance(child, tuple):
                yield child[0]
                if not isinstance(child[1], str):
                    yield from _names_in(child[1])
            else:
                yield from _names_in(child)
    elif hasattr(expression, "get_source_expressions"):
        parts: Iterable[Any] = expression.get_source_expressions()
        for part in parts:
            yield from _names_in(part)
