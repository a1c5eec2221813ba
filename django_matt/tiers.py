"""Tiers: the three ways to encode a response, and which of them is used for a result.

The fastest tier with the same result as Ninja is used. *Rows* writes a queryset from raw database rows (``django_matt.rows``).
*Instances* writes model instances and dictionaries with the compiled encoder (``django_matt.serialization``). *Pydantic*
validates and dumps as Ninja does. A tier that cannot answer says why, and the next one does.
"""

import json
from collections import OrderedDict
from collections.abc import Callable
from functools import cached_property, partial
from typing import Any

import orjson
from django.db.models import Manager, Model, QuerySet
from ninja import Schema
from ninja_extra.schemas import NinjaPaginationResponseSchema, PaginatedResponseSchema
from pydantic import BaseModel

from django_matt import upstream
from django_matt.rows import batches as streams
from django_matt.rows.batches import Batches, columns_of, has_own_keys, may_stream
from django_matt.rows.engine import RenderedItems, RenderedIterable, RowsTier
from django_matt.rows.row_plans import RowPlan
from django_matt.rows.select import TooMany
from django_matt.serialization.core_schemas import TierUnavailable
from django_matt.serialization.encoder import ValueMismatch
from django_matt.serialization.objects import get_one, missing, takes_one
from django_matt.serialization.plan import ResponsePlan
from django_matt.serialization.query_plans import QueryPlan
from django_matt.serialization.requirements import schemas_in
from django_matt.tier_limits import Choice
from django_matt.upstream import is_collection_type

__all__ = ["Batches", "Tiers"]


# Ninja Extra's page schemas have validators, but those look at no item: the items may be rendered apart.
_PAGES = frozenset({NinjaPaginationResponseSchema, PaginatedResponseSchema})
_RETURN_IT = "an instance is written by instances; return the queryset of the one object instead"


