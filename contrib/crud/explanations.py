"""Why a database refused one object: every rule that it breaks, in the client's words for its values."""

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
    """Explains the refusal of one object; what was written before it in the same transaction is there to be seen."""

    def __init__(
        self,
        index: int,
        instance: Model,
        columns: list[Column],
        given: list[AnyField],
        using: str,
    ) -> None:
        """Take the object, the index of its row, what that row may write, and the fields that it sets."""
        self._index = index
        self._instance = instance
        self._given = given
        self._using = using
        self._names = {column.field: column.sent_as for column in columns}

    def explain(self, error: Exception, before: list[tuple[int, Any]]) -> list[RowError]:
        """Return what there is to say of ``error``; ``before`` are the objects of the earlier rows.

        Raise it again where the row named nothing that it is about: what ``values=`` or the model set is no mistake of
        the row's.
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
        # A trigger's, an exclusion, or a rule that another client's row broke and that holds again.
        return [self._tell(violation.kind, fields, error)]

    def orphan(self, field: Any) -> RowError:
        """Say that the object refers by ``field`` to one that does not exist."""
        value = getattr(self._instance, field.attname)
        violation = Violation(
            "foreign_key", field.model._meta.db_table, (field.column,), (str(value),)
        )
        message = f"{field.model.__name__}.{field.name} refers to {value!r}, which does not exist"
        return self._tell("foreign_key", [field], BrokenRuleError(message, violation))

    def too_long(self, field: AnyField, most: int) -> RowError:
        """Say that a text is longer than its column."""
        message = f"The text is longer than {most} characters."
        return self._error("string_too_long", [field], message, 422)

    def _explain_value(self, error: Exception) -> RowError:
        """Name the value that its column cannot hold, which most databases do not."""
        others = [f for f in self._instance._meta.concrete_fields if f not in self._names]
        for field in [*self._names, *others]:
            try:
                field.run_validators(field.to_python(getattr(self._instance, field.attname)))
            except ValidationError as found:
                if field not in self._names:
                    raise error from None
                message = " ".join(found.messages)
                return self._error("unstorable_value", [field], message, 422)
        message = "A value is out of range, or holds characters that cannot be stored."
        return self._error("unstorable_value", [], message, 422)

    def _broken_rules(self) -> Iterator[tuple[str, list[Any], str]]:
        """Yield the kind, the fields and the own message of each rule of the model that is broken."""
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
        """Point at the one value of the client's that it is about, at the row where there are more or none."""
        sent = self._sent(fields)
        name = sent[0] if len(sent) == len(fields) == 1 else None
        return RowError(self._index, status, code, message, name)
