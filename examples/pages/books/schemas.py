"""What clients send and see."""

from typing import Annotated

from ninja import Field

from books.models import Author, Book
from django_matt import ModelSchema


class AuthorOut(ModelSchema):
    class Meta:
        model = Author
        fields = ["id", "name"]


class BookOut(ModelSchema):
    author: AuthorOut

    class Meta:
        model = Book
        fields = ["id", "title", "published", "price", "in_stock", "note"]


class BookIn(ModelSchema):
    # An empty text is no null in this table.
    note: Annotated[str, Field(json_schema_extra={"ui": {"order": 9}})] = ""

    class Meta:
        model = Book
        fields = ["title", "author", "published", "price", "in_stock"]
