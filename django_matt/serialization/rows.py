"""The rows tier: a queryset's answer from the driver's raw rows, without an object, a dictionary or a validator a row.

A template says once, for a schema and a model, which columns make the answer. The ORM compiles the query for just
those; the rows are turned into columns; each column is checked and converted as a whole; orjson writes. Whatever is not
understood raises ``Closed`` before the query, ``Fallback`` after it, and the instances tier answers.
"""

import inspect
from collections.abc import Callable, Generator
from contextlib import suppress
from itertools import compress
from typing import Any

import orjson
from django.db import connections, router
from django.db.models import F, Model, QuerySet
from django.db.models.query import ModelIterable
from django.db.models.sql import Query

from django_matt.serialization.core_schemas import Closed
from django_matt.serialization.encoder import KINDS, Fallback
from django_matt.serialization.levels import is_quiet, is_reverse, joins_by_key, relations_of
from django_matt.serialization.querysets import is_simple
from django_matt.serialization.writers import Writer, converted, writer_of

__all__ = ["EVALUATES", "Rendered", "RenderedIterable", "RowsPlan", "TooMany"]

_VENDORS = frozenset({"sqlite", "postgresql"})
EVALUATES = (
    "__iter__",
    "_fetch_all",
    "_clone",
    "_chain",
    "all",
    "annotate",
    "filter",
    "using",
    "values_list",
    "_values",
)
# As many keys as one IN takes on any build of SQLite (SQLITE_MAX_VARIABLE_NUMBER).
_KEYS = 30_000
# After so many answers that had to be made again by the next tier, it is asked at once.
_MISFITS = 3
_TEMPLATES = 256
_MODEL, _LIST, _LINK = KINDS["model"], KINDS["list"], KINDS["link"]


class TooMany(Exception):  # noqa: N818 - no error
    """A list has more rows than it should be read in whole."""


class Rendered:
    """The JSON array of a page's items, standing in the page for them."""

    def __init__(self, body: bytes) -> None:
        """Take the array."""
        self.body = body


class RenderedIterable(ModelIterable):  # type: ignore[type-arg]
    """What a postponed queryset iterates over; see ``RowsPlan.postpone``."""


class _Key(F):
    """A key by which rows are put together: another column than the same one written."""

    default_alias = "matt_key"


class RowsPlan:
    """Answers querysets against one list of a schema, where every field is a column, an annotation or a relation."""

    def __init__(self, node: Any, encoder: Any) -> None:
        """Take the node of the list, and the encoder that writes what no column writer knows."""
        self.node = node
        self.encoder = encoder
        self._templates: dict[Any, Template | str] = {}
        self._misfits: dict[Template, int] = {}

    def reason(self, queryset: Any) -> str | None:
        """Say why the tier is closed for a queryset; None where it is open."""
        try:
            self.template(queryset)
        except Closed as closed:
            return str(closed)
        return None

    def template(self, queryset: Any) -> "Template":
        """Return what to select for a queryset, or raise ``Closed``."""
        check(queryset)
        names = frozenset(queryset.query.annotation_select)
        key = (queryset.model, queryset.db, names)
        known = self._templates.get(key)
        if known is None:
            try:
                known = self._compile(queryset, names)
            except Closed as closed:
                known = str(closed)
            if len(self._templates) >= _TEMPLATES:
                self._templates.clear()
                self._misfits.clear()
            self._templates[key] = known
        if isinstance(known, str):
            raise Closed(known)
        for field in queryset._known_related_objects:
            if field.name in known.ones:
                raise Closed(f"{field.name}: the instance that the queryset came from is kept")
        return known

    @property
    def shape(self) -> str | None:
        """What closes the tier whatever the queryset."""
        node = self.node
        if node.kind != _LIST or node.item.kind != _MODEL or node.item.nullable:
            return "the response is no list of a schema"
        if node.longest >= 0 or node.shortest > 0:
            return "the length of the list is bounded"
        return None

    def _compile(self, queryset: Any, names: frozenset[str]) -> "Template":
        node = self.node
        if self.shape is not None:
            raise Closed(self.shape)
        return Template(node.item, queryset.model, queryset.db, self.encoder, annotations=names)

    def encode(self, queryset: Any, most: int | None = None) -> bytes:
        """Return the JSON of a queryset, or raise ``Closed`` or ``Fallback``; ``TooMany`` past ``most`` rows."""
        template = self.template(queryset)
        # A router may name another database each time that it is asked.
        queryset = queryset.using(template.using)
        if self._misfits.get(template, 0) >= _MISFITS:
            raise Closed("values of other requests did not fit the schema as they stand")
        try:
            return orjson.dumps(template.fetch(queryset, most=most), option=orjson.OPT_UTC_Z)
        except orjson.JSONEncodeError:
            reason = "a value that orjson does not write"
        except Fallback as misfit:
            reason = f"a value does not fit as it stands: {misfit}"
        self._misfits[template] = self._misfits.get(template, 0) + 1
        raise Fallback(reason)

    def postpone(self, queryset: Any, apply: Callable[[Any], Any]) -> Any:
        """Return a queryset that gives, whoever slices and evaluates it, one ``Rendered`` instead of its items.

        Where the rows turn out to be none that can be written, it gives the items that ``apply`` prepares.
        """
        self.template(queryset)
        encode = self.encode
        lookups = queryset._prefetch_related_lookups

        class Postponed(RenderedIterable):
            def __iter__(self) -> Any:
                plain: Any = self.queryset._chain()  # type: ignore[attr-defined]
                plain._iterable_class = ModelIterable
                plain._prefetch_related_lookups = lookups
                try:
                    yield Rendered(encode(plain))
                except (Closed, Fallback):
                    yield from apply(plain)

        made = queryset._chain()
        made._iterable_class = Postponed
        made._prefetch_related_lookups = ()
        return made

    def queries(self, queryset: Any) -> list[str]:
        """Return the queries that would be made, for people to read."""
        return self.template(queryset).queries(queryset)


