"""A response by the fastest tier that gives Ninja's answer: rows, instances, pydantic."""

import json
from collections import OrderedDict
from functools import cached_property
from typing import Any

import orjson
from django.db.models import Manager, Model, QuerySet
from ninja import Schema
from ninja.signature.details import is_collection_type
from ninja_extra.schemas import NinjaPaginationResponseSchema, PaginatedResponseSchema
from pydantic import BaseModel

from django_matt.rows import batches as streams
from django_matt.rows.batches import Batches, columns_of, has_own_keys, may_stream
from django_matt.rows.engine import RenderedItems, RenderedIterable, RowsPlan
from django_matt.rows.row_plans import RowPlan
from django_matt.rows.select import TooMany
from django_matt.serialization.core_schemas import TierUnavailable
from django_matt.serialization.encoder import ValueMismatch
from django_matt.serialization.objects import get_one, missing, takes_one
from django_matt.serialization.plan import ResponsePlan
from django_matt.serialization.query_plans import QueryPlan
from django_matt.serialization.requirements import schemas_in
from django_matt.tier_limits import Choice

__all__ = ["Batches", "Tiers"]


# Their fields besides the items are validated by code, which looks at no item.
_PAGES = frozenset({NinjaPaginationResponseSchema, PaginatedResponseSchema})
_RETURN_IT = "an instance is written by instances; return the queryset of the one object instead"


