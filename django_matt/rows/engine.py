"""The rows tier: it answers querysets from raw database rows and decides when it cannot.

``django_matt.rows`` explains the steps. This module is their entrance, the only one that the tiers call.
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

# When to pause the tier for a row plan: after this many answers in a row that did not fit the schema, over at least this
# many seconds. The count alone would not do: a client that keeps asking for one bad row could then turn the tier off for
# everybody. While other requests succeed, they reset the count.
_MISMATCHES = 16
_SECONDS = 10.0
# The length of the first pause in seconds, and of the longest. Each pause is twice the one before, until an answer fits.
_PAUSE, _LONGEST_PAUSE = 60.0, 960.0
_MAX_ROW_PLANS = 256
_MAX_PAGE_CLASSES = 32
_VENDORS = frozenset({"sqlite", "postgresql"})
_MODEL, _LIST = KINDS["model"], KINDS["list"]


class RenderedItems:
    """The items of a page as one JSON array, in the place where a paginator puts a list of items."""

    def __init__(self, body: bytes) -> None:
        """Take the JSON array."""
        self.body = body


class RenderedIterable(ModelIterable):  # type: ignore[type-arg]
    """Makes a queryset yield one ``RenderedItems`` instead of model instances; see ``RowsTier.defer_rendering``.

    A queryset keeps its iterable class when it is sliced, filtered or copied, and no other attribute that we add. So the plan and
    the fallback are class attributes of a subclass, which ``defer_rendering`` makes once and reuses.
    """

    plan: "RowsTier"
    fall_back: Callable[[Any, Exception], Any]
    lookups: tuple[str, ...]

    def __iter__(self) -> Any:
        """Yield the rendered page, or the model instances if the rows cannot be rendered."""
        # Undo what defer_rendering did: from here on it is an ordinary queryset again, with the paginator's slice.
        queryset: Any = self.queryset._chain()  # type: ignore[attr-defined]
        queryset._iterable_class = ModelIterable if queryset._fields is None else ValuesIterable
        queryset._prefetch_related_lookups = self.lookups
        try:
            yield RenderedItems(self.plan.encode(queryset))
        except (TierUnavailable, ValueMismatch) as unavailable:
            yield from self.fall_back(queryset, unavailable)


@dataclass(slots=True)
class _Mismatches:
    """Counts the answers of a row plan that did not fit the schema, since the last one that did."""

    since: float
    count: int = 0
    # The tier is paused until this time. ``pause`` is how long the next pause would be.
    until: float = 0.0
    pause: float = _PAUSE


class RowsTier:
    """Answers querysets for one response schema: a list of objects, or one object.

    Every field of the schema must be a column, an annotation or a relation of the queryset's model. Any other schema raises
    ``TierUnavailable``.
    """

    def __init__(self, node: Any, encoder: Any) -> None:
        """Take the schema as an encoder node, and the encoder for columns that have no raw encoding."""
        self.node = node
        self.encoder = encoder
        self._row_plans: dict[Any, RowPlan | str] = {}
        self._mismatches: dict[RowPlan, _Mismatches] = {}
        self._page_classes: dict[Any, type[RenderedIterable]] = {}

    def reason(self, queryset: Any) -> str | None:
        """Return why the tier cannot answer a queryset, or None if it can."""
        try:
            self.row_plan(queryset)
        except TierUnavailable as unavailable:
            return str(unavailable)
        return None

    def row_plan(self, queryset: Any) -> RowPlan:
        """Return the row plan for a queryset, or raise ``TierUnavailable`` with the reason.

        Plans are kept by all that they depend on: the model, the database, the annotations, the columns of ``values()`` and
        the time zone. Reasons are kept too, so that a queryset that cannot be answered costs one lookup per request.
        """
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
            # Ask the router again for every request, because its answer may depend on the request. A join reads both
            # tables from one database, so it must be the one that Django would read each of them from.
            for model, target, name in known.relations:
                if not is_read_here(model, target, using):
                    raise TierUnavailable(
                        f"{name} is read from another database, or may be read from one"
                    )
        # DISTINCT compares the selected columns. The plan selects only what the schema reads, so it would remove rows that
        # differ in a column that values() also gives.
        if values is not None and queryset.query.distinct and names | values != known.read:
            raise TierUnavailable(
                "the query is distinct by columns that the response does not show"
            )
        # A queryset of a related manager (author.books.all()) gives its instances the author that it was called on, which
        # the view may have changed in memory. A join would read the author from the database instead.
        for field in queryset._known_related_objects:
            if field.name in known.joined_relations:
                raise TierUnavailable(
                    f"{field.name}: the instance that the queryset came from is kept"
                )
        return known

    @property
    def shape(self) -> str | None:
        """Why no queryset can be answered as a list by this schema, or None."""
        node = self.node
        if node.kind != _LIST or node.item.kind != _MODEL or node.item.nullable:
            return "the response is not a list of a schema"
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
        """Return a queryset as a JSON array, or raise ``TierUnavailable`` or ``ValueMismatch``.

        A queryset of more than ``most`` rows raises ``TooMany``. Its ``first`` rows are written before that, so that a value
        that does not fit shows while an error response is still possible.
        """
        if self.shape is not None:
            raise TierUnavailable(self.shape)
        return b"[%b]" % (self._render(queryset, most, first) or b"")

    def encode_one(self, queryset: Any) -> bytes | None:
        """Return the one object of a queryset as JSON, or None if there is no such row.

        Raises ``MultipleObjectsReturned`` as ``QuerySet.get()`` does, ``TierUnavailable`` or ``ValueMismatch``.
        """
        if self.node.kind != _MODEL:
            raise TierUnavailable("the response is not a schema")
        try:
            return self._render(queryset, 1)
        except TooMany:
            name = queryset.model.__name__
            raise queryset.model.MultipleObjectsReturned(
                f"There is more than one {name}."
            ) from None

    def _render(self, queryset: Any, most: int | None, first: int = 0) -> bytes | None:
        """Return the objects of a queryset as JSON with commas between them, or None if there are no rows."""
        row_plan = self.row_plan(queryset)
        mismatches = self._mismatches.get(row_plan)
        if mismatches is not None and monotonic() < mismatches.until:
            raise TierUnavailable("values of other requests did not fit the schema unchanged")
        try:
            written = row_plan.write(queryset, most, first)
        except ValueMismatch as mismatch:
            self._count_mismatch(row_plan, str(mismatch))
            raise ValueMismatch(f"a value does not fit unchanged: {mismatch}") from None
        except TooMany as long:
            long.row_plan = row_plan
            self._mismatches.pop(row_plan, None)
            raise
        if mismatches is not None and written is not None:
            self._mismatches.pop(row_plan, None)
        return written

    def _count_mismatch(self, row_plan: RowPlan, mismatch: str) -> None:
        """Count an answer that did not fit the schema, and pause the tier if too many have."""
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
            "%s of %s is written from instances for %d seconds, because %d responses in a row did not fit the schema as rows,"
            " the last one by %s. Then rows are tried again.",
            node.name,
            row_plan.model._meta.label,
            pause,
            count,
            mismatch,
        )

    def defer_rendering(self, queryset: Any, fall_back: Callable[[Any, Exception], Any]) -> Any:
        """Return a copy of ``queryset`` that renders itself to JSON when a paginator evaluates it.

        Ninja's paginators slice a queryset and call ``list()`` on it before the response is built, so this is the only
        point at which a page's rows can be read from the cursor. Iterating the copy yields exactly one ``RenderedItems``
        (the page's JSON array) instead of model instances; ``Tiers.encode`` later puts it into the page object.

        If the rows cannot be rendered, the copy yields the instances of ``fall_back(queryset, reason)`` instead, and the
        response is encoded as if this method had not been called. Raises ``TierUnavailable`` if that is already known.
        """
        self.row_plan(queryset)
        lookups = queryset._prefetch_related_lookups
        # Reuse the class: a new one for every page would be freed by the garbage collector only.
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
        # Django would prefetch for the items of the copy, and a RenderedItems has no relations. The class remembers the
        # lookups for the case that instances are needed after all.
        made._prefetch_related_lookups = ()
        return made

    def queries(self, queryset: Any) -> list[str]:
        """Return the SQL that answers a queryset, for people to read."""
        return self.row_plan(queryset).queries(queryset)
