"""The operations: each answers JSON to programs, a fragment to htmx, and a page to browsers."""

from django.contrib import messages
from django.db.models import Q
from django.shortcuts import get_object_or_404
from ninja.security import django_auth

from books.models import Author, Book
from books.schemas import BookIn, BookOut
from django_matt import MattAPI, Status, paginate
from django_matt.contrib.htmx.parts import add_part, trigger
from django_matt.contrib.htmx.representations import html

api = MattAPI(title="Books")

AUTHORS = {"author_id": Author.objects.order_by("name")}
ORDERINGS = {"title", "-title", "price", "-price"}


@api.get("/books", response=list[BookOut])
@html("books/list.html", fragment="results", form=BookIn, choices=AUTHORS)
@paginate
def list_books(request, search: str = "", ordering: str = "title"):
    """List the books, with a search in titles and authors."""
    found = Book.objects.select_related("author")
    if search:
        found = found.filter(Q(title__icontains=search) | Q(author__name__icontains=search))
    return found.order_by(ordering if ordering in ORDERINGS else "title", "id")


@api.post("/books", response={201: BookOut}, auth=django_auth)
@html("books/book.html", fragment="row", invalid="form", choices=AUTHORS, location="/books/{id}")
def create_book(request, data: BookIn):
    """Create a book."""
    book = Book()
    _save(book, data)
    messages.success(request, f"{book.title} was added.")
    trigger(request, "book-added", {"id": book.id})
    add_part(request, "books/list.html#count", count=Book.objects.count(), swap=True)
    return Status(201, book)


@api.get("/books/{int:book_id}", response=BookOut)
@html("books/book.html", fragment="card", form=BookIn, choices=AUTHORS)
def show_book(request, book_id: int):
    """Show one book."""
    return get_object_or_404(Book.objects.select_related("author"), id=book_id)


@api.put("/books/{int:book_id}", response=BookOut, auth=django_auth)
@html("books/book.html", fragment="card", invalid="form", choices=AUTHORS, location="/books/{id}")
def change_book(request, book_id: int, data: BookIn):
    """Change a book."""
    book = get_object_or_404(Book, id=book_id)
    _save(book, data)
    messages.success(request, f"{book.title} was changed.")
    return book


@api.delete("/books/{int:book_id}", response={204: None}, auth=django_auth)
@html("books/book.html", fragment="row", location="/books")
def delete_book(request, book_id: int):
    """Delete a book."""
    get_object_or_404(Book, id=book_id).delete()
    messages.success(request, "The book was deleted.")
    add_part(request, "books/list.html#count", count=Book.objects.count(), swap=True)
    return Status(204, None)


def _save(book, data):
    for name, value in data.dict(by_alias=True).items():
        setattr(book, name, value)
    book.full_clean()
    book.save()
