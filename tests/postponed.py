"""Views of a module whose annotations are strings: ``from __future__ import annotations``."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Annotated, Any

from django.db import transaction
from django.http import HttpResponse
from ninja.pagination import paginate as ninja_paginate
from ninja_extra.pagination import PageNumberPaginationExtra, PaginatedResponseSchema
from pydantic import Field

from django_matt import (
    Body,
    ControllerBase,
    FilterSchema,
    Form,
    Header,
    PatchDict,
    Path,
    Query,
    Schema,
    Status,
    api_controller,
    http_get,
    http_post,
    paginate,
)

if TYPE_CHECKING:
    from tests.project.models import Book

    class Nowhere(Schema):
        name: str


class Item(Schema):
    name: str
    inner: Item | None = None


class Filters(FilterSchema):
    name: str | None = None


class Where(Schema):
    number: int


def passing(view: Any) -> Any:
    @functools.wraps(view)
    def inner(*args: Any, **named: Any) -> Any:
        return view(*args, **named)

    return inner


def make_controller() -> type[ControllerBase]:
    @api_controller("/c")
    class Postponed(ControllerBase):
        @http_post("/body", response=Item)
        def body(self, item: Item):
            return item

        @http_post("/async", response=Item)
        async def body_async(self, item: Item):
            return item

        @http_post("/two")
        def two(self, one: Item, two: list[Item], three: Body[int]):
            return {"got": [one.name, two[0].name, three]}

        @http_get("/query/{number}")
        def query(
            self, where: Path[Where], filters: Query[Filters], size: Annotated[int, Field(gt=0)] = 1
        ):
            return {"got": [where.number, filters.name, size]}

        @http_post("/patch")
        def patch(self, changes: PatchDict[Item]):
            return {"got": changes}

        @http_post("/form")
        def form(self, item: Form[Filters], x_y: Header[str | None] = None):
            return {"got": item.name}

        @http_get("/response")
        def response(self, response: HttpResponse):
            response.headers["X-Set"] = "yes"
            return {}

        @http_get("/pages", response=PaginatedResponseSchema[Item])
        @paginate(PageNumberPaginationExtra, filter_schema=Filters)
        def pages(self, size: int = 1):
            from tests.project.models import Author

            return Author.objects.order_by("pk")

    return Postponed


def add_functions(api: Any) -> None:
    @api.post("/f/plain", response=Item)
    def plain(request, item: Item):
        return item

    @api.post("/f/patch")
    def patch(request, changes: PatchDict[Item]):
        return {"got": changes}

    @api.post("/f/atomic", response=Item)
    @transaction.atomic
    def atomic(request, item: Item):
        return item

    @api.post("/f/passing", response=Item)
    @passing
    @transaction.atomic
    def twice(request, item: Item):
        return item

    @api.get("/f/pages", response=list[Item])
    @ninja_paginate
    def pages(request, filters: Query[Filters]):
        return [{"name": filters.name}]

    @api.post("/f/nested")
    @passing
    def nested(request, items: list[Item], more: dict[str, Item] | None = None):
        return {"got": items[0].name}

    @api.post("/f/return")
    @passing
    def returning(request, item: Item) -> Item:
        return item


def add_status(api: Any) -> None:
    @api.post("/f/status")
    @passing
    def status(request, item: Item) -> Status[Item]:
        return Status(200, item)


def add_broken(api: Any) -> None:
    class Local(Schema):
        name: str

    @api.post("/broken/guarded")
    def guarded(request, item: Nowhere):
        return {}

    @api.post("/broken/async")
    async def guarded_async(request, item: Nowhere):
        return {}

    @api.post("/broken/local")
    @passing
    def local(request, item: Local):
        return {}

    @api.get("/broken/returns")
    def returns(request) -> Book:
        return {"got": 1}  # type: ignore[return-value]

    @api.get("/fine")
    def fine(request):
        return {"got": 1}
