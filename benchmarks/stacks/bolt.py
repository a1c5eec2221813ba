"""django-bolt, a server and a router in Rust: two routes of the stack, for ``python -m benchmarks.prices``."""

import datetime
import uuid
from decimal import Decimal
from typing import Any

import msgspec
from django_bolt import BoltAPI

from benchmarks.data import COLUMNS, hundred_rows

api = BoltAPI(prefix="/api")


class Hello(msgspec.Struct):
    message: str


class RowOut(msgspec.Struct):
    id: int
    name: str
    email: str
    about: str
    stock: int
    views: int
    score: float
    active: bool
    price: Decimal
    key: uuid.UUID
    at: datetime.datetime
    day: datetime.date


@api.get("/async/hello")
async def hello() -> Hello:
    return Hello(message="hello")


@api.get("/async/hundred")
async def hundred() -> list[RowOut]:
    return [RowOut(**row) async for row in hundred_rows().values(*COLUMNS)]


urlpatterns: list[Any] = []
