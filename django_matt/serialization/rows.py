"""The rows tier: a queryset's answer from the driver's raw rows, without an object, a dictionary or a validator a row.

A template says once, for a schema and a model, which columns make the answer. The ORM compiles the query for just
those; a compiled program writes JSON from the rows as the driver gives them. Whatever is not understood raises
``Closed`` before the query, ``Fallback`` after it, and the instances tier answers.
"""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import connections
from django.db.models.query import ModelIterable

from django_matt.serialization.core_schemas import Closed
from django_matt.serialization.encoder import KINDS, Fallback
from django_matt.serialization.selections import TooMany
from django_matt.serialization.statements import check
from django_matt.serialization.templates import Template

__all__ = ["Rendered", "RenderedIterable", "RowsPlan"]

# After so many answers that had to be made again by the next tier, it is asked at once.
_MISFITS = 3
_TEMPLATES = 256
_VENDORS = frozenset({"sqlite", "postgresql"})
_MODEL, _LIST = KINDS["model"], KINDS["list"]


class Rendered:
    """The JSON array of a page's items, standing in the page for them."""

    def __init__(self, body: bytes) -> None:
        """Take the array."""
        self.body = body


class RenderedIterable(ModelIterable):  # type: ignore[type-arg]
    """What a postponed queryset iterates over; see ``RowsPlan.postpone``."""


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

    def template(self, queryset: Any) -> Template:
        """Return what to select for a queryset, or raise ``Closed``."""
        check(queryset)
        names = frozenset(queryset.query.annotation_select)
        plain = queryset._fields is None
        values = None if plain else frozenset(queryset.query.values_select)
        using = queryset.db
        key = (queryset.model, using, names, values, settings.USE_TZ, connections[using].timezone)
        known = self._templates.get(key)
        if known is None:
            try:
                known = self._compile(queryset.model, using, names, values)
            except Closed as closed:
                known = str(closed)
            if len(self._templates) >= _TEMPLATES:
                self._templates.clear()
                self._misfits.clear()
            self._templates[key] = known
        if isinstance(known, str):
            raise Closed(known)
        if values is not None and queryset.query.distinct and names | values != known.read:
            raise Closed("the query is distinct by what is not answered")
        for field in queryset._known_related_objects:
            if field.name in known.ones:
                raise Closed(f"{field.name}: the instance that the queryset came from is kept")
        return known

    @property
    def shape(self) -> str | None:
        """What closes the tier for lists whatever the queryset."""
        node = self.node
        if node.kind != _LIST or node.item.kind != _MODEL or node.item.nullable:
            return "the response is no list of a schema"
        if node.longest >= 0 or node.shortest > 0:
            return "the length of the list is bounded"
        return None

    def _compile(
        self, model: Any, using: str, names: frozenset[str], values: frozenset[str] | None
    ) -> Template:
        node = self.node
        if connections[using].vendor not in _VENDORS:
            raise Closed(f"rows of {connections[using].vendor} are not known")
        if node.kind != _MODEL:
            if self.shape is not None:
                raise Closed(self.shape)
            node = node.item
        return Template(node, model, using, self.encoder, annotations=names, values=values)

    def encode(self, queryset: Any, most: int | None = None) -> bytes:
        """Return the JSON array of a queryset, or raise ``Closed`` or ``Fallback``; ``TooMany`` past ``most`` rows."""
        if self.shape is not None:
            raise Closed(self.shape)
        return b"[%b]" % (self._answer(queryset, most) or b"")

    def encode_one(self, queryset: Any) -> bytes | None:
        """Return the JSON of the one object of a queryset, None where there is none, as ``get`` finds it.

        Raises ``MultipleObjectsReturned`` of the queryset's model, ``Closed`` or ``Fallback``.
        """
        if self.node.kind != _MODEL:
            raise Closed("the response is no schema")
        try:
            return self._answer(queryset, 1)
        except TooMany:
            name = queryset.model.__name__
            raise queryset.model.MultipleObjectsReturned(
                f"There is more than one {name}."
            ) from None

    def _answer(self, queryset: Any, most: int | None) -> bytes | None:
        """Return the objects with commas between; None where there are none."""
        template = self.template(queryset)
        if self._misfits.get(template, 0) >= _MISFITS:
            raise Closed("values of other requests did not fit the schema as they stand")
        try:
            return template.write(queryset, most)
        except Fallback as misfit:
            self._misfits[template] = self._misfits.get(template, 0) + 1
            raise Fallback(f"a value does not fit as it stands: {misfit}") from None

    def postpone(self, queryset: Any, apply: Callable[[Any, Exception], Any]) -> Any:
        """Return a queryset that gives, whoever slices and evaluates it, one ``Rendered`` instead of its items.

        Where the rows turn out to be none that can be written, it gives the items that ``apply`` prepares, told why.
        """
        self.template(queryset)
        encode = self.encode
        iterable, lookups = queryset._iterable_class, queryset._prefetch_related_lookups

        class Postponed(RenderedIterable):
            def __iter__(self) -> Any:
                plain: Any = self.queryset._chain()  # type: ignore[attr-defined]
                plain._iterable_class = iterable
                plain._prefetch_related_lookups = lookups
                try:
                    yield Rendered(encode(plain))
                except (Closed, Fallback) as closed:
                    yield from apply(plain, closed)

        made = queryset._chain()
        made._iterable_class = Postponed
        made._prefetch_related_lookups = ()
        return made

    def queries(self, queryset: Any) -> list[str]:
        """Return the queries that would be made, for people to read."""
        return self.template(queryset).queries(queryset)
