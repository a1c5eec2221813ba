"""Why a database refused one object: every rule that it breaks, in the client's words for its values."""

from collections.abc import Callable, Iterator
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.db.models import CheckConstraint, Model

from django_matt.contrib.crud.errors import RowError
from django_matt.contrib.crud.schemas import AnyField, Column
from django_matt.errors.databases import violation_of
from django_matt.errors.mappings import VIOLATIONS

__all__ = ["Explainer"]


class Explainer:
    """Explains the refusal of one object; what was written before it in the same transaction is there to be seen."""

    def __init__(self, index: int, instance: Model, columns: list[Column], using: str) -> None:
        """Take the object, the index of its row, and what that row writes."""
        self._index = index
        self._instance = instance
        self._columns = columns
        self._using = using
        self._names = {column.field: column.sent_as for column in columns}

    def explain(self, error: Exception, before: list[tuple[int, Any]]) -> list[RowError]:
        """Return what there is to say of ``error``; ``before`` are the objects of the earlier rows."""
        if isinstance(error, ValidationError):
            return [self._error("invalid", [], " ".join(error.messages), 422)]
        if not isinstance(error, IntegrityError):
            return [self._explain_value()]
        violation = violation_of(error)
        rules = list(self._broken_rules()) if violation.kind in {"unique", "check"} else []
        if rules:
            return [self._explain_rule(*rule, before) for rule in rules]
        meta = self._instance._meta
        fields: list[AnyField] = [f for f in meta.concrete_fields if f.column in violation.names]
        if violation.kind == "not_null" and fields and not self._names.keys() & set(fields):
            raise TypeError(
                f"{meta.object_name}.{fields[0].name} is required: neither the rows nor values= set it"
            ) from error
        # A trigger's, an exclusion, or a rule that another client's row broke and that holds again.
        return [self._tell(violation.kind, fields, ", ".join(violation.names) or "values")]

    def orphan(self, field: AnyField) -> RowError:
        """Say that the object refers by ``field`` to one that does not exist."""
        name = self._names.get(field, field.name)
        message = f"The object that {name} refers to does not exist."
        return self._error("foreign_key", [field], message, 409)

    def too_long(self, field: AnyField, most: int) -> RowError:
        """Say that a text is longer than its column."""
        message = f"The text is longer than {most} characters."
        return self._error("string_too_long", [field], message, 422)

    def _explain_value(self) -> RowError:
        """Name the value that its column cannot hold, which most databases do not."""
        for column in self._columns:
            try:
                value = column.field.to_python(getattr(self._instance, column.field.attname))
                column.field.run_validators(value)
            except ValidationError as found:
                message = " ".join(found.messages)
                return self._error("unstorable_value", [column.field], message, 422)
        message = "A value is out of range, or holds characters that cannot be stored."
        return self._error("unstorable_value", [], message, 422)

    def _broken_rules(self) -> Iterator[tuple[str, list[Any], str, str]]:
        """Yield the kind, the fields, the name and the own message of each rule of the model that is broken."""
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
                yield "unique", fields, "", ""
        for rule in meta.constraints:
            try:
                rule.validate(type(instance), instance, using=self._using)
            except ValidationError as found:
                kind = "check" if isinstance(rule, CheckConstraint) else "unique"
                own = rule.violation_error_message != rule.default_violation_error_message
                fields = list(map(find, getattr(rule, "fields", ())))
                yield kind, fields, rule.name, " ".join(found.messages) if own else ""

    def _explain_rule(
        self,
        kind: str,
        fields: list[AnyField],
        rule: str,
        message: str,
        before: list[tuple[int, Any]],
    ) -> RowError:
        values = [getattr(self._instance, field.attname) for field in fields]
        if kind == "unique" and fields and not message:
            for index, other in before:
                if [getattr(other, field.attname) for field in fields] == values:
                    names = self._say(fields)
                    message = f"The row at index {index} has the same {names}."
                    break
        return self._tell(kind, fields, rule, message)

    def _tell(self, kind: str, fields: list[AnyField], rule: str, message: str = "") -> RowError:
        status, text = VIOLATIONS[kind]
        message = message or text.format(columns=self._say(fields) or rule)
        return self._error(kind, fields, message, status)

    def _say(self, fields: list[AnyField]) -> str:
        return ", ".join(self._names.get(field, field.name) for field in fields)

    def _error(self, code: str, fields: list[AnyField], message: str, status: int) -> RowError:
        """Point at the one value of the client's that it is about, at the row where there are more or none."""
        sent = [self._names[field] for field in fields if field in self._names]
        name = sent[0] if len(sent) == len(fields) == 1 else None
        return RowError(self._index, status, code, message, name)