class Template:
    """One object of the answer: its columns, and the objects and lists inside."""

    def __init__(
        self,
        node: Any,
        model: type[Model],
        using: str,
        encoder: Any,
        *,
        prefix: str = "",
        annotations: frozenset[str] = frozenset(),
        path: tuple[Any, ...] = (),
    ) -> None:
        """Find every field of a node in the model, or raise ``Closed``."""
        if not node.getter:
            raise Closed(f"{node.name} is no Schema of Ninja's")
        if not is_quiet(model):
            raise Closed(f"{model.__name__} makes its instances in its own way")
        if any(model._meta.parents.values()):
            raise Closed(f"{model.__name__} inherits columns of another table")
        if any(node.fields is seen for seen in path):
            raise Closed(f"{node.name} holds itself")
        self.model = model
        self.using = using
        self.encoder = encoder
        self.prefix = prefix
        self.skip_none = node.skip_none
        self.path = (*path, node.fields)
        self.annotations = annotations
        self.keys: list[str] = []
        self.selected: list[Any] = []
        self.parts: list[Callable[[list[list[Any]]], list[Any]]] = []
        self.writers: dict[int, Writer] = {}
        self.ones: dict[str, Template] = {}
        # Where the columns of joined objects stand, each after its key: outer ones before those inside.
        self.nested: list[tuple[int, int]] = []
        self.manys: list[Many] = []
        self.pk: int | None = None
        for field in node.fields:
            self.keys.append(field.wire)
            self._add(field)
        self._make = _maker(self.keys)

    def _add(self, field: Any) -> None:
        key = self.model._meta.pk.name if field.key == "pk" else field.key
        relation = relations_of(self.model).get(key)
        if not self.prefix and key in self.annotations:
            self._column(key, writer_of(self.model, None, field.node, self.using, self.encoder))
        elif relation is None:
            meta = self.model._meta
            found = next((f for f in meta.concrete_fields if key in (f.name, f.attname)), None)
            if found is None:
                raise Closed(f"{key} is no column, annotation or relation of {meta.object_name}")
            self._column(
                found.attname, writer_of(self.model, found, field.node, self.using, self.encoder)
            )
        elif field.node.kind == _MODEL and (relation.one_to_one or relation.many_to_one):
            self._one(key, relation, field.node)
        elif field.node.kind == _LIST and (relation.one_to_many or relation.many_to_many):
            self._many(key, relation, field.node)
        else:
            raise Closed(f"{key} is a relation, and its schema is of another shape")
        if relation is not None and not _is_stock(self.model, key):
            raise Closed(f"{key} is read through a descriptor of the project's own")

    def _column(self, name: str, writer: Writer) -> None:
        index = len(self.selected)
        self.writers[index] = writer
        self.selected.append(writer.select(self.prefix + name))
        self.parts.append(lambda columns: columns[index])

    def _one(self, name: str, relation: Any, node: Any) -> None:
        target = relation.related_model
        if target is None:
            raise Closed(f"{name} is a relation to any model")
        if relation.concrete and not relation.db_constraint:
            raise Closed(f"{name} may point at a row that is not there")
        if not relation.concrete and relation.name != name:
            raise Closed(f"{name} has another name in queries")
        if router.routers and not router.allow_migrate_model(self.using, target):
            raise Closed(f"{name} is in another database")
        below = Template(
            node, target, self.using, self.encoder, prefix=f"{self.prefix}{name}__", path=self.path
        )
        if below.manys:
            raise Closed(f"{name} holds lists")
        key = relation.attname if relation.concrete else f"{name}__{target._meta.pk.attname}"
        start = len(self.selected)
        self.selected.append(_Key(self.prefix + key))
        for index, writer in below.writers.items():
            self.writers[start + 1 + index] = writer
        self.selected.extend(below.selected)
        stop = len(self.selected)
        self.ones[name] = below
        optional = node.nullable and relation.concrete

        def read(columns: list[list[Any]]) -> list[Any]:
            keys = columns[start]
            made = below.objects(columns[start + 1 : stop])
            if None not in keys:
                return made
            if not optional:
                raise Fallback(name)
            # What is not there has no values in the columns (see ``write``).
            there = iter(made)
            return [None if key is None else next(there) for key in keys]

        self.parts.append(read)
        self.nested.append((start, stop))
        self.nested.extend((start + 1 + first, start + 1 + last) for first, last in below.nested)

    def _many(self, name: str, relation: Any, node: Any) -> None:
        if self.prefix:
            raise Closed(f"{name} is a list inside a joined object")
        if self.pk is None:
            self.pk = len(self.selected)
            self.selected.append(_Key(self.model._meta.pk.attname))
        many = Many(name, relation, node, self)
        self.manys.append(many)
        pk = self.pk
        self.parts.append(lambda columns: many.fetch(columns[pk]))

    def select(self, queryset: Any, *first: Any) -> Any:
        """Return the queryset of the columns, after ``first`` ones."""
        selected: list[Any] = [*first, *self.selected]
        if queryset.query.distinct:
            # With the key and all else depending on it, rows are as distinct as instances are.
            selected.append(_Key(self.model._meta.pk.attname))
        return queryset.values_list(*selected)

    def fetch(self, queryset: Any, *first: Any, most: int | None = None) -> Any:
        """Return the objects of a queryset; with ``first`` columns, those as well. Raise ``TooMany`` past ``most``."""
        values = self.select(queryset, *first)
        if most is not None:
            values.query.set_limits(high=most + 1)
        compiler = values.query.get_compiler(using=values.db)
        cursor = compiler.execute_sql("cursor")
        if cursor is None:
            return [] if not first else ([], [])
        with cursor:
            rows = cursor.fetchall()
        if not rows:
            return [] if not first else ([], [])
        if most is not None and len(rows) > most:
            raise TooMany
        columns: list[Any] = list(zip(*rows, strict=True))
        skip = len(first)
        # Django's SELECT may end in what only its ORDER BY reads.
        expressions = [found[0] for found in compiler.select[skip:]]
        inner = self.write(columns[skip:], expressions, compiler.connection)
        made = self.objects(inner)
        return made if not first else (columns[0], made)

    def batches(
        self, queryset: Any, rows: int, separator: bytes
    ) -> Generator[tuple[Any, bytes | None]]:
        """Yield from a cursor of the database's the keys of so many rows at a time, and their joined JSON.

        None stands for rows that do not fit.
        """
        values = self.select(queryset, _Key(self.model._meta.pk.attname))
        compiler = values.query.get_compiler(using=values.db)
        cursor = compiler.execute_sql("cursor", chunked_fetch=True)
        if cursor is None:
            return
        expressions = [found[0] for found in compiler.select]
        with cursor:
            while found := cursor.fetchmany(rows):
                keys, *columns = zip(*found, strict=True)
                body = None
                with suppress(Fallback, orjson.JSONEncodeError):
                    made = self.objects(self.write(columns, expressions[1:], compiler.connection))
                    body = _joined(made, separator)
                yield converted(keys, expressions[0], compiler.connection), body

    def write(self, columns: list[Any], expressions: list[Any], connection: Any) -> list[Any]:
        """Return the raw columns written, those of objects that are not there left out."""
        columns = columns[: len(self.selected)]
        for start, stop in self.nested:
            keys = columns[start]
            if None in keys:
                present = [key is not None for key in keys]
                for index in range(start + 1, stop):
                    columns[index] = list(compress(columns[index], present))
        for index, writer in self.writers.items():
            columns[index] = writer.write(columns[index], expressions[index], connection)
        return columns

    def queries(self, queryset: Any, *first: Any) -> list[str]:
        """Return the SQL of a queryset's columns, and of the lists inside, whose keys are those that came back."""
        found = [str(self.select(queryset, *first).query)]
        for many in self.manys:
            found += many.template.queries(many.queryset(), _Key(many.back))
        return found

    def objects(self, columns: list[Any]) -> list[Any]:
        """Return the rows of written columns as dictionaries."""
        made = list(map(self._make, *(part(columns) for part in self.parts)))
        if not self.skip_none:
            return made
        return [{key: value for key, value in row.items() if value is not None} for row in made]


