"""Keys in requests: one that refers to an object that the request may not read is as unknown as one of no object."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Self, Union, get_args, get_origin

from asgiref.sync import sync_to_async
from django.db.models import Model
from django.http.response import HttpResponseBase
from ninja.operation import Operation
from pydantic import BaseModel

from django_matt.errors.columns import client_names
from django_matt.errors.exceptions import Conflict
from django_matt.errors.faults import TEXTS, say
from django_matt.hooks import Call, OperationHook
from django_matt.scopes.current import narrowed
from django_matt.serialization.foreign_keys import model_of

__all__ = ["ChecksKeys", "KeyOf"]

_KEYS = 5_000


@dataclass(frozen=True, slots=True)
class KeyOf:
    """Declares that a field of a request is the key of a model's object, or a list of keys, outside of a ``ModelSchema``.

    >>> from typing import Annotated
    >>> from django.contrib.auth.models import User
    >>> from ninja import Schema
    >>> class Invitation(Schema):
    ...     user_id: Annotated[int, KeyOf(User)]
    """

    model: type[Model]
    field: str = "pk"


@dataclass(frozen=True, slots=True)
class _Sent:
    """A key that a client has sent, and the name of the parameter or field that it has sent it in."""

    key: KeyOf
    name: str
    value: Any


class ChecksKeys(OperationHook):
    """Looks up the keys of narrowed models that a request has sent, one query for each model, before the view runs."""

    order = 1_000

    def __init__(self, annotations: dict[str, Any], tables: frozenset[str]) -> None:
        """Take the annotations of the view's parameters, and the tables that are narrowed."""
        self._annotations = annotations
        self._tables = tables

    @classmethod
    def bind(cls, operation: Operation, api: Any) -> Self | None:
        """Return the hook for an operation whose parameters have such keys."""
        if api.scopes.problems():
            return None
        annotations = {
            name: field.rebuild_annotation()
            for model in operation.models
            for name, field in model.model_fields.items()
        }
        hook = cls(annotations, frozenset(api.scopes.tables))
        keys = (key for each in annotations.values() for key in _keys_in(each, frozenset()))
        return hook if any(hook._is_narrowed(key) for key in keys) else None

    def admitted(self, call: Call) -> HttpResponseBase | None:
        """Refuse keys of objects that the request may not read, as those of objects that do not exist."""
        sent = self._sent(call)
        if sent:
            _check(sent)
        return None

    async def aadmitted(self, call: Call) -> HttpResponseBase | None:
        """Do the same, in a thread if there are keys."""
        sent = self._sent(call)
        if sent:
            await sync_to_async(_check)(sent)
        return None

    def _sent(self, call: Call) -> list[_Sent]:
        return [
            sent
            for name, value in call.values.items()
            for sent in _find(self._annotations.get(name), value, name)
            if self._is_narrowed(sent.key)
        ]

    def _is_narrowed(self, key: KeyOf) -> bool:
        concrete: Any = key.model._meta.concrete_model
        return concrete._meta.db_table in self._tables


def _check(found: list[_Sent]) -> None:
    groups: dict[KeyOf, dict[Any, list[str]]] = {}
    for sent in found:
        groups.setdefault(sent.key, {}).setdefault(sent.value, []).append(sent.name)
    names: dict[str, None] = {}
    for key, values in groups.items():
        wanted = list(values)
        known: set[Any] = set()
        for start in range(0, len(wanted), _KEYS):
            part = {f"{key.field}__in": wanted[start : start + _KEYS]}
            objects = narrowed(key.model._base_manager.all()).filter(**part)
            known.update(map(str, objects.values_list(key.field, flat=True)))
        for value, wheres in values.items():
            # A body may write a key as another type than the column's: a UUID as text.
            if str(value) not in known:
                names |= dict.fromkeys(wheres)
    if names:
        _, text = TEXTS["foreign_key"]
        raise Conflict(say(text, list(names)), code="foreign_key", names=list(names))


def _find(annotation: Any, value: Any, name: str) -> Iterator[_Sent]:
    """Yield the keys in a validated value of a parameter or a field."""
    keys = _keys_for(annotation, value)
    if keys:
        for key in keys:
            yield from _values(key, name, value)
    elif isinstance(value, BaseModel):
        yield from _find_inside(type(value), vars(value))
    elif isinstance(value, dict):
        schema = _schema_of_patch(annotation)
        if schema is not None:
            yield from _find_inside(schema, value)
        else:
            inner = _arguments(annotation, dict)[-1:] or (None,)
            for each in value.values():
                yield from _find_in_any(inner, each, name)
    elif isinstance(value, (list, tuple, set, frozenset)):
        inner = _arguments(annotation, type(value))
        # Each item of a tuple has a type of its own, unless it is as long as the client likes.
        apart = isinstance(value, tuple) and len(inner) == len(value) and ... not in inner
        for number, each in enumerate(value):
            yield from _find_in_any(inner[number : number + 1] if apart else inner, each, name)


