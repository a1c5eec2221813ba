"""Explains why the database refused an object: every rule that it breaks, with the names that the client uses."""

from collections.abc import Callable, Iterator
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.db.models import CheckConstraint, Model

from django_matt.contrib.crud.errors import RowError
from django_matt.contrib.crud.schemas import AnyField, Column
from django_matt.errors.columns import own_message, refused_fields, rule_fields
from django_matt.errors.databases import BrokenRuleError, Violation, violation_of
from django_matt.errors.faults import TEXTS, say

__all__ = ["Explainer"]


class Explainer:
    """Explains the refusal of one object. It queries the same transaction, which has the rows before it."""

    def __init__(
        self,
        index: int,
        instance: Model,
        columns: list[Column],
        given: list[AnyField],
        using: str,
    ) -> None:
        """Take the object, and for its row the index, the columns that it may write and the fields that it sets."""
        self._index = index
        self._instance = instance
        self._given = given
        self._using = using
        self._names = {column.field: column.sent_as for column in columns}

    def explain(self, error: Exception, before: list[tuple[int, Any]]) -> list[RowError]:
        """Say to the client what ``error`` finds wrong with the row; ``before`` are the objects of the rows before it.

        Raises ``error`` again if it is about values that the row did not name: ``values=`` or the model has set them,
        so it is not the client's mistake.
        """
        if isinstance(error, ValidationError):
            return [self._error("invalid", [], " ".join(error.messages), 422)]
        if not isinstance(error, IntegrityError):
            return [self._explain_value(error)]
        violation = violation_of(error)
        rules = list(self._broken_rules()) if violation.kind in {"unique", "check"} else []
        if rules:
            return [self._explain_rule(*rule, before, error) for rule in rules]
        fields = refused_fields(violation, type(self._instance))
        if violation.kind == "not_null" and fields and not set(fields) & set(self._given):
            name = self._instance._meta.object_name
            raise TypeError(
                f"{name}.{fields[0].name} is required: neither the rows nor values= set it"
            ) from error
        # A trigger, an exclusion constraint, or a conflict with another client's row that is gone by now.
        return [self._tell(violation.kind, fields, error)]

    def orphan(self, field: Any) -> RowError:
        """Return the error that ``field`` refers to an object that does not exist."""
        value = getattr(self._instance, field.attname)
        violation = Violation(
            "foreign_key", field.model._meta.db_table, (field.column,), (str(value),)
        )
        message = f"{field.model.__name__}.{field.name} refers to {value!r}, which does not exist"
        return self._tell("foreign_key", [field], BrokenRuleError(message, violation))

    def too_long(self, field: AnyField, most: int) -> RowError:
        """Return the error that a text is longer than its column."""
        message = f"The text is longer than {most} characters."
        return self._error("string_too_long", [field], message, 422)

    def _explain_value(self, error: Exception) -> RowError:
        """Return the error of a value that its column cannot store. Most databases do not name it, so search for it."""
        others = [f for f in self._instance._meta.concrete_fields if f not in self._names]
        for field in [*self._names, *others]:
            try:
                field.run_validators(field.to_python(getattr(self._instance, field.attname)))
            except ValidationError as found:
                if field not in self._names:
                    raise error from None
                message = " ".join(found.messages)
                return self._error("unstorable_value", [field], message, 422)
        message = "A value is out of range, or contains characters that cannot be stored."
        return self._error("unstorable_value", [], message, 422)

    def _broken_rules(self) -> Iterator[tuple[str, list[Any], str]]:
        """Yield the kind, the fields and the message, if it has its own, of each model rule that the object breaks."""
        instance, meta = self._instance, self._instance._meta
        find: Callable[[str], Any] = meta.get_field
        groups: list[list[Any]] = [[f] for f in meta.concrete_fields if f.unique]
        groups += [list(map(find, names)) for names in meta.unique_together]
        for fields in groups:
            values = {field.attname: getattr(instance, field.attname) for field in fields}
            same = type(instance)._base_manager.using(self._using).filter(**values)
            if not instance._state.adding:
                same = same.exclude(pk=instance.pk)
            if None not in values.values() and same.exists():
                yield "unique", fields, ""
        for rule in meta.constraints:
            try:
                rule.validate(type(instance), instance, using=self._using)
            except ValidationError as found:
                kind = "check" if isinstance(rule, CheckConstraint) else "unique"
                message = " ".join(found.messages) if own_message(rule) else ""
                yield kind, rule_fields(type(instance), rule), message

    def _explain_rule(
        self,
        kind: str,
        fields: list[AnyField],
        message: str,
        before: list[tuple[int, Any]],
        error: Exception,
    ) -> RowError:
        values = [getattr(self._instance, field.attname) for field in fields]
        if kind == "unique" and fields and not message:
            for index, other in before:
                if [getattr(other, field.attname) for field in fields] == values:
                    names = ", ".join(self._sent(fields))
                    message = f"The row at index {index} has the same {names}."
                    break
        return self._tell(kind, fields, error, message)

    def _tell(
        self, kind: str, fields: list[AnyField], error: Exception, message: str = ""
    ) -> RowError:
        status, text = TEXTS[kind]
        names = self._sent(fields)
        if not names:
            raise error
        return self._error(kind, fields, message or say(text, names), status)

    def _sent(self, fields: list[AnyField]) -> list[str]:
        return [self._names[field] for field in fields if field in self._names]

    def _error(self, code: str, fields: list[AnyField], message: str, status: int) -> RowError:
        """Return an error that names its value, if it is about exactly one value that the client sent."""
        sent = self._sent(fields)
        name = sent[0] if len(sent) == len(fields) == 1 else None
        return RowError(self._index, status, code, message, name)
