"""``ModelSchema`` of a model with a generic foreign key: Ninja's ``fields = "__all__"`` fails on it."""

from collections.abc import Iterator
from typing import Any

from ninja.errors import ConfigError
from ninja.orm.factory import SchemaFactory, factory

__all__ = ["leave_out_generic_keys"]


def leave_out_generic_keys() -> None:
    """Let ``"__all__"`` and ``exclude`` leave out generic foreign keys, which have no type.

    Their columns, the content type and the key, are there as any others. It changes Ninja's one factory, so it counts
    for every ``ModelSchema`` that is made afterwards.
    """
    factory._selected_model_fields = _selected  # type: ignore[method-assign]


def _selected(model: Any, fields: Any = None, exclude: Any = None) -> Iterator[Any]:
    for field in SchemaFactory._selected_model_fields(factory, model, fields, exclude):
        if not field.is_relation or field.related_model is not None:
            yield field
        elif field.name in (fields or ()):
            raise ConfigError(
                f"{field.name} of {model.__name__} is a generic foreign key, and may be of any model: leave it out of "
                f"Meta.fields, and declare it in the schema, as in `{field.name}: BookOut | FilmOut`."
            )
