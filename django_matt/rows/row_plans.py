"""Row plans: one schema matched with one model, as the columns to select and the steps that write them."""

from dataclasses import dataclass, replace
from typing import Any

import orjson
from django.db import connections
from django.db.models import Model

from django_matt.rows.columns import column_of
from django_matt.rows.drivers import is_raw
from django_matt.rows.nested_lists import Key, NestedList
from django_matt.rows.row_writers import COMPILED, WriteStep, row_writer_of
from django_matt.rows.select import Select
from django_matt.serialization.core_schemas import TierUnavailable
from django_matt.serialization.encoder import KINDS
from django_matt.serialization.requirements import (
    accessor_of,
    has_attribute,
    is_joinable,
    is_quiet,
    is_reverse,
    is_stock,
    relations_of,
)
from django_matt.upstream import Query

__all__ = ["RowPlan"]

_MODEL, _LIST, _LINK = KINDS["model"], KINDS["list"], KINDS["link"]
_COMPOSITES = frozenset({_LIST, _MODEL, KINDS["any"]})


@dataclass(frozen=True, slots=True)
class _Place:
    """An object of the response while its fields are matched: the object itself, or one that is joined to it.

    ``prefix`` is Django's lookup up to it (``"author__"``), ``path`` the schemas around it, ``key`` the index of the column
    that is NULL where the object does not exist.
    """

    model: Any
    prefix: str = ""
    path: tuple[Any, ...] = ()
    key: int | None = None


