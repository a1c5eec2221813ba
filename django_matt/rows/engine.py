"""The rows tier: a queryset's answer from the driver's raw rows, without an object, a dictionary or a validator a row.

A row_plan says once, for a schema and a model, which columns make the answer. The ORM compiles the query for just
those; a compiled program writes JSON from the rows as the driver gives them. Whatever is not understood raises
``TierUnavailable`` before the query, ``ValueMismatch`` after it, and the instances tier answers.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any

from django.conf import settings
from django.db import connections, router
from django.db.models.query import ModelIterable, ValuesIterable

from django_matt.rows.row_plans import RowPlan
from django_matt.rows.select import TooMany
from django_matt.rows.sql_cache import check
from django_matt.serialization.core_schemas import TierUnavailable
from django_matt.serialization.databases import is_read_here
from django_matt.serialization.encoder import KINDS, ValueMismatch

__all__ = ["RenderedItems", "RenderedIterable", "RowsTier"]

logger = logging.getLogger("django_matt")

# The tier pauses for a row_plan after so many answers that did not fit, over at least so many seconds in which none did.
# Both are needed: a client that asks for the one row that does not fit cannot keep others from the tier.
_MISMATCHES = 16
_SECONDS = 10.0
# How many seconds a pause takes: twice as many each time, until an answer fits.
_PAUSE, _LONGEST_PAUSE = 60.0, 960.0
_MAX_ROW_PLANS = 256
_MAX_PAGE_CLASSES = 32
_VENDORS = frozenset({"sqlite", "postgresql"})
_MODEL, _LIST = KINDS["model"], KINDS["list"]


class RenderedItems:
    """The JSON array of a page's items, standing in the page for them."""

    def __init__(self, body: bytes) -> None:
        """Take the array."""
        self.body = body


class RenderedIterable(ModelIterable):  # type: ignore[type-arg]
    """What a postponed queryset iterates over; see ``RowsTier.defer_rendering``.

    Django copies a queryset's class of iterables from copy to copy, and nothing else of ours. So what a page needs are
    attributes of a subclass, which is made once for each plan and way to prefetch.
    """

    plan: "RowsTier"
    fall_back: Callable[[Any, Exception], Any]
    lookups: tuple[str, ...]

    def __iter__(self) -> Any:
        """Yield one ``RenderedItems``, or the items."""
        queryset: Any = self.queryset._chain()  # type: ignore[attr-defined]
        queryset._iterable_class = ModelIterable if queryset._fields is None else ValuesIterable
        queryset._prefetch_related_lookups = self.lookups
        try:
            yield RenderedItems(self.plan.encode(queryset))
        except (TierUnavailable, ValueMismatch) as unavailable:
            yield from self.fall_back(queryset, unavailable)


@dataclass(slots=True)
class _Mismatches:
    """The answers of a row_plan that did not fit since one did."""

    since: float
    count: int = 0
    # When the row_plan is asked again, and how long it then pauses if nothing fits.
    until: float = 0.0
    pause: float = _PAUSE


