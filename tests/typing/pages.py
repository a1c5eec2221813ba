"""``@html`` keeps the type of the view that it decorates, in functions and in methods."""

from typing import Any, assert_type

from django.http import HttpRequest
from pydantic import BaseModel

from django_matt.contrib.htmx.parts import add_part, trigger
from django_matt.contrib.htmx.representations import html
from django_matt.forms.html import SchemaForm


class BookIn(BaseModel):
    title: str


@html("books/list.html", fragment=["rows", "count"], form=BookIn, choices={"author_id": []})
def list_books(request: HttpRequest, search: str = "") -> list[str]:
    trigger(request, "seen", {"search": search})
    return [search]


@html("books/book.html", fragment="row", invalid="form", location="/books/{id}", result=True)
async def create_book(request: HttpRequest, data: BookIn) -> str:
    add_part(request, "cart.html#count", count=1)
    return data.title


async def use(request: HttpRequest) -> None:
    assert_type(list_books(request, search="a"), list[str])
    assert_type(await create_book(request, BookIn(title="a")), str)
    form: SchemaForm[BookIn] = SchemaForm(BookIn, initial={"title": "a"}, choices={})
    assert_type(form.clean(), BookIn)
    shown: dict[str, Any] = {"form": form}
    add_part(request, "books/form.html", **shown)