class RowPlan(Select):
    """The columns and steps for one schema and one model."""

    def __init__(
        self,
        node: Any,
        model: type[Model],
        using: str,
        encoder: Any,
        *,
        annotations: frozenset[str] = frozenset(),
        values: frozenset[str] | None = None,
        path: tuple[Any, ...] = (),
        first: tuple[Any, ...] = (),
    ) -> None:
        """Match every field of a schema with the model, or raise ``TierUnavailable`` with the field that does not match.

        ``annotations`` are the queryset's, ``values`` the columns of its ``values()`` (None if it gives instances).
        ``first`` are columns to select before all others: a nested list has the key of the object there.
        """
        super().__init__(model, using, values, first)
        self.encoder = encoder
        self.annotations = annotations
        self.compiled = COMPILED and encoder.COMPILED and is_raw(connections[using])
        self.as_text = self.compiled and connections[using].vendor == "postgresql"
        # Names of the outermost model: the relations that are joined, and everything that is read.
        self.joined_relations: set[str] = set()
        self.read: set[str] = set()
        place = _Place(model, path=path)
        if node.kind == _LINK:
            # A list of links, as ModelSchema makes it of a many-to-many field: each item is a primary key, not an object.
            key = encoder.Field("pk", "pk", "", encoder.Node("any", "key"), None)
            self._add_column(WriteStep("fragment"), place, model._meta.pk, key.node)
        else:
            self.steps.append(WriteStep("object"))
            self._add_object(node, place)
        self.row_writer = row_writer_of(self.steps, compiled=self.compiled)

    def _add_object(self, node: Any, place: _Place) -> None:
        """Add the steps of an object: a brace, its fields, a brace."""
        model = place.model
        if not node.getter:
            raise TierUnavailable(f"{node.name} is not a Schema of Ninja")
        if self.values is None and not is_quiet(model):
            raise TierUnavailable(f"{model.__name__} creates its instances itself")
        # A schema inside itself (a tree) would have no end.
        if any(node.fields is seen for seen in place.path):
            raise TierUnavailable(f"{node.name} contains itself")
        below = replace(place, path=(*place.path, node.fields))
        for field in node.fields:
            step = WriteStep(
                "fragment",
                f"{field.wire}, {field.node.name}",
                prefix=b",%b:" % orjson.dumps(field.wire),
                nullable=bool(field.node.nullable),
                omit=bool(node.skip_none),
            )
            if self.values is None:
                self._add_field(step, below, self._attribute_of(field, place), field)
            else:
                self._add_value(step, below, field, self.values | self.annotations)
        self.steps.append(WriteStep("end"))

    def _attribute_of(self, field: Any, place: _Place) -> str:
        """Return the attribute that a field reads: its alias, or its name if instances have no such attribute."""
        key: str = field.key
        made = not place.prefix and key in self.annotations
        if field.other and field.simple_key and not made and not has_attribute(place.model, key):
            key = field.other
        return str(place.model._meta.pk.attname) if key == "pk" else key

    def _add_field(self, step: WriteStep, place: _Place, name: str, field: Any) -> None:
        """Add the steps of one field of an instance: a column, a joined object or a nested list."""
        meta, node = place.model._meta, field.node
        relation = relations_of(place.model).get(name)
        if not place.prefix and name in self.annotations:
            self._add_column(step, place, name, node)
        elif relation is None:
            found = next((f for f in meta.concrete_fields if name in (f.name, f.attname)), None)
            if found is None:
                raise TierUnavailable(
                    f"{name} is not a column, annotation or relation of {meta.object_name}"
                )
            self._add_column(step, place, found, node)
        elif node.kind == _MODEL and (relation.one_to_one or relation.many_to_one):
            self._add_joined_object(step, place, relation, field)
        elif node.kind == _LIST and (relation.one_to_many or relation.many_to_many):
            self._add_nested_list(step, place, relation, node)
        else:
            raise TierUnavailable(f"{name} is a relation, and its schema is of another shape")
        if relation is not None and not is_stock(place.model, name):
            raise TierUnavailable(f"{name} is read through a custom descriptor")

    def _add_value(self, step: WriteStep, place: _Place, field: Any, given: frozenset[str]) -> None:
        """Add the step of one field, read from a dictionary of ``values()``."""
        name: str = field.key if field.key in given or not field.other else field.other
        if name in self.annotations:
            self._add_column(step, place, name, field.node)
        elif name in given:
            _, _, targets, _ = Query(place.model).names_to_path(name.split("__"), place.model._meta)
            self._add_column(step, replace(place, model=None), targets[0], field.node, name)
        else:
            raise TierUnavailable(f"values() does not return {name}")

    def _add_column(
        self, step: WriteStep, place: _Place, field: Any, node: Any, name: str = ""
    ) -> None:
        """Add the step that writes a column. ``field`` is a model field, or the name of an annotation."""
        name = name or (field if isinstance(field, str) else field.attname)
        self.read.add(name)
        column = column_of(
            place.model,
            None if isinstance(field, str) else field,
            node,
            self.using,
            self.encoder,
            compiled=self.compiled,
        )
        step.code = column.code
        step.least, step.most = column.least, column.most
        step.slow, step.known = column.slow, column.known
        step.column = len(self.selected)
        step.nullable |= column.code == "fragment"
        if column.code == "fragment":
            self.converted_columns[len(self.steps)] = column, place.key
            self.has_unknown_types |= isinstance(field, str) and node.kind in _COMPOSITES
        if column.types is not None:
            self.expected_types.append((step.column, column.types, step.name))
        self.selected.append(column.select(place.prefix + name))
        self.steps.append(step)

    def _add_joined_object(self, step: WriteStep, place: _Place, relation: Any, field: Any) -> None:
        """Add the steps of a to-one relation: its object is joined, and written unless its key is NULL.

        Each of the reasons below is a case in which an SQL join would find another object than Django's attribute, or none.
        """
        name, target = accessor_of(relation), relation.related_model
        if target is None:
            raise TierUnavailable(f"{name} is a relation that may refer to any model")
        if (target._meta.pk if is_reverse(relation) else relation).column is None:
            raise TierUnavailable(f"{name} is matched by several columns")
        if relation.concrete and not relation.db_constraint:
            raise TierUnavailable(f"{name} may refer to a row that does not exist")
        if not is_joinable(target):
            raise TierUnavailable(f"{name} is found by the base manager of {target.__name__}")
        if not relation.concrete and relation.name != name:
            raise TierUnavailable(f"{name} has another name in queries")
        self.relations.append((place.model, target, name))
        if not place.prefix:
            self.joined_relations.add(name)
        key = relation.attname if relation.concrete else f"{name}__{target._meta.pk.attname}"
        step.code, step.name, step.column = "joined", name, len(self.selected)
        if not relation.concrete:
            # On the reverse side of a one-to-one, an object that does not exist is a missing attribute. Ninja then takes the
            # field's default. Only a default of None can be written as NULL.
            default_where_missing = field.simple_key and not hasattr(place.model, "__getitem__")
            step.nullable &= default_where_missing and field.default is None
            step.omit |= field.node.skip_unset
        self.selected.append(Key(place.prefix + key))
        self.steps.append(step)
        below = _Place(target, f"{place.prefix}{name}__", place.path, step.column)
        self._add_object(field.node, below)
        # Where the key is NULL, the row writer goes on after the object's last step.
        step.end = len(self.steps)

    def _add_nested_list(self, step: WriteStep, place: _Place, relation: Any, node: Any) -> None:
        """Add the step of a to-many relation, and the primary key by which its items are found."""
        name = accessor_of(relation)
        column = self.key_columns.setdefault(place.prefix, len(self.selected))
        if column == len(self.selected):
            self.selected.append(Key(place.prefix + place.model._meta.pk.attname))
        step.code, step.name, step.column = "nested", name, column
        nested = NestedList(relation, node, self, place.model, place.path)
        if self.as_text and nested.types is not None:
            self.expected_types.append((column, nested.types, name))
        self.nested_lists[len(self.steps)] = nested
        self.relations += [(place.model, relation.related_model, name), *nested.row_plan.relations]
        self.steps.append(step)