def _joined(objects: list[Any], separator: bytes) -> bytes:
    if separator == b",":
        return orjson.dumps(objects, option=orjson.OPT_UTC_Z)[1:-1]
    return separator.join([orjson.dumps(each, option=orjson.OPT_UTC_Z) for each in objects])


def _is_stock(model: type[Model], name: str) -> bool:
    """Tell whether a relation is read as Django reads it, and not through an override of a subclass."""
    descriptor = type(inspect.getattr_static(model, name, None))
    return descriptor.__module__ == "django.db.models.fields.related_descriptors"


def _maker(keys: list[str]) -> Callable[..., dict[str, Any]]:
    """Return a function of a row's values that makes its dictionary, twice as fast as ``dict(zip(…))``.

    Its source is made of numbers alone, as ``namedtuple`` makes its own; the keys are its globals.
    """
    numbers = range(len(keys))
    arguments = ", ".join(f"value{number}" for number in numbers)
    pairs = ", ".join(f"key{number}: value{number}" for number in numbers)
    names = {f"key{number}": key for number, key in zip(numbers, keys, strict=True)}
    make: Callable[..., dict[str, Any]] = eval(f"lambda {arguments}: {{{pairs}}}", names)  # noqa: S307
    return make


class Many:
    """A list inside an object: what one further query fetches for all the objects."""

    def __init__(self, name: str, relation: Any, node: Any, parent: Template) -> None:
        """Find the way back from the items to the objects, or raise ``Closed``."""
        target = relation.related_model
        through = getattr(relation, "content_type_field_name", None)
        if target is None or through:
            raise Closed(f"{name} is a relation to any model")
        if node.longest >= 0 or node.shortest > 0:
            raise Closed(f"the length of {name} is bounded")
        if router.routers and not router.allow_migrate_model(parent.using, target):
            raise Closed(f"{name} is in another database")
        if relation.one_to_many:
            back = relation.field
            self.back = back.name
            by_key = back.foreign_related_fields == (parent.model._meta.pk,)
        else:
            forward = not is_reverse(relation)
            self.back = relation.related_query_name() if forward else relation.field.name
            by_key = joins_by_key(relation) and target is not parent.model
            if not self.back.isidentifier():
                raise Closed(f"{name} has no way back: its related_name is hidden")
        if not by_key:
            raise Closed(f"{name} is matched by another column than the primary key")
        item = node.item
        if item.nullable or item.kind not in (_MODEL, _LINK):
            raise Closed(f"{name} is a list of no schema")
        self.template = Template(
            _key_node(item, parent.encoder) if item.kind == _LINK else item,
            target,
            parent.using,
            parent.encoder,
            path=parent.path,
        )
        self.links = item.kind == _LINK
        self.using = parent.using

    def queryset(self) -> Any:
        """Return what the relation's own manager would start from."""
        queryset = self.template.model._default_manager.using(self.using)
        check(queryset)
        return queryset

    def fetch(self, keys: Any) -> list[Any]:
        """Return the list of each key, in the keys' order."""
        found: dict[Any, list[Any]] = {key: [] for key in keys}
        asked = list(found)
        for start in range(0, len(asked), _KEYS):
            chosen = self.queryset().filter(**{f"{self.back}__in": asked[start : start + _KEYS]})
            owners, made = self.template.fetch(chosen, _Key(self.back))
            for owner, each in zip(owners, made, strict=True):
                found[owner].append(each["pk"] if self.links else each)
        return [found[key] for key in keys]


