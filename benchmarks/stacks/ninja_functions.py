"""The routes as functions of any API of Ninja's kind."""

from typing import Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import NinjaAPI
from ninja.pagination import LimitOffsetPagination, paginate

from benchmarks.data import books, some_rows
from benchmarks.models import Row
from benchmarks.stacks.schemas import BookOut, Hello, Item, RowOut


def register(api: NinjaAPI) -> None:
    """Add the eight routes to an API."""

    @api.get("/hello", response=Hello)
    def hello(request: HttpRequest) -> Any:
        return {"message": "hello"}

    @api.get("/hello-async", response=Hello)
    async def hello_async(request: HttpRequest) -> Any:
        return {"message": "hello"}

    @api.post("/echo", response=Item)
    def echo(request: HttpRequest, item: Item) -> Any:
        return item

    @api.get("/rows/{int:row_id}", response=RowOut)
    def one(request: HttpRequest, row_id: int) -> Any:
        return get_object_or_404(Row, id=row_id)

    @api.get("/flat", response=list[RowOut])
    def flat(request: HttpRequest) -> Any:
        return Row.objects.all()

    @api.get("/instances", response=list[RowOut])
    def instances(request: HttpRequest) -> Any:
        return list(some_rows())

    @api.get("/nested", response=list[BookOut])
    def nested(request: HttpRequest) -> Any:
        return books()

    @api.get("/page", response=list[RowOut])
    @paginate(LimitOffsetPagination)
    def page(request: HttpRequest) -> Any:
        return Row.objects.all()
