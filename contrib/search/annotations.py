"""Annotations of found objects: values by key, in one parameter however many there are."""

import json
from collections.abc import Mapping
from typing import Any

from django.db.models import CharField, F, Field, FloatField, Func, Value

__all__ = ["FoundNumber", "FoundText"]


class _Found(Func):
    """The value of an object's key in a JSON object."""

    def __init__(self, values: Mapping[str, Any], kind: "Field[Any, Any]") -> None:
        super().__init__(Value(json.dumps(values)), F("pk"), output_field=kind)

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """Return the expression for PostgreSQL."""
        template = "(%(expressions)s::text)"
        return self.as_sql(
            compiler, connection, template=template, arg_joiner="::jsonb ->> ", **context
        )

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """Return the expression for SQLite, without a path, in which the key would need quotes."""
        template = "(SELECT value FROM json_each(%(expressions)s AS text))"
        return self.as_sql(
            compiler, connection, template=template, arg_joiner=") WHERE key = CAST(", **context
        )


class FoundText(_Found):
    """A text of each found object."""

    def __init__(self, values: Mapping[str, str]) -> None:
        """Take the texts by key, as the database writes keys."""
        super().__init__(values, CharField())


class FoundNumber(_Found):
    """A number of each found object."""

    def __init__(self, values: Mapping[str, float]) -> None:
        """Take the numbers by key, as the database writes keys."""
        super().__init__(values, FloatField())

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """Return the expression for PostgreSQL."""
        statement, params = super().as_postgresql(compiler, connection, **context)
        return f"{statement}::float8", params