class RowsTier:
    """Answers querysets against one list of a schema, where every field is a column, an annotation or a relation."""

    def __init__(self, node: Any, encoder: Any) -> None:
        """Take the node of the list, and the encoder that writes what no column writer knows."""
        self.node = node
        self.encoder = encoder
        self._row_plans: dict[Any, RowPlan | str] = {}
        self._mismatches: dict[RowPlan, _Mismatches] = {}
        self._page_classes: dict[Any, type[RenderedIterable]] = {}

    def reason(self, queryset: Any) -> str | None:
        """Say why the tier is closed for a queryset; None where it is open."""
        try:
            self.row_plan(queryset)
        except TierUnavailable as unavailable:
            return str(unavailable)
        return None

    def row_plan(self, queryset: Any) -> RowPlan:
        """Return what to select for a queryset, or raise ``TierUnavailable``."""
        check(queryset)
        names = frozenset(queryset.query.annotation_select)
        gives_instances = queryset._fields is None
        values = None if gives_instances else frozenset(queryset.query.values_select)
        using = queryset.db
        key = (queryset.model, using, names, values, settings.USE_TZ, connections[using].timezone)
        known = self._row_plans.get(key)
        if known is None:
            try:
                known = self._compile(queryset.model, using, names, values)
            except TierUnavailable as unavailable:
                known = str(unavailable)
            if len(self._row_plans) >= _MAX_ROW_PLANS:
                self._row_plans.clear()
                self._mismatches.clear()
            self._row_plans[key] = known
        if isinstance(known, str):
            raise TierUnavailable(known)
        if router.routers:
            # Asked for each answer: what a router says may depend on the request.
            for model, target, name in known.relations:
                if not is_read_here(model, target, using):
                    raise TierUnavailable(f"{name} is read from another database, or may be")
        if values is not None and queryset.query.distinct and names | values != known.read:
            raise TierUnavailable("the query is distinct by what is not answered")
        for field in queryset._known_related_objects:
            if field.name in known.joined_relations:
                raise TierUnavailable(
                    f"{field.name}: the instance that the queryset came from is kept"
                )
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
    ) -> RowPlan:
        node = self.node
        if connections[using].vendor not in _VENDORS:
            raise TierUnavailable(f"rows of {connections[using].vendor} are not known")
        if node.kind != _MODEL:
            if self.shape is not None:
                raise TierUnavailable(self.shape)
            node = node.item
        return RowPlan(node, model, using, self.encoder, annotations=names, values=values)

    def encode(self, queryset: Any, most: int | None = None, first: int = 0) -> bytes:
        """Return the JSON array of a queryset, or raise ``TierUnavailable`` or ``ValueMismatch``.

        Past ``most`` rows it raises ``TooMany``, after the ``first`` ones have shown that they can be written.
        """
        if self.shape is not None:
            raise TierUnavailable(self.shape)
        return b"[%b]" % (self._render(queryset, most, first) or b"")

    def encode_one(self, queryset: Any) -> bytes | None:
        """Return the JSON of the one object of a queryset, None where there is none, as ``get`` finds it.

        Raises ``MultipleObjectsReturned`` of the queryset's model, ``TierUnavailable`` or ``ValueMismatch``.
        """
        if self.node.kind != _MODEL:
            raise TierUnavailable("the response is no schema")
        try:
            return self._render(queryset, 1)
        except TooMany:
            name = queryset.model.__name__
            raise queryset.model.MultipleObjectsReturned(
                f"There is more than one {name}."
            ) from None

    def _render(self, queryset: Any, most: int | None, first: int = 0) -> bytes | None:
        """Return the objects with commas between; None where there are none."""
        row_plan = self.row_plan(queryset)
        mismatches = self._mismatches.get(row_plan)
        if mismatches is not None and monotonic() < mismatches.until:
            raise TierUnavailable("values of other requests did not fit the schema as they stand")
        try:
            written = row_plan.write(queryset, most, first)
        except ValueMismatch as mismatch:
            self._count_mismatch(row_plan, str(mismatch))
            raise ValueMismatch(f"a value does not fit as it stands: {mismatch}") from None
        except TooMany as long:
            long.row_plan = row_plan
            self._mismatches.pop(row_plan, None)
            raise
        if mismatches is not None and written is not None:
            self._mismatches.pop(row_plan, None)
        return written

    def _count_mismatch(self, row_plan: RowPlan, mismatch: str) -> None:
        """Count an answer that did not fit; begin a pause, and say so, where none has fitted for long enough."""
        now = monotonic()
        mismatches = self._mismatches.setdefault(row_plan, _Mismatches(now))
        mismatches.count += 1
        if mismatches.count < _MISMATCHES or now - mismatches.since < _SECONDS:
            return
        pause, count = mismatches.pause, mismatches.count
        mismatches.until = mismatches.since = now + pause
        mismatches.count, mismatches.pause = 0, min(pause * 2, _LONGEST_PAUSE)
        node = self.node.item if self.node.kind == _LIST else self.node
        logger.warning(
            "%s of %s is answered from instances for %d seconds: %d answers in a row did not fit the schema as rows,"
            " the last one by %s. Then rows are tried again.",
            node.name,
            row_plan.model._meta.label,
            pause,
            count,
            mismatch,
        )

    def defer_rendering(self, queryset: Any, fall_back: Callable[[Any, Exception], Any]) -> Any:
        """Return a queryset that gives, whoever slices and evaluates it, one ``RenderedItems`` instead of its items.

        Where the rows turn out to be none that can be written, it gives the items that ``fall_back`` prepares, told why.
        """
        self.row_plan(queryset)
        lookups = queryset._prefetch_related_lookups
        known = self._page_classes.get((fall_back, lookups))
        if known is None:
            if len(self._page_classes) >= _MAX_PAGE_CLASSES:
                self._page_classes.clear()
            attributes = {"plan": self, "fall_back": staticmethod(fall_back), "lookups": lookups}
            known = self._page_classes[fall_back, lookups] = type(
                "Page", (RenderedIterable,), attributes
            )
        made = queryset._chain()
        made._iterable_class = known
        made._prefetch_related_lookups = ()
        return made

    def queries(self, queryset: Any) -> list[str]:
        """Return the queries that would be made, for people to read."""
        return self.row_plan(queryset).queries(queryset)
