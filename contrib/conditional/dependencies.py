"""Decides whether a response changes only if a row of its model changes, so that a column is enough for its ETag."""

import inspect
import re
from datetime import datetime
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.core.files.storage import FileSystemStorage
from django.db.models import FileField, Manager, Model, QuerySet
from pydantic import BaseModel

from django_matt import upstream
from django_matt.serialization.requirements import has_attribute, keys_of, needs_of, schemas_in

__all__ = ["depends_on_column"]

# SQL that reads another table, the clock or a random number. Values are parameters, so they cannot match.
_MORE_THAN_ROWS = re.compile(
    r"\b(JOIN|UNION|NOW|CURRENT_\w+|LOCALTIME\w*|SYS(DATE|TIMESTAMP)\w*|"
    r"(STATEMENT|TRANSACTION|CLOCK)_TIMESTAMP|UTC_\w+|RAND\w*|GEN_RANDOM_UUID)\b",
    re.IGNORECASE,
)
_SELECT = re.compile(r"\bSELECT\b", re.IGNORECASE)


def depends_on_column(value: Any, annotation: Any, *, one: bool = False) -> bool:
    """Return whether the response for ``value`` changes only if a row of its own model changes.

    This is False if the schema reads more than columns of that model: a relation, a property or a resolver, unless
    ``@needs`` says that it reads only columns. It is also False if another table or the clock decides which rows a
    queryset finds. With ``one``, ``value`` is a queryset for one object, and how it is found does not matter.
    """
    if isinstance(value, Manager):
        value = value.all()
    if isinstance(value, QuerySet):
        model = value.model
        if not one and value._result_cache is None and not _finds_by_rows(value):
            return False
    else:
        models = (
            {type(item) for item in value} if isinstance(value, list | tuple) else {type(value)}
        )
        if value is None or not models:
            return True
        model = models.pop()
        if models or not issubclass(model, Model):
            return False
    return _reads_columns(model, annotation)


def _finds_by_rows(queryset: Any) -> bool:
    """Return whether only the rows of the queryset's own table decide which of them it finds, and their order."""
    if queryset.query.combinator:
        return False
    try:
        # A join of select_related() does not change which rows are found; the schema is checked on its own.
        plain = queryset.select_related(None) if queryset._fields is None else queryset
        sql, parameters = plain.query.get_compiler(plain.db).as_sql()
    except EmptyResultSet:
        return True
    if _MORE_THAN_ROWS.search(sql) or len(_SELECT.findall(sql)) > 1:
        return False
    return not any(map(_is_moment, parameters))


def _is_moment(value: Any) -> bool:
    if isinstance(value, str) and len(value) >= len("2000-01-01 00:00:00"):
        try:
            datetime.fromisoformat(value)
        except ValueError:
            return False
        return True
    return isinstance(value, datetime)


def _reads_columns(model: type[Model], annotation: Any) -> bool:
    schemas = list(schemas_in(annotation))
    return bool(schemas) and all(_schema_reads_columns(model, schema) for schema in schemas)


def _schema_reads_columns(model: type[Model], schema: type[BaseModel]) -> bool:
    # Every schema has a validator of Ninja, which reads nothing and is not among these.
    if upstream.own_model_validators(schema):
        return False
    resolvers = upstream.resolvers_of(schema)
    for name in schema.model_fields:
        keys = keys_of(schema, name)
        resolver = next((resolvers[key] for key in keys if key in resolvers), None)
        if resolver is not None:
            if not _names_columns(model, needs_of(upstream.function_of(resolver))):
                return False
            continue
        key = next((key for key in keys if has_attribute(model, key)), keys[-1])
        if not _is_column(model, key):
            return False
    return True


def _is_signed(field: Any) -> bool:
    """Return whether a file's URL may change although its row does not: storages such as S3 sign their URLs."""
    return isinstance(field, FileField) and not isinstance(field.storage, FileSystemStorage)


def _names_columns(model: type[Model], paths: tuple[str, ...] | None) -> bool:
    return paths is not None and all(_is_column(model, path) for path in paths)


def _is_column(model: type[Model], key: str) -> bool:
    """Return whether an attribute is a column of the model, or reads only columns according to ``@needs``."""
    if key == "pk":
        return True
    for field in model._meta.concrete_fields:
        if key == field.attname or (key == field.name and not field.is_relation):
            return not _is_signed(field)
    attribute = inspect.getattr_static(model, key, None)
    return attribute is not None and _names_columns(model, needs_of(attribute))
