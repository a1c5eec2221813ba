"""Requirements: what a schema reads of a model and of the models related to it, including what ``needs`` declares."""

import inspect
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar, get_args

from django.db.models import ForeignObjectRel, Manager, Model, QuerySet
from django.db.models.signals import post_init
from pydantic import BaseModel, RootModel

from django_matt import upstream

__all__ = [
    "NARROWED",
    "ModelRequirements",
    "accessor_of",
    "has_attribute",
    "is_generic",
    "is_joinable",
    "is_quiet",
    "is_reverse",
    "is_stock",
    "joins_by_key",
    "keys_of",
    "needs",
    "needs_of",
    "relations_of",
    "schemas_in",
]

F = TypeVar("F", bound=Callable[..., Any] | property)

NARROWED: set[type[Model]] = set()
"""The models that a scope narrows (``django_matt.scopes``): a request may not find what a key refers to."""

_NEEDS = "_matt_needs"
# A schema may contain itself. So many of its levels are planned; deeper ones are read when they are reached.
_TURNS = 2


def needs(*paths: str) -> Callable[[F], F]:
    """Declare which columns and relations a property, a method, a resolver or a route reads, as Django's lookups.

    Django Matt cannot look into Python code. What you declare here is loaded with the queryset, so that it causes no N+1.

    >>> @needs("author", "tags")
    ... def resolve_label(book: Any) -> str:
    ...     return f"{book.author.name}: {len(book.tags.all())}"
    """

    def declare(function: F) -> F:
        setattr(_function_of(function), _NEEDS, paths)
        return function

    return declare


def _function_of(attribute: Any) -> Any:
    for name in ("fget", "__func__", "func"):
        attribute = getattr(attribute, name, None) or attribute
    return attribute


def needs_of(attribute: Any) -> tuple[str, ...] | None:
    """Return what ``needs`` declared on a property, method, resolver or view; None if it was not used."""
    found: tuple[str, ...] | None = getattr(_function_of(attribute), _NEEDS, None)
    return found


class ModelRequirements:
    """What is read of one model: its columns (None means all), and for each relation what is read beyond it."""

    def __init__(self, model: type[Model]) -> None:
        """Start with nothing, or with every column if the model reads its own columns when an instance is made."""
        self.model = model
        self.columns: set[str] | None = set() if is_quiet(model) else None
        self.one: dict[str, ModelRequirements] = {}
        self.many: dict[str, ModelRequirements] = {}
        # ``other``: relations that only their own descriptors can load. ``unknown``: attributes that the model does not declare.
        self.other: set[str] = set()
        # For generic foreign keys, what is read of their objects whatever the model: attributes, annotation, schemas above.
        self.generic: dict[str, list[tuple[list[str], Any, tuple[Any, ...]]]] = {}
        self._beyond_generic: dict[tuple[str, type[Model]], ModelRequirements] = {}
        self.unknown: dict[str, Any] = {}
        # Whether code reads the instances without declaring it with ``needs``: it may query the database for more.
        self.by_code = False

    def read(self, annotation: Any, path: tuple[Any, ...] = ()) -> None:
        """Add what the schemas in an annotation read."""
        for schema in schemas_in(annotation):
            if path.count(schema) >= _TURNS:
                self.columns = None
                continue
            resolvers = upstream.resolvers_of(schema)
            for name, field in schema.model_fields.items():
                keys = keys_of(schema, name)
                resolver = next((resolvers[key] for key in keys if key in resolvers), None)
                if resolver is not None:
                    self.declare(needs_of(upstream.function_of(resolver)))
                    continue
                key = next((key for key in keys if has_attribute(self.model, key)), keys[-1])
                self.follow(key.split("."), field.annotation, (*path, schema))

    def declare(self, paths: Iterable[str] | None) -> None:
        """Add what ``needs`` names, or every column if nothing was declared."""
        if paths is None:
            self.columns = None
            self.by_code = True
        for path in paths or ():
            self.follow(path.split("__"), Any, ())

    def follow(self, parts: list[str], annotation: Any, path: tuple[Any, ...]) -> None:
        """Add what one attribute reads, and the attributes after it: ``["author", "name"]``."""
        key, rest = parts[0], parts[1:]
        meta = self.model._meta
        if key == "pk":
            key = meta.pk.attname
        field = relations_of(self.model).get(key)
        if field is None:
            column = next((f for f in meta.concrete_fields if key in (f.name, f.attname)), None)
            if column is not None:
                self._need(column.name)
            elif (attribute := inspect.getattr_static(self.model, key, None)) is not None:
                self.declare(needs_of(attribute))
            else:
                self.unknown[key] = annotation
            return
        below = self._beyond(key, field)
        if below is not None:
            below.enter(rest, annotation, path)
        elif field.related_model is None:
            self.generic.setdefault(key, []).append((rest, annotation, path))

    def enter(self, parts: list[str], annotation: Any, path: tuple[Any, ...]) -> None:
        """Add what is read of a related object: one attribute, what its schemas read, or every column."""
        if parts:
            self.follow(parts, annotation, path)
        elif any(schemas_in(annotation)):
            self.read(annotation, path)
        elif not _is_link(annotation):
            self.columns = None
            self.by_code = True

    def beyond(self, key: str, model: type[Model]) -> "ModelRequirements":
        """Return what is read of the objects of one model behind a generic foreign key."""
        found = self._beyond_generic.get((key, model))
        if found is None:
            found = self._beyond_generic[key, model] = ModelRequirements(model)
            for parts, annotation, path in self.generic[key]:
                found.enter(parts, annotation, path)
        return found

    def _beyond(self, key: str, field: Any) -> "ModelRequirements | None":
        """Return the requirements of a relation, after adding the columns with which Django matches both sides."""
        target = field.related_model
        if target is None:
            for name in ("ct_field", "fk_field"):
                if hasattr(field, name):
                    self._need(getattr(field, name))
            self.other.add(key)
            return None
        if is_generic(field):
            below = self.many.setdefault(key, ModelRequirements(target))
            below._need(field.content_type_field_name)
            below._need(field.object_id_field_name)
            return below
        if field.one_to_one or field.many_to_one:
            if not is_reverse(field):
                for matched in field.local_related_fields:
                    self._need(matched.name)
            elif field.name != key:
                self.other.add(key)
                return None
            return self.one.setdefault(key, ModelRequirements(target))
        below = self.many.setdefault(key, ModelRequirements(target))
        if field.one_to_many:
            for matched in field.field.local_related_fields:
                below._need(matched.name)
            for matched in field.field.foreign_related_fields:
                self._need(matched.name)
        elif not joins_by_key(field):
            self.columns = below.columns = None
        return below

    def _need(self, column: str) -> None:
        if self.columns is not None:
            self.columns.add(column)