class Tiers:
    """What one response schema of a route can be answered by, and asks of the database."""

    def __init__(
        self, plan: ResponsePlan, hints: tuple[str, ...] = (), choice: Choice | None = None
    ) -> None:
        """Take the schema's plan, what the route says that it ``needs``, and the fastest tier allowed."""
        self.plan = plan
        # The one list of a page, which a paginator evaluates before the answer is made.
        self.page = _page_field(plan)
        self.page_rows: RowsPlan | None = None
        narrow = plan.node is not None
        if self.page is not None:
            items = type("Items", (Schema,), {"__annotations__": {"response": self.page[2]}})
            node = ResponsePlan(items, encoder=plan.encoder, **plan.export).node
            self.page_rows = None if node is None else RowsPlan(node, plan.encoder)
            narrow = node is not None
        self.query = QueryPlan(plan.annotation, narrow=narrow, hints=hints)
        self.rows = None if plan.node is None else RowsPlan(plan.node, plan.encoder)
        self.takes_one = takes_one(plan.annotation)
        # Results that are no queryset, hold none to plan, and no instance to fetch for: they are written as they stand.
        self.ready = self._ready_kinds()
        # What the last queryset was of, for a description where the schema does not say.
        self.seen: type[Model] | None = None
        # Why rows do not answer although they could; why they did not make the last page.
        self.closed: str | None = None
        self.page_reason: str | None = None
        if choice is not None and choice.tier != "rows":
            self.closed = choice.reason if self.rows or self.page_rows else None
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
        """The keys of the objects of a list that may be streamed; None where it may not."""
        return columns_of(self.plan)

    def encode(
        self, value: Any, *, request: Any = None, status: int = 200, most: int | None = None
    ) -> tuple[Any, str, str | None]:
        """Return a result's JSON, the tier that wrote it, and why a faster one did not.

        With ``most`` a queryset of more rows comes as ``Batches`` instead of ``bytes``.
        """
        if type(value) in self.ready:
            return self._by_plan(value, self.plan.reason, request, status)
        if isinstance(value, Manager):
            value = value.all()
        value, rendered = self._take_rendered(value)
        reason = self.plan.reason
        if self.closed is not None and (self.page is not None or isinstance(value, QuerySet)):
            reason = self.closed
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
                return self._stream(value, long.template, {"request": request, "status": status})
            except (TierUnavailable, ValueMismatch) as closed:
                reason = str(closed)
        loaded = get_one(value, self.query) if one else self.query.load(value)
        if most is not None:
            head = loaded[: most + 1]
            if len(head) > most:
                # What is wrong with the first ones is an error while there is a status to say so.
                self.plan.encode(head[: streams.BATCH], request=request, status=status)
                return self._stream(value, None, {"request": request, "status": status}, reason)
            loaded = head
        body, tier, reason = self._by_plan(loaded, reason, request, status)
        if rendered is not None:
            return self._join(body, tier, rendered), "rows", None
        return body, tier, reason

    def dump(self, value: Any, context: dict[str, Any]) -> Any:
        """Return a result as Ninja's data, for code that writes it itself; its queries are planned."""
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
            reason = "a value does not fit its schema as it stands"
        return body, tier, reason

    def _encode_one(self, rows: RowsPlan, queryset: Any) -> bytes:
        body = rows.encode_one(queryset)
        if body is None:
            raise missing(queryset)
        return body

    def _stream(
        self,
        queryset: Any,
        template: RowPlan | None,
        context: dict[str, Any],
        reason: str | None = None,
    ) -> tuple[Batches, str, str | None]:
        # A router may name another database each time that it is asked.
        queryset = queryset.using(queryset.db if template is None else template.using)
        planned = self.query.load(queryset)
        if template is not None and template.values is not None:
            template, reason = None, "what values() gives has no key"
        if template is not None and template.model._meta.pk.column is None:
            template, reason = None, "the key of a row is several columns"
        if template is not None and not has_own_keys(queryset):
            template, reason = None, "joined rows of one key may have several annotations"
        tier = self.plan.tier if template is None else "rows"
        columns = self.columns or []
        batches = Batches(self.plan, queryset, template, planned, columns=columns, context=context)
        return batches, f"{tier}, streamed", reason

    def close_pages(self, paginated: bool, reason: str | None) -> None:
        """Let no page come from rows where nothing is ``paginated``, or for a ``reason``."""
        if not paginated:
            self.page_rows = None
        elif reason is not None and self.page_rows is not None:
            self.closed = reason
            self.rows = self.page_rows = None

    def paginate(self, queryset: Any, columns: list[str] | None, *, rows: bool = True) -> Any:
        """Return a queryset that is about to be paginated with what its items' schema reads.

        ``columns`` are what the paginator reads besides, None where that is not known. With ``rows=False`` the items are
        instances, whatever their schema allows.
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
                return self.page_rows.postpone(queryset, self._apply_page)
            except TierUnavailable as closed:
                self.page_reason = str(closed)
        return plan.apply(queryset, columns)

    def _apply_page(self, items: Any, closed: Exception) -> Any:
        """Return a page's items with what their schema reads, where rows turned out not to make them."""
        self.page_reason = str(closed)
        plan = self.query.items
        return items if plan is None else plan.apply(items)

    def may_query(self, value: Any) -> bool:
        """Tell whether answering may ask the database; False is a promise."""
        if self.page is not None:
            value = self._take_rendered(value)[0]
        return self.plan.may_query(value)

    @property
    def name(self) -> str:
        """What the response schema is called."""
        annotation = self.plan.annotation
        return annotation.__name__ if isinstance(annotation, type) else str(annotation)

    def describe(self, model: type[Model] | None = None) -> tuple[str, str | None, list[str]]:
        """Return the tier of a plain queryset of a model, what closes a faster one, and the queries.

        Without a model it is the one that the schema names, or that the last queryset was of.
        """
        model = model or _model_of(self.plan.annotation) or self.seen
        # An object of a model may have one list too, and is no page for that.
        one = self.takes_one and (self.page_rows is None or _names_model(self.plan.annotation))
        rows = self.rows if one else self.page_rows or self.rows
        if rows is None:
            tier, reason = self.plan.tier, self.closed or self.plan.reason
        elif not one and rows.shape is not None:
            tier, reason = self.plan.tier, rows.shape
        elif model is None:
            return (
                "rows or instances",
                "which one depends on the model (matt_plan --model names it)",
                [],
            )
        else:
            queryset = model._default_manager.all()
            reason = rows.reason(queryset)
            if reason is None:
                tier, reason = ("rows or instances", _RETURN_IT) if one else ("rows", None)
                return tier, reason, rows.queries(queryset)
            tier = "instances"
        if model is None:
            return tier, reason, []
        plan = self.query if one else self.query.items or self.query
        planned = plan.apply(model._default_manager.all())
        more = [getattr(each, "prefetch_to", each) for each in planned._prefetch_related_lookups]
        queries = [str(planned.query), *(f"one more for {name}" for name in more)]
        return tier, reason, queries

    def _take_rendered(self, value: Any) -> tuple[Any, RenderedItems | None]:
        """Take a page's rendered items out of it."""
        if self.page is None or not (type(value) is dict or type(value) is OrderedDict):
            return value, None
        items = value.get(self.page[0])
        if isinstance(items, QuerySet) and issubclass(items._iterable_class, RenderedIterable):
            items = list(items)
            value = {**value, self.page[0]: items}
        if type(items) is list and len(items) == 1 and type(items[0]) is RenderedItems:
            return {**value, self.page[0]: []}, items[0]
        return value, None

    def _join(self, body: bytes, tier: str, rendered: RenderedItems) -> bytes:
        """Put a page's rendered items in their place."""
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
    """Return the model of the first ``ModelSchema`` that an annotation, or a page of one, names."""
    for schema in schemas_in(annotation):
        found = _names_model(schema)
        if found is None and {"items", "results"} & set(schema.model_fields):
            inner = (_model_of(field.annotation) for field in schema.model_fields.values())
            found = next(filter(None, inner), None)
        if found is not None:
            return found
    return None


def _page_field(plan: ResponsePlan) -> tuple[str, str, Any] | None:
    """Return where a page's items are read, where they are written, and their annotation.

    None where the page is not one to take apart: code of the project's own may look at its items.
    """
    schema = plan.annotation
    fields = getattr(schema, "model_fields", {})
    origin = getattr(schema, "__pydantic_generic_metadata__", {}).get("origin")
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
