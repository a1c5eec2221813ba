"""What an answer depends on: whether the column of a row says all that the answer shows."""

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

# Another table, the clock or chance: words of SQL, in which a value is never written out.
_MORE_THAN_ROWS = re.compile(
    r"\b(JOIN|UNION|NOW|CURRENT_\w+|LOCALTIME\w*|SYS(DATE|TIMESTAMP)\w*|"
    r"(STATEMENT|TRANSACTION|CLOCK)_TIMESTAMP|UTC_\w+|RAND\w*|GEN_RANDOM_UUID)\b",
    re.IGNORECASE,
)
_SELECT = re.compile(r"\bSELECT\b", re.IGNORECASE)


def depends_on_column(value: Any, annotation: Any, *, one: bool = False) -> bool:
    """Tell whether a response to ``value`` changes only if a row of its own model does.

    It does not where the schema reads more than columns of that model (a relation, a property, a resolver), nor where
    another table or the clock decides which rows a queryset finds. ``@needs`` says what a property or a resolver
    reads. With ``one`` a queryset stands for its one object, which is known by its key.
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
    """Tell whether the rows of the queryset's own table decide alone which of them it finds, and in which order."""
    if queryset.query.combinator:
        return False
    try:
        # What select_related() joins is read by the schema, or by nothing.
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
    """Tell whether the URL of a file may change although the row does not: a storage of another kind may sign it."""
    return isinstance(field, FileField) and not isinstance(field.storage, FileSystemStorage)


def _names_columns(model: type[Model], paths: tuple[str, ...] | None) -> bool:
    return paths is not None and all(_is_column(model, path) for path in paths)


def _is_column(model: type[Model], key: str) -> bool:
    """Tell whether an attribute is a column of the model, or is known by ``@needs`` to read nothing else."""
    if key == "pk":
        return True
    for field in model._meta.concrete_fields:
        if key == field.attname or (key == field.name and not field.is_relation):
            return not _is_signed(field)
    attribute = inspect.getattr_static(model, key, None)
    return attribute is not None and _names_columns(model, needs_of(attribute))