def keys_of(schema: type[BaseModel], name: str) -> list[str]:
    """Return the keys that a schema's field is read from, in order: its alias, its name. The first that exists counts."""
    alias, config = schema.model_fields[name].alias, schema.model_config
    by_name = config.get("populate_by_name") or config.get("validate_by_name")
    if alias is None or config.get("validate_by_alias") is False:
        return [name]
    return [alias, name] if by_name else [alias]


def has_attribute(model: type[Model], key: str) -> bool:
    """Tell whether every instance of a model has an attribute; of a dotted key, the first part counts."""
    if hasattr(model, "__getattr__") or hasattr(model, "__getitem__"):
        return True
    return inspect.getattr_static(model, key.partition(".")[0], None) is not None


def schemas_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield the schemas in an annotation: in a list, an optional value, a union."""
    if isinstance(annotation, type) and not get_args(annotation):
        if issubclass(annotation, RootModel):
            yield from schemas_in(annotation.model_fields["root"].annotation)
        elif issubclass(annotation, BaseModel):
            yield annotation
        return
    for argument in get_args(annotation):
        yield from schemas_in(argument)


def relations_of(model: type[Model]) -> dict[str, Any]:
    """Return the relations of a model in both directions, by the name of the attribute."""
    fields: list[Any] = [field for field in model._meta.get_fields() if field.is_relation]
    return {accessor_of(field): field for field in fields}


def is_reverse(relation: Any) -> bool:
    """Tell whether a relation is declared on the other model.

    ``concrete`` does not tell: a many-to-many field has it on Django 5.2, and has not on 6.1.
    """
    return isinstance(relation, ForeignObjectRel)


def is_generic(relation: Any) -> bool:
    """Tell whether a relation is a ``GenericRelation``. The contenttypes app need not be installed."""
    return hasattr(relation, "content_type_field_name")


def accessor_of(field: Any) -> str:
    """Return the name of the attribute of a relation."""
    name: str = field.get_accessor_name() if is_reverse(field) else field.name
    return name


def _is_link(annotation: Any) -> bool:
    """Tell whether an annotation is the list of keys that ``ModelSchema`` makes of a many-to-many field."""
    return any(map(upstream.is_m2m_link, get_args(annotation)))


def joins_by_key(field: Any) -> bool:
    """Tell whether a many-to-many relation matches primary keys, which are always loaded."""
    through = (field if is_reverse(field) else field.remote_field).through
    return all(
        key.primary_key
        for link in through._meta.concrete_fields
        if link.many_to_one
        for key in link.foreign_related_fields
    )


def is_joinable(model: type[Model]) -> bool:
    """Tell whether a join finds the same object as Django's attribute: the base manager filters nothing."""
    manager: Any = model._base_manager
    usual = type(manager).get_queryset is Manager.get_queryset
    return usual and manager._queryset_class is QuerySet and model not in NARROWED


def is_quiet(model: type[Model]) -> bool:
    """Tell whether making an instance reads none of its columns. Otherwise a deferred one would be queried again at once."""
    usual = all(
        getattr(model, name) == getattr(Model, name) for name in ("__init__", "__getattribute__")
    )
    own = model.from_db.__func__ is Model.from_db.__func__  # type: ignore[attr-defined]
    return usual and own and not post_init.has_listeners(model)


def is_stock(model: type[Model], name: str) -> bool:
    """Tell whether an attribute is Django's own descriptor for a relation, not one that a subclass put in its place."""
    descriptor = type(inspect.getattr_static(model, name, None))
    return descriptor.__module__ == "django.db.models.fields.related_descriptors"
