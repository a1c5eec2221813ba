"""The schemas that Ninja Extra generates for a model controller, made to fit the model's JSON columns and automatic dates."""

from collections.abc import Iterable
from copy import copy
from typing import Annotated, Any, get_args

from django.db.models import DateField, JSONField, TimeField
from ninja.constants import NOT_SET
from ninja.operation import Operation
from pydantic import BaseModel, Field, Json

__all__ = ["fit_schemas"]

_WRITTEN = Annotated[Json[Any] | Any, Field(union_mode="left_to_right")]
"""What a JSON column accepts: any JSON value, and a string of JSON, which is all that the generated schema accepts."""


def fit_schemas(config: Any, operations: Iterable[Operation]) -> None:
    """Change the generated schemas of a ``ModelConfig``, and rebuild what the operations made of them.

    ninja-schema types a JSON column as a text of JSON, which no row of the database is, and requires a date that the
    column sets itself (``auto_now``, ``auto_now_add``). Schemas of the user's own stay as they are.
    """
    written = {config.create_schema, config.update_schema, config.patch_schema}
    changed: set[Any] = set()
    for schema in filter(_is_generated, {*written, config.retrieve_schema}):
        if _fit(schema, config.model, written=schema in written):
            changed.add(schema)
    if not changed:
        return
    for operation in operations:
        models = {*operation.models, *operation.signature.models}
        models |= {found for found in operation.response_models.values() if found is not NOT_SET}
        for model in filter(None, models):
            _rebuild(model, changed, set())


def _is_generated(schema: Any) -> bool:
    """Tell whether ninja-schema's factory has made a class: it makes it where no module is."""
    return schema is not None and schema.__module__ in ("builtins", "ninja_schema.orm.factory")


def _fit(schema: Any, model: Any, *, written: bool) -> bool:
    changes = {}
    for column in model._meta.concrete_fields:
        field = schema.model_fields.get(column.name)
        if field is None:
            continue
        new = copy(field)
        if isinstance(column, JSONField):
            new.annotation = _WRITTEN if written else Any
        elif written and isinstance(column, DateField | TimeField) and field.is_required():
            if not (column.auto_now or column.auto_now_add):
                continue
            new.default = None  # the column's pre_save() sets it
        else:
            continue
        changes[column.name] = new
    schema.model_fields.update(changes)
    if changes:
        schema.model_rebuild(force=True)
    return bool(changes)


def _rebuild(model: Any, changed: set[Any], seen: set[Any]) -> bool:
    """Rebuild a class if a class of its fields has changed, the innermost first."""
    if model in changed or model in seen:
        return model in changed
    seen.add(model)
    held = [cls for field in model.model_fields.values() for cls in _classes(field.annotation)]
    rebuilt = [_rebuild(cls, changed, seen) for cls in held]
    if any(rebuilt):
        model.model_rebuild(force=True)
        changed.add(model)
    return model in changed


def _classes(annotation: Any) -> list[Any]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [cls for argument in get_args(annotation) for cls in _classes(argument)]