class Tiers:
    """Encodes the results of one response schema of a route."""

    def __init__(
        self, plan: ResponsePlan, hints: tuple[str, ...] = (), limit: Choice | None = None
    ) -> None:
        """Take the plan of the schema, the paths that the route declares with ``needs``, and the fastest tier allowed."""
        self.plan = plan
        # The list in a page schema, whose queryset a paginator evaluates before there is a response to encode; or None.
        self.page = _page_field(plan)
        self.page_rows: RowsTier | None = None
        narrow = plan.node is not None
        if self.page is not None:
            items = type("Items", (Schema,), {"__annotations__": {"response": self.page[2]}})
            node = ResponsePlan(items, encoder=plan.encoder, **plan.export).node
            self.page_rows = None if node is None else RowsTier(node, plan.encoder)
            narrow = node is not None
        self.query = QueryPlan(plan.annotation, narrow=narrow, hints=hints)
        self.rows = None if plan.node is None else RowsTier(plan.node, plan.encoder)
        self.takes_one = takes_one(plan.annotation)
        # Results of these types are encoded at once: they cannot contain a queryset to plan, or instances to load more for.
        self.ready = self._ready_kinds()
        # The model of the last queryset, so that ``describe`` can name it where the schema does not.
        self.seen: type[Model] | None = None
        # Why the rows tier is turned off for this route; why the last page did not come from rows.
        self.rows_off_reason: str | None = None
        self.page_reason: str | None = None
        if limit is not None and limit.tier != "rows":
            self.rows_off_reason = limit.reason if self.rows or self.page_rows else None
            self.rows = self.page_rows = None
        if (why := upstream.lost("rows")) is not None:
            self.rows_off_reason = why
            self.rows = self.page_rows = None

    def _ready_kinds(self) -> frozenset[type]:
        if self.page is not None:
            return frozenset()
        annotation = self.plan.annotation
        schema = isinstance(annotation, type) and issubclass(annotation, BaseModel)
        kinds = {annotation} if schema else set()
        return frozenset(kinds if self.query.fields or any(self.query.inside) else {*kinds, dict})

    @cached_property
    def columns(self) -> list[str] | None:
        """The keys of the objects of a list that can be streamed; None if it cannot."""
        return columns_of(self.plan)

    def encode(
        self, value: Any, *, request: Any = None, status: int = 200, most: int | None = None
    ) -> tuple[Any, str, str | None]:
        """Return a result as JSON, the name of the tier that wrote it, and why no faster tier did.

        With ``most``, a queryset of more rows than that comes as ``Batches`` instead of ``bytes``.
        """
        if type(value) in self.ready:
            return self._by_plan(value, self.plan.reason, request, status)
        if isinstance(value, Manager):
            value = value.all()
        value, rendered = self._split_rendered(value)
        reason = self.plan.reason
        if self.rows_off_reason is not None and (
            self.page is not None or isinstance(value, QuerySet)
        ):
            reason = self.rows_off_reason
        elif self.page is not None and rendered is None:
            reason = reason or self.page_reason
        if isinstance(value, QuerySet):
            self.seen = value.model
        if most is not None and not (isinstance(value, QuerySet) and may_stream(value, most)):
            most = None
        one = self.takes_one and isinstance(value, QuerySet)
        if self.rows is not None and isinstance(value, QuerySet):
            try:
                if one:
                    return self._encode_one(self.rows, value), "rows", None
                return self.rows.encode(value, most, streams.BATCH), "rows", None
            except TooMany as long:
                return self._stream(value, long.row_plan, {"request": request, "status": status})
            except (TierUnavailable, ValueMismatch) as unavailable:
                reason = str(unavailable)
        loaded = get_one(value, self.query) if one else self.query.load(value)
        if most is not None:
            head = loaded[: most + 1]
            if len(head) > most:
                # Encode the first batch now: if a value does not fit, the status can still be an error. Later it has been sent.
                self.plan.encode(head[: streams.BATCH], request=request, status=status)
                return self._stream(value, None, {"request": request, "status": status}, reason)
            loaded = head
        body, tier, reason = self._by_plan(loaded, reason, request, status)
        if rendered is not None:
            return self._join(body, tier, rendered), "rows", None
        return body, tier, reason

    def dump(self, value: Any, context: dict[str, Any]) -> Any:
        """Return a result as the data that Ninja would give its renderer, with its queries planned."""
        if isinstance(value, Manager):
            value = value.all()
        if not isinstance(value, QuerySet):
            return self.plan.dump(self.query.load(value), context)
        self.seen = value.model
        loaded = get_one(value, self.query) if self.takes_one else self.query.load(value)
        return self.plan.dump(loaded, context)

    def _by_plan(
        self, value: Any, reason: str | None, request: Any, status: int
    ) -> tuple[bytes, str, str | None]:
        body, tier = self.plan.encode_with_tier(value, request=request, status=status)
        if tier == "pydantic" and self.plan.reason is None:
            reason = "a value does not fit its schema unchanged"
        return body, tier, reason

    def _encode_one(self, rows: RowsTier, queryset: Any) -> bytes:
        body = rows.encode_one(queryset)
        if body is None:
            raise missing(queryset)
        return body

    def _stream(
        self,
        queryset: Any,
        row_plan: RowPlan | None,
        context: dict[str, Any],
        reason: str | None = None,
    ) -> tuple[Batches, str, str | None]:
        """Return the batches of a list that is too long for memory, read from rows where each row can be found again by its key."""
        # Name the database: a router that spreads reads would be asked again, and might name another.
        queryset = queryset.using(queryset.db if row_plan is None else row_plan.using)
        planned = self.query.load(queryset)
        if row_plan is not None and row_plan.values is not None:
            row_plan, reason = None, "the dictionaries of values() have no key"
        if row_plan is not None and row_plan.model._meta.pk.column is None:
            row_plan, reason = None, "the key of a row has several columns"
        if row_plan is not None and not has_own_keys(queryset):
            row_plan, reason = None, "joined rows of one key may have several annotations"
        tier = self.plan.tier if row_plan is None else "rows"
        columns = self.columns or []
        batches = Batches(self.plan, queryset, row_plan, planned, columns=columns, context=context)
        return batches, f"{tier}, streamed", reason

    def disable_page_rows(self, paginated: bool, reason: str | None) -> None:
        """Do not render pages from rows: the route has no paginator that is known, or it cannot be trusted for ``reason``."""
        if not paginated:
            self.page_rows = None
        elif reason is not None and self.page_rows is not None:
            self.rows_off_reason = reason
            self.rows = self.page_rows = None

    def paginate(self, queryset: Any, columns: list[str] | None, *, rows: bool = True) -> Any:
        """Prepare a queryset that a paginator is about to slice and evaluate.

        If it can be rendered from rows, it renders itself when the paginator evaluates it (``RowsTier.defer_rendering``).
        Otherwise it gets the joins and prefetches that the items' schema needs. ``columns`` are what the paginator reads
        itself; None means that it may read any. With ``rows=False`` the items are instances in any case.
        """
        plan = self.query.items
        if plan is None:
            return queryset
        if isinstance(queryset, Manager):
            queryset = queryset.all()
        if isinstance(queryset, QuerySet):
            self.seen = queryset.model
        if rows and self.page_rows is not None and isinstance(queryset, QuerySet):
            try:
                return self.page_rows.defer_rendering(queryset, self._apply_page)
            except TierUnavailable as unavailable:
                self.page_reason = str(unavailable)
        return plan.apply(queryset, columns)

    def _apply_page(self, items: Any, unavailable: Exception) -> Any:
        """Prepare a page's queryset for instances, after rows could not render it."""
        self.page_reason = str(unavailable)
        plan = self.query.items
        return items if plan is None else plan.apply(items)

    def may_query(self, value: Any) -> bool:
        """Tell whether encoding this result may query the database. False is certain; True is caution."""
        if self.page is not None:
            value = self._split_rendered(value)[0]
        return self.plan.may_query(value)

    @property
    def name(self) -> str:
        """What the response schema is called."""
        annotation = self.plan.annotation
        return annotation.__name__ if isinstance(annotation, type) else str(annotation)

    @property
    def model(self) -> type[Model] | None:
        """The model that the schema names, else that of the last queryset; None if neither says."""
        return _model_of(self.plan.annotation) or self.seen

    @property
    def answers_one(self) -> bool:
        """Whether a queryset is answered by its one object."""
        # A schema of one object may have a single list as well. It is a page only if the schema does not name a model.
        return self.takes_one and (
            self.page_rows is None or bool(_names_model(self.plan.annotation))
        )

    @property
    def row_query(self) -> QueryPlan:
        """What is read of the rows: of the object, of a list's items, or of a page's items."""
        return self.query if self.answers_one else self.query.items or self.query

    def describe(self, queryset: Any = None) -> tuple[str, str | None, Callable[[], list[str]]]:
        """Return the tier that answers a queryset, why no faster one does, and a function that returns its queries as text.

        The function needs the default managers of related models, which may refuse to work outside of a request.
        """
        one = self.answers_one
        rows = self.rows if one else self.page_rows or self.rows
        if rows is None:
            tier, reason = self.plan.tier, self.rows_off_reason or self.plan.reason
        elif not one and rows.shape is not None:
            tier, reason = self.plan.tier, rows.shape
        elif queryset is None:
            why = "the schema names no model; pass it with matt_plan --model"
            return "rows or instances", why, list
        else:
            reason = rows.reason(queryset)
            if reason is None:
                tier, reason = ("rows or instances", _RETURN_IT) if one else ("rows", None)
                return tier, reason, partial(rows.queries, queryset)
            tier = "instances"
        if queryset is None:
            return tier, reason, list
        return tier, reason, partial(self.row_query.queries, queryset)

    def _split_rendered(self, value: Any) -> tuple[Any, RenderedItems | None]:
        """Return a page without its rendered items, and the items; None for them if the page has ordinary ones."""
        if self.page is None or not (type(value) is dict or type(value) is OrderedDict):
            return value, None
        items = value.get(self.page[0])
        # Some paginators return the slice without evaluating it.
        if isinstance(items, QuerySet) and issubclass(items._iterable_class, RenderedIterable):
            items = list(items)
            value = {**value, self.page[0]: items}
        if type(items) is list and len(items) == 1 and type(items[0]) is RenderedItems:
            return {**value, self.page[0]: []}, items[0]
        return value, None

    def _join(self, body: bytes, tier: str, rendered: RenderedItems) -> bytes:
        """Put the rendered items back into the encoded page."""
        wire = self.page[1] if self.page is not None else ""
        if tier == "instances" or self.plan.node is None:
            page = orjson.loads(body)
            page[wire] = orjson.Fragment(rendered.body)
            return orjson.dumps(page)
        page = json.loads(body)
        page[wire] = json.loads(rendered.body)
        encoded: bytes = self.plan.encoder.dumps(page)
        return encoded