def _find_in_any(annotations: tuple[Any, ...], value: Any, name: str) -> Iterator[_Sent]:
    for each in annotations or (None,):
        yield from _find(each, value, name)


def _keys_for(annotation: Any, value: Any) -> list[KeyOf]:
    """Return what a value of an annotation is the key of. In a union, only a value of the key's type is one."""
    choices = [each for each in _choices(annotation) if each is not NoneType]
    found = []
    for each in choices:
        key = _key_of(each)
        if key is None:
            continue
        kind = get_origin(each.__origin__) or each.__origin__
        if len(choices) == 1 or not isinstance(kind, type) or isinstance(value, kind):
            found.append(key)
    return found


def _key_of(annotation: Any) -> KeyOf | None:
    found = (each for each in getattr(annotation, "__metadata__", ()) if type(each) is KeyOf)
    return next(found, None)


def _choices(annotation: Any) -> Iterator[Any]:
    """Yield what a value may be, without what else is said of it: the members of a union, at any depth."""
    if get_origin(annotation) in (Union, UnionType):
        for each in get_args(annotation):
            yield from _choices(each)
    elif _key_of(annotation) is None and get_origin(annotation) is Annotated:
        yield from _choices(annotation.__origin__)
    else:
        yield annotation


def _arguments(annotation: Any, kind: type[Any]) -> tuple[Any, ...]:
    """Return the types of the items that an annotation says of a container of a kind."""
    return tuple(
        inner
        for each in _choices(annotation)
        if _is_container(get_origin(each), kind)
        for inner in get_args(each)
    )


def _is_container(origin: Any, kind: type[Any]) -> bool:
    return isinstance(origin, type) and issubclass(kind, origin)


def _find_inside(schema: type[BaseModel], values: dict[str, Any]) -> Iterator[_Sent]:
    keys = _keys_of(schema)
    for name, value in values.items():
        field = schema.model_fields.get(name)
        if field is None:
            continue
        wire = field.alias or name
        if name in keys:
            yield from _values(keys[name], wire, value)
        else:
            yield from _find(field.annotation, value, wire)


def _values(key: KeyOf, name: str, value: Any) -> Iterator[_Sent]:
    if isinstance(value, (list, tuple, set, frozenset)):
        for each in value:
            yield from _values(key, name, each)
    elif isinstance(value, (BaseModel, dict)):
        # An object that has its key inside, as in `"author": {"id": 3}`.
        fields: dict[str, Any] = value if isinstance(value, dict) else vars(value)
        meta = key.model._meta
        for known in ("pk", meta.pk.name, meta.pk.attname):
            if known in fields:
                yield from _values(KeyOf(key.model), name, fields[known])
                return
    elif value is not None:
        yield _Sent(key, name, value)


@cache
def _keys_of(schema: type[BaseModel]) -> dict[str, KeyOf]:
    """Return the fields of a schema that are keys: those with ``KeyOf``, and those of a model's relations."""
    found = {
        name: each
        for name, field in schema.model_fields.items()
        for each in field.metadata
        if type(each) is KeyOf
    }
    model: Any = model_of(schema)
    for relation in () if model is None else (*model._meta.fields, *model._meta.many_to_many):
        target = relation.related_model
        if not isinstance(target, type) or not issubclass(target, Model):
            continue
        if relation.many_to_many:
            known = frozenset({relation.name, f"{relation.name}_ids"})
            column = "pk"
        else:
            known, column = client_names(relation), relation.target_field.attname
        for name, field in schema.model_fields.items():
            if name in known or field.alias in known:
                found.setdefault(name, KeyOf(target, column))
    return found


def _keys_in(annotation: Any, seen: frozenset[Any]) -> Iterator[KeyOf]:
    """Yield the keys in values of an annotation."""
    if key := _key_of(annotation):
        yield key
    schema = _schema_of_patch(annotation) or annotation
    if isinstance(schema, type) and issubclass(schema, BaseModel) and schema not in seen:
        yield from _keys_of(schema).values()
        for field in schema.model_fields.values():
            yield from _keys_in(field.annotation, seen | {schema})
    for each in get_args(annotation):
        yield from _keys_in(each, seen)


def _schema_of_patch(annotation: Any) -> type[BaseModel] | None:
    """Return the schema of a ``PatchDict[…]``, whose values are dictionaries; None for any other annotation."""
    for each in (annotation, *get_args(annotation)):
        found = getattr(each, "_wrapped_model", None)
        if isinstance(found, type) and issubclass(found, BaseModel):
            return found
    return None
