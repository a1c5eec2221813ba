"""Decides whose fault a refused write is: the client's only if the request sent what is refused."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from typing import Any

from django.db import IntegrityError, connections
from django.db.models import CharField, DecimalField, IntegerField
from django.http import HttpRequest

from django_matt.errors.columns import (
    client_names,
    find_rule,
    own_message,
    refused_fields,
    relations,
)
from django_matt.errors.databases import Violation, violation_of
from django_matt.errors.fields import Sent, sent_fields, takes_input
from django_matt.errors.statements import Statement, failed_statement

__all__ = [
    "TEXTS",
    "Refusal",
    "named_by",
    "refused_values",
    "refused_write",
    "say",
    "sent_value",
    "unset_field",
]

TEXTS = {
    "unique": (409, "An object with the same {names} exists already."),
    "foreign_key": (409, "The object that {names} refers to does not exist."),
    "not_null": (422, "A value for {names} is required."),
    "check": (422, "The value of {names} is not allowed."),
    "other": (409, "The value of {names} conflicts with the stored data."),
}
"""Kind of a broken rule → the status of the answer, and the sentence; ``names`` are the client's."""

_IN_USE = "Other objects still refer to this one."
_DANGLING = "This refers to an object that does not exist, or others still refer to it."
_INT64 = 2**63
_MAX_SEARCHED = 20
_MIN_TEXT = 3
"""A shorter text is equal to another by chance."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The mistake of a client: the kind of the violated rule, the sentence, and the names of its fields."""

    kind: str
    status: int
    text: str
    names: list[str]


def refused_write(request: HttpRequest, exc: IntegrityError) -> Refusal | None:
    """Return the client's violation of a database rule, or None if the server is at fault."""
    violation, statement = violation_of(exc), failed_statement(exc)
    fields = refused_fields(violation, statement.model)
    status, text = TEXTS[violation.kind]
    if violation.kind == "foreign_key":
        return _dangling(request, violation, statement, fields)
    values = _values(violation, statement, fields)
    found = _named(request, violation.kind, fields, values)
    if not found:
        return None
    rule = find_rule(violation, statement.model)
    text = own_message(rule) or say(text, found)
    return Refusal(violation.kind, status, text, found)


def _dangling(
    request: HttpRequest, violation: Violation, statement: Statement, fields: list[Any]
) -> Refusal | None:
    if fields and all(field.remote_field is None for field in fields):
        # A deletion: these are columns of the object that others refer to.
        return Refusal("foreign_key", 409, _IN_USE, []) if takes_input(request) else None
    if fields:
        values = _values(violation, statement, fields)
        found = _named(request, "foreign_key", fields, values)
        return _refer(found) if found else None
    # SQLite says no more than that a reference is broken.
    known = frozenset[str]().union(*map(client_names, relations(statement.model)))
    sent = [each for each in sent_fields(request) if each.value is not None]
    found = _unique(each.name for each in sent if each.names & known)
    if len(found) == 1:
        return _refer(found)
    if found or any(each.source == "path" for each in sent):
        return Refusal("foreign_key", 409, _DANGLING, found)
    return None


def _refer(names: list[str]) -> Refusal:
    status, text = TEXTS["foreign_key"]
    return Refusal("foreign_key", status, say(text, names), names)


def say(text: str, names: list[str]) -> str:
    """Return a sentence of ``TEXTS`` about these names."""
    return text.format(names=", ".join(names))


def named_by(request: HttpRequest, names: frozenset[str]) -> Sent | None:
    """Return the first field of the request that has one of these names, or None."""
    return next((each for each in sent_fields(request) if each.names & names), None)


def sent_value(request: HttpRequest, value: Any) -> Sent | None:
    """Return the first field of the request that has this value, or None."""
    text = _text_of(value)
    if text is None:
        return None
    return next((each for each in sent_fields(request) if _text_of(each.value) == text), None)


def unset_field(exc: BaseException) -> tuple[str, str] | None:
    """Return the model and the field of a NOT NULL that was broken, or None if it is not about one."""
    if not isinstance(exc, IntegrityError):
        return None
    violation = violation_of(exc)
    fields = refused_fields(violation, failed_statement(exc).model)
    if violation.kind != "not_null" or not fields:
        return None
    return fields[0].model.__name__, fields[0].name


