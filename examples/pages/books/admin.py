"""The admin of books and authors."""

from django.contrib import admin

from books.models import Author, Book
from django_matt.contrib.admin.options import MattAdmin


@admin.register(Author)
class AuthorAdmin(MattAdmin):
    icon = "person"
    search_fields = ["name"]


@admin.register(Book)
class BookAdmin(MattAdmin):
    icon = "menu_book"
    list_display = ["title", "author", "price", "in_stock"]
    list_filter = ["author", "in_stock"]
    list_select_related = ["author"]
    search_fields = ["title"]
    autocomplete_fields = ["author"]