def _names_model(schema: Any) -> type[Model] | None:
    return getattr(getattr(schema, "Meta", None), "model", None)


def _model_of(annotation: Any) -> type[Model] | None:
    """Return the model of the first ``ModelSchema`` in an annotation, or in a page of one."""
    for schema in schemas_in(annotation):
        found = _names_model(schema)
        if found is None and {"items", "results"} & set(schema.model_fields):
            inner = (_model_of(field.annotation) for field in schema.model_fields.values())
            found = next(filter(None, inner), None)
        if found is not None:
            return found
    return None


def _page_field(plan: ResponsePlan) -> tuple[str, str, Any] | None:
    """Return the list of a page schema: the key that it is read from, the key that it is written to, its annotation.

    None if the schema has not exactly one list of schemas, or has validators or resolvers that may look at the items.
    """
    schema = plan.annotation
    fields = getattr(schema, "model_fields", {})
    origin = upstream.generic_origin_of(schema)
    if plan.node is None and origin not in _PAGES:
        return None
    lists = [
        (field.alias or name, name, field)
        for name, field in fields.items()
        if is_collection_type(field.annotation) and any(schemas_in(field.annotation))
    ]
    if len(lists) != 1:
        return None
    key, name, field = lists[0]
    alias = field.serialization_alias if plan.export["by_alias"] else None
    return key, alias or name, field.annotation