def refused_values(request: HttpRequest, exc: Exception) -> list[str] | None:
    """Return the client's fields with values that the database cannot store, or None if no value of the client's does."""
    statement = failed_statement(exc)
    sent = sent_fields(request)
    odd: dict[Any, set[str]] = {}
    for row in statement.rows:
        for field, value in row.items():
            if _is_odd(value) or _does_not_fit(field, value, statement.using):
                odd.setdefault(field, set()).add(str(value))
    found: list[str] = []
    for field, texts in odd.items():
        found += [
            each.shown for each in sent if _is_name(each, field) or _text_of(each.value) in texts
        ]
    if not odd:
        refused = {str(value) for value in statement.parameters if _is_odd(value)}
        # What was sent may be a part of what was asked for, as in a search. A few are looked into: there may be as many
        # parameters as fields.
        some = [text for text in islice(refused, _MAX_SEARCHED) if _is_odd(text)]
        for each in sent:
            text = _text_of(each.value)
            is_part = text is not None and _is_odd(text) and any(text in whole for whole in some)
            if text in refused or is_part:
                found.append(each.shown)
    return _unique(found) or None


def _text_of(value: Any) -> str | None:
    """Return a value as text, None for a container."""
    return None if value is None or isinstance(value, bool | list | dict) else str(value)


def _named(
    request: HttpRequest, kind: str, fields: list[Any], values: Mapping[Any, set[str]]
) -> list[str]:
    """Return the names of what the client sent for these fields."""
    found: list[str] = []
    for field in fields:
        sent = [each for each in sent_fields(request) if _is_name(each, field)]
        if kind == "not_null":
            # A value that was sent and did not arrive in the column was lost by the view.
            sent = [each for each in sent if each.value is None or each.value == ""]
        elif kind != "check":
            sent = [each for each in sent if not _is_another(each, field, values.get(field))]
        if not sent and kind in {"unique", "foreign_key", "other"}:
            sent = [
                each for each in sent_fields(request) if _is_value(each, field, values.get(field))
            ]
        found += [each.shown for each in sent]
    return _unique(found)


def _is_name(sent: Sent, field: Any) -> bool:
    """Tell whether a field of the request is a model's field, or the key in ``{"author": {"id": 3}}``."""
    names = client_names(field)
    if sent.names & names:
        return True
    return (
        field.remote_field is not None
        and sent.parent in names
        and bool(sent.names & {"id", "pk", field.target_field.attname})
    )


def _is_another(sent: Sent, field: Any, values: set[str] | None) -> bool:
    """Tell whether a client sent another number for a field than the refused one, which the view has set itself.

    A text may differ by what the view has done to it: other case, no spaces.
    """
    if not values or isinstance(sent.value, bool):
        return False
    is_number = isinstance(sent.value, int) or (
        isinstance(sent.value, str) and sent.value.isdecimal()
    )
    target = field.target_field if field.remote_field is not None else field
    return is_number and isinstance(target, IntegerField) and str(sent.value) not in values


def _is_value(sent: Sent, field: Any, values: set[str] | None) -> bool:
    """Tell whether a client sent a refused value itself, under a name that is not the field's."""
    if not values or isinstance(sent.value, bool | list | dict) or sent.value is None:
        return False
    text = str(sent.value)
    if text not in values:
        return False
    if isinstance(sent.value, str) and len(text) >= _MIN_TEXT and not text.isdecimal():
        return True
    # Of the path a key; another number is equal to one of the server's by chance.
    return sent.source == "path" and (field.remote_field is not None or field.primary_key)


def _values(violation: Violation, statement: Statement, fields: list[Any]) -> dict[Any, set[str]]:
    """Return the refused values by field as text, as far as the statement or the database tells them."""
    found: dict[Any, set[str]] = {field: set() for field in fields}
    for row in statement.rows:
        for field in fields:
            if field in row:
                found[field].add(str(row[field]))
    if len(violation.values) == len(fields):
        for field, value in zip(fields, violation.values, strict=True):
            found[field].add(value)
    return found


def _unique(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))[:20]


def _is_odd(value: Any) -> bool:
    """Tell whether no column of any database can store a value: an integer past 64 bits, a NUL, half a character."""
    if isinstance(value, str):
        return "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value)
    return isinstance(value, int) and not -_INT64 <= value < _INT64


def _does_not_fit(field: Any, value: Any, using: str) -> bool:
    """Tell whether a value is too long or too large for its column."""
    if isinstance(field, CharField) and isinstance(value, str):
        return field.max_length is not None and len(value) > field.max_length
    if isinstance(field, DecimalField) and isinstance(value, Decimal):
        return not value.is_finite() or abs(value) >= 10 ** (
            field.max_digits - field.decimal_places
        )
    if isinstance(field, IntegerField) and isinstance(value, int):
        kind = field.get_internal_type()
        smallest, largest = connections[using].ops.integer_field_range(kind)
        return (smallest is not None and value < smallest) or (
            largest is not None and value > largest
        )
    return False
