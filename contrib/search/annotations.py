"""Annotations of found objects: values by key, in one parameter however many there are."""

import json
from collections.abc import Mapping
from typing import Any

from django.db.models import CharField, F, FloatField, Func, Value

__all__ = ["FoundNumber", "FoundText"]


class _Found(Func):
    """The value of an object's key in a JSON object."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__(Value(json.dumps(values)), F("pk"))

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

    output_field = CharField()


class FoundNumber(_Found):
    """A number of each found object."""

    output_field = FloatField()

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """Return the expression for PostgreSQL."""
        statement, params = super().as_postgresql(compiler, connection, **context)
        return f"{statement}::float8", params
