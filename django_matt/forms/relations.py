"""Finds the list of an API that shows the objects of a model, so that a form offers what the client may see anyway."""

from collections.abc import Iterator
from functools import cached_property
from typing import Any, get_args, get_origin

from django.db.models import Model
from ninja import NinjaAPI
from pydantic import BaseModel

from django_matt.column_bounds import model_of
from django_matt.operations import BoundOperation, list_operations

__all__ = ["Lists"]

_LABELS = ("name", "title", "label", "full_name", "username", "email", "slug")


class Lists:
    """The lists of an API, by the model of their items."""

    def __init__(self, api: NinjaAPI) -> None:
        """Take the API. Its operations are read when the first model is asked for."""
        self._api = api

    def find(self, model: type[Model], value: str) -> dict[str, Any]:
        """Return the URL, the search, the value and the label for a relation to a model; nothing if there is no list.

        ``value`` is the name of the column that the relation stores.
        """
        found: dict[str, Any] = {}
        for operation, item in self._lists.get(model, ()):
            key = "id" if value not in item.model_fields and "id" in item.model_fields else value
            if key not in item.model_fields:
                continue
            search = "search" if "search" in query_names(operation) else None
            each = {
                "url": operation.path,
                "search": search,
                "value": item.model_fields[key].serialization_alias or key,
                "label": _label(item),
            }
            if search is not None:
                return each
            found = found or each
        return found

    @cached_property
    def _lists(self) -> dict[Any, list[tuple[BoundOperation, Any]]]:
        found: dict[Any, list[tuple[BoundOperation, Any]]] = {}
        for operation in list_operations(self._api):
            models = operation.request_models
            if "GET" not in operation.methods or not operation.documented or "path" in models:
                continue
            if any(info.is_required() for model in models.values() for info in _fields(model)):
                continue
            item = _item(operation.response_schemas.get(200))
            model = None if item is None else model_of(item)
            if model is None and item is not None and operation.name == "list":
                # A model controller's own schemas do not name their model.
                config = getattr(operation.controller, "model_config", None)
                model = getattr(config, "model", None)
            if model is not None:
                found.setdefault(model, []).append((operation, item))
        return found


def query_names(operation: BoundOperation) -> set[str]:
    """Return the names of an operation's query parameters."""
    model = operation.request_models.get("query")
    if model is None:
        return set()
    names: set[str] = set()
    for name, info in model.model_fields.items():
        inner = _model_in(info.annotation)
        if inner is None:
            names.add(info.alias or name)
        else:
            names |= {each.alias or key for key, each in inner.model_fields.items()}
    return names


def _fields(model: type[BaseModel]) -> Iterator[Any]:
    """Yield the parameters of a source, of which one may be a schema."""
    for info in model.model_fields.values():
        inner = _model_in(info.annotation)
        if inner is None:
            yield info
        else:
            yield from inner.model_fields.values()


def _model_in(annotation: Any) -> type[BaseModel] | None:
    for each in (annotation, *get_args(annotation)):
        if isinstance(each, type) and issubclass(each, BaseModel):
            return each
    return None


def _item(annotation: Any) -> Any:
    """Return the schema of the items of a list or of a page; None for everything else."""
    if get_origin(annotation) is list:
        (item,) = get_args(annotation)
        return item if isinstance(item, type) and issubclass(item, BaseModel) else None
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for name in ("items", "results"):
            if name in annotation.model_fields:
                return _item(annotation.model_fields[name].annotation)
    return None


def _label(item: type[BaseModel]) -> str | None:
    """Return the field of an item that people know it by."""
    texts = [name for name, info in item.model_fields.items() if info.annotation is str]
    names = [name for name in _LABELS if name in item.model_fields] or texts
    return (item.model_fields[names[0]].serialization_alias or names[0]) if names else None
