"""Fixes ``ModelSchema`` for models with a generic foreign key: Ninja fails on ``fields = "__all__"``."""

from collections.abc import Iterator
from typing import Any

from ninja.errors import ConfigError

from django_matt import upstream

__all__ = ["leave_out_generic_keys"]


def leave_out_generic_keys() -> None:
    """Leave generic foreign keys out of ``"__all__"`` and ``exclude``, because they have no type.

    Their two columns, the content type and the key, are included like any other. This changes Ninja's one schema factory, so
    it applies to every ``ModelSchema`` that is defined afterwards.
    """
    upstream.replace_selected_fields(_selected)


def _selected(model: Any, fields: Any = None, exclude: Any = None) -> Iterator[Any]:
    for field in upstream.selected_fields(model, fields, exclude):
        if not field.is_relation or field.related_model is not None:
            yield field
        elif field.name in (fields or ()):
            raise ConfigError(
                f"{field.name} of {model.__name__} is a generic foreign key, which may refer to any model: leave it out of "
                f"Meta.fields, and declare it in the schema, as in `{field.name}: BookOut | FilmOut`."
            )
