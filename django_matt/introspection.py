"""What the responses of a route read, and what they would be: for tools and apps, outside of requests."""

from dataclasses import replace
from functools import cached_property
from types import CodeType
from typing import Any

from asgiref.sync import sync_to_async
from django.core.exceptions import SynchronousOnlyOperation
from django.db.models import Manager, QuerySet
from django.http import HttpRequest
from ninja import Schema
from ninja.constants import NOT_SET

from django_matt.formats.responses import JSON_TYPE
from django_matt.limits import find_paginators, find_views
from django_matt.reads import describe_reads
from django_matt.serialization.encoders import encoder
from django_matt.serialization.requirements import schemas_in
from django_matt.tiers import Tiers
from django_matt.upstream import serialize_item

__all__ = ["ResponseIntrospection"]

dumps = encoder.dumps


class ResponseIntrospection:
    """Describes the responses of one operation, and renders other values in the same way."""

    def __init__(self, answer: Any) -> None:
        """Take the ``ResponseBuilder``, whose private attributes are this class's too."""
        self._answer = answer

    def reads(self, source: Any = None, *, usual: Any = None) -> tuple[Any, ...]:
        """Return the ``Reads`` of each status: which tier writes it, why no faster one does, what it reads.

        ``source`` is the model or the queryset that the rows come from, where the schema does not say. ``usual`` is the
        model of the route's usual status, where neither says.
        """
        return tuple(
            self._reads(
                status,
                tiers,
                usual
                if source is None and tiers.model is None and status == self._answer._status
                else source,
            )
            for status, tiers in self._answer.tiers.items()
        )

    def _reads(self, status: Any, tiers: Tiers, source: Any) -> Any:
        streamed = self._answer.streams_rows(status)
        found = describe_reads(tiers, source, status=status, streamed=streamed)
        if self._answer.taken is None:
            return found
        # What would answer without the project's own code: the same plan, with its tiers open.
        without = Tiers(tiers.plan, self._answer._hints, self._answer._choice)
        if status == self._answer._status:
            without.disable_page_rows(*self._answer._pages)
        gain = describe_reads(without, source, status=status, streamed=streamed).tier
        reason = (
            self._answer.taken
            if gain == "pydantic"
            else f"{self._answer.taken}; without it: {gain}"
        )
        return replace(
            found,
            tier="pydantic",
            reason=reason,
            own_code=self._answer.taken,
            without_own_code=gain,
        )

    def describe(self) -> list[dict[str, Any]]:
        """Describe the responses for the DEBUG page."""
        if self._answer.unplanned is not None:
            return [{"tier": self._answer.unplanned}]
        return [
            {
                "status": reads.status,
                "schema": reads.schema,
                "tier": reads.tier,
                "reason": reads.reason,
                "queries": list(reads.sql),
                "unknown": reads.unknown if reads.models else None,
            }
            for reads in self.reads()
        ]

    def built_schemas(self) -> list[str]:
        """Return the response schemas that the view's code names: it may create instances of them itself."""
        schemas = {schema for plan in self._answer.plans for schema in schemas_in(plan.annotation)}
        # The items of a page too.
        fields = [field for schema in schemas for field in schema.model_fields.values()]
        schemas.update(inner for field in fields for inner in schemas_in(field.annotation))
        named = set[str]()
        for view in find_views(self._answer._operation.view_func):
            named |= _names_in(getattr(view, "__code__", None))
        return sorted(named & {schema.__name__ for schema in schemas})

    def render(
        self, value: Any, request: HttpRequest | None, status: int | None = None
    ) -> tuple[bytes, str]:
        """Return the JSON and the content type of the response to a value; for the items of a page, their array.

        Raises ``ValueError`` for a status that the route does not declare.
        """
        wanted: Any = self._answer._status if status is None else status
        key = wanted if wanted in self._answer._plans else ...
        status = 200 if wanted is ... else int(wanted)
        context = {"request": request, "response_status": status}
        if self._answer.streams:
            return self._answer._items.write(value, context, serialize_item).encode(), JSON_TYPE
        if key not in self._answer._plans:
            name = self._answer._operation.operation_id
            declared = ", ".join(str(known) for known in self._answer._plans)
            raise ValueError(f"{name} declares no response for status {status}, only {declared}.")
        plan = self._answer._plans[key]
        if plan is None:
            return b"", JSON_TYPE
        tiers = None if plan is NOT_SET else self._answer.tiers[key]
        rows = isinstance(value, (QuerySet, Manager, list, tuple))
        if rows and key == self._answer._status and self._page_items is not None:
            tiers = self._page_items
        if self._answer.taken is not None:
            data = value if tiers is None else tiers.dump(value, context)
            made = self._answer._api.create_response(request, data, status=status)
            return made.content, made.headers["Content-Type"]
        if tiers is None:
            return dumps(value), JSON_TYPE
        return tiers.encode(value, request=request, status=status)[0], JSON_TYPE

    async def render_async(
        self, value: Any, request: HttpRequest | None, status: int | None = None
    ) -> tuple[bytes, str]:
        """Do what ``render`` does, in a thread only if the response needs the database."""
        if not self._answer._asks(value) and not isinstance(value, (QuerySet, Manager)):
            try:
                return self.render(value, request, status)
            except SynchronousOnlyOperation:
                pass
        return await sync_to_async(self.render)(value, request, status)

    @cached_property
    def _page_items(self) -> Tiers | None:
        """The tiers of a page's items; None if the route is not paginated, or its page schema is not known."""
        tiers = self._answer.tiers.get(self._answer._status)
        items = None if tiers is None else tiers.query.items
        if items is None or not any(find_paginators(self._answer._operation.view_func)):
            return None
        model = type("Items", (Schema,), {"__annotations__": {"response": items.annotation}})
        return Tiers(self._answer._plan(model), self._answer._hints, self._answer._choice)


def _names_in(code: Any) -> set[str]:
    """Return the globals and attributes that a function's code names, with those of functions inside of it."""
    if not isinstance(code, CodeType):
        return set()
    return set(code.co_names).union(*map(_names_in, code.co_consts))
