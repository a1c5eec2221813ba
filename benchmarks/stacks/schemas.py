"""The schemas that MattAPI, Ninja and Ninja Extra share."""

import datetime
import uuid
from decimal import Decimal

from ninja import Schema


class Hello(Schema):
    message: str


class ProductIn(Schema):
    name: str
    email: str
    stock: int
    score: float
    active: bool


class ProductOut(ProductIn):
    id: int


class Item(ProductIn):
    tags: list[str]


class RowOut(Schema):
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


class AuthorOut(Schema):
    id: int
    name: str
    email: str


class TagOut(Schema):
    id: int
    name: str


class BookOut(Schema):
    id: int
    title: str
    pages: int
    author: AuthorOut
    tags: list[TagOut]


class InvoiceOut(Schema):
    id: int
    number: str
    total: Decimal
    paid: bool
    due: datetime.date


class ChapterOut(Schema):
    id: int
    title: str


class BookWithChapters(Schema):
    id: int
    title: str
    chapters: list[ChapterOut]


class AuthorWithBooks(Schema):
    id: int
    name: str
    books: list[BookWithChapters]


class PublisherOut(Schema):
    id: int
    name: str
    authors: list[AuthorWithBooks]