def _key_node(link: Any, encoder: Any) -> Any:
    """Return the node of an object that holds the key alone."""
    node = encoder.Node("model", link.name)
    node.getter = True
    node.fields = [encoder.Field("pk", "pk", "pk", encoder.Node("any", "key"), None)]
    return node


def check(queryset: Any) -> None:
    """Raise ``Closed`` with the reason why rows cannot stand for a queryset's instances."""
    query = queryset.query
    if queryset._fields is not None:
        raise Closed("the queryset gives dictionaries or tuples")
    if queryset._iterable_class is not ModelIterable:
        raise Closed("the queryset makes its items in its own way")
    if queryset._result_cache is not None:
        raise Closed("the queryset is already evaluated")
    if type(query) is not Query or any(
        getattr(type(queryset), name) is not getattr(QuerySet, name) for name in EVALUATES
    ):
        raise Closed(f"{type(queryset).__name__} evaluates itself in its own way")
    if not is_simple(query, distinct=True):
        raise Closed("the query is combined, grouped, locked, or holds SQL by hand")
    if query.distinct_fields or (query.distinct and query.annotations):
        raise Closed("the query is distinct by what is not answered")
    if query.deferred_loading != (frozenset(), True):
        raise Closed("the view chose columns by only() or defer()")
    if not all(isinstance(lookup, str) for lookup in queryset._prefetch_related_lookups):
        raise Closed("the view chose a queryset for a Prefetch")
    if connections[queryset.db].vendor not in _VENDORS:
        raise Closed(f"rows of {connections[queryset.db].vendor} are not known")
