"""The declared fields that a request sent: an error may blame the client only for these, and names them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, get_args, get_origin

from django.http import HttpRequest
from pydantic import AliasChoices, AliasPath, BaseModel

from django_matt import upstream
from django_matt.errors.calls import call_of
from django_matt.limits import find_paginators

__all__ = [
    "Sent",
    "find_location",
    "sent_fields",
    "takes_input",
]

_MAX_FIELDS = 10_000
_MAX_DEPTH = 32
_SOURCES = frozenset({"path", "query", "body", "form", "file"})
"""The sources in which a client names objects. Headers and cookies are set by the client program."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A field that the operation declares and the request sent."""

    name: str
    """As the client wrote it."""
    names: frozenset[str]
    """The same, and the name in the schema or in the view's signature."""
    source: str
    loc: tuple[str | int, ...]
    """Its place in what the client sent: ``("body", "lines", 0, "count")``."""
    value: Any

    @property
    def parent(self) -> str | None:
        """The key of the object that it is a member of, None at the top."""
        key = self.loc[-2] if len(self.loc) > 2 else None
        return key if isinstance(key, str) else None

    @property
    def shown(self) -> str:
        """What to call it in a sentence: its key, behind its object's where the key alone says little."""
        is_vague = self.parent is not None and self.names & {"id", "pk"}
        return f"{self.parent}.{self.name}" if is_vague else self.name


def find_location(request: HttpRequest, value: object) -> tuple[str | int, ...] | None:
    """Return the location in a failed request of a value that the view received, such as ``("body", "rows")``, or None.

    The value is found by identity: pass the list, body or parameter itself, or a field of a body.
    """
    call = call_of(request)
    for name, given in {} if call is None else call.values.items():
        way = _way_to(given, value)
        if call is None or way is None:
            continue
        for model in call.operation.models:
            if name in model.model_fields:
                return (upstream.source_of(model), name, *way)
    return None


def _way_to(given: object, value: object) -> tuple[str, ...] | None:
    if given is value:
        return ()
    if isinstance(given, BaseModel):
        for name, field in type(given).model_fields.items():
            if getattr(given, name, None) is value:
                return (field.alias or name,)
    return None


def takes_input(request: HttpRequest) -> bool:
    """Tell whether the operation has a parameter of the path, the query or the body by which a client names objects.

    What ``@paginate`` adds to the query names none.
    """
    call = call_of(request)
    if call is None:
        return False
    if call.path:
        return True
    pages = {name for name, _ in find_paginators(call.operation.view_func)}
    return any(
        upstream.source_of(model) in _SOURCES and model.model_fields.keys() - pages
        for model in call.operation.models
    )


def sent_fields(request: HttpRequest) -> list[Sent]:
    """Return every field that the operation declares and this request sent, at most 10,000 of them."""
    call = call_of(request)
    if call is None:
        return []
    if call.sent is None:
        call.sent = []
        for model, data in call.inputs.raw(request, call.path):
            if upstream.source_of(model) in _SOURCES and isinstance(data, Mapping):
                _read(model, data, call.sent)
    return call.sent


class _Shape(NamedTuple):
    """What an annotation says of an object: the schemas it may fit, and whether any key may have one of them."""

    schemas: frozenset[Any]
    is_mapping: bool


def _read(model: Any, data: Mapping[str, Any], found: list[Sent]) -> None:
    if upstream.lost("fields") is not None:
        return
    source = upstream.source_of(model)
    is_flat = bool(upstream.flat_names(model))
    if is_flat:
        # A form, a query and a path have no levels; this puts a schema's fields below the view's parameter.
        data = upstream.nest(model, dict(data))
    walk = _Walk(source, is_flat, found)
    single = upstream.single_of(model)
    for name, field in model.model_fields.items():
        key = next((key for key in (*_keys(name, field, model), name) if key in data), None)
        if key is None:
            continue
        value, shape = data[key], _shape(field.annotation)
        # The client wrote the schema's fields, and not the name of the view's parameter.
        unnamed = single is not None or (is_flat and shape.schemas)
        if unnamed and isinstance(value, dict | list):
            walk.into(shape, value, (source,), 0)
        else:
            walk.add(key, name, value, (source, key))
            walk.into(shape, value, (source, key), 0)


class _Walk:
    """Collects the fields of one source of a request."""

    def __init__(self, source: str, is_flat: bool, found: list[Sent]) -> None:
        self._source = source
        self._is_flat = is_flat
        self._found = found

    def add(self, key: str, name: str, value: Any, loc: tuple[str | int, ...]) -> None:
        self._found.append(Sent(key, frozenset({key, name}), self._source, loc, value))

    def into(self, shape: _Shape, value: Any, loc: tuple[str | int, ...], depth: int) -> None:
        if depth > _MAX_DEPTH or len(self._found) >= _MAX_FIELDS:
            return
        if isinstance(value, list):
            for index, item in enumerate(value):
                self.into(shape, item, (*loc, index), depth + 1)
        elif isinstance(value, Mapping):
            self._into_object(shape, value, loc, depth)

    def _into_object(
        self, shape: _Shape, value: Mapping[str, Any], loc: tuple[str | int, ...], depth: int
    ) -> None:
        left = dict(value)
        for schema in shape.schemas:
            for name, field in schema.model_fields.items():
                key = next((key for key in _keys(name, field, schema) if key in left), None)
                if key is not None:
                    item = left.pop(key)
                    here = (self._source, key) if self._is_flat else (*loc, key)
                    self.add(key, name, item, here)
                    self.into(_shape(field.annotation), item, here, depth + 1)
        # A body without a schema, as `data: dict` is: what the client wrote is all there is to go by.
        is_free = not shape.schemas or any(
            schema.model_config.get("extra") == "allow" for schema in shape.schemas
        )
        for key, item in left.items():
            name = str(key)[:100]
            if is_free:
                self.add(name, name, item, (*loc, name))
            if is_free or shape.is_mapping:
                self.into(shape, item, (*loc, name), depth + 1)


def _keys(name: str, field: Any, schema: Any) -> Iterator[str]:
    """Yield the keys under which pydantic looks for a field."""
    alias = field.validation_alias or field.alias
    choices = alias.choices if isinstance(alias, AliasChoices) else [alias] if alias else []
    for choice in choices:
        yield str(choice.path[0]) if isinstance(choice, AliasPath) else str(choice)
    config = schema.model_config
    if not choices or config.get("populate_by_name") or config.get("validate_by_name"):
        yield name


def _shape(annotation: Any, depth: int = 0) -> _Shape:
    """Find the schemas inside of an annotation: in a list, in a union, in ``PatchDict[…]``."""
    if depth > _MAX_DEPTH:
        return _Shape(frozenset(), False)
    annotation = upstream.patched_schema(annotation) or annotation
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if upstream.is_root_model(annotation):
            return _shape(annotation.model_fields["root"].annotation, depth + 1)
        return _Shape(frozenset({annotation}), False)
    inner = [getattr(annotation, "__value__", None), *get_args(annotation)]
    shapes = [_shape(each, depth + 1) for each in inner if each is not None]
    origin = get_origin(annotation)
    is_mapping = isinstance(origin, type) and issubclass(origin, Mapping)
    return _Shape(
        frozenset[Any]().union(*(shape.schemas for shape in shapes)),
        is_mapping or any(shape.is_mapping for shape in shapes),
    )
