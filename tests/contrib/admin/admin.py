"""The admins of the tests; Django imports this module."""

from typing import Annotated, Literal

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import User
from django.http import HttpResponse
from ninja import FilterLookup, FilterSchema, Schema
from pydantic import Field, model_validator

from django_matt.contrib.admin.actions import form_action
from django_matt.contrib.admin.options import MattAdmin
from django_matt.contrib.admin.pages import page
from tests.project.models import Author, Book, Everything, Note, Stamped


class Discount(Schema):
    percent: int = Field(ge=1, le=90, description="How much cheaper.")
    reason: Literal["sale", "damage"] = "sale"
    note: str = ""

    @model_validator(mode="after")
    def check_note(self):
        if self.reason == "damage" and not self.note:
            raise ValueError("Describe the damage.")
        return self


class BookFilter(FilterSchema):
    cheaper_than: Annotated[float | None, FilterLookup("price__lt")] = None
    has_editor: bool | None = None

    def filter_has_editor(self, value):
        from django.db.models import Q

        return Q() if value is None else Q(editor__isnull=not value)


admin.site.unregister(User)


@admin.register(User)
class UserAdmin(DjangoUserAdmin, MattAdmin):
    pass


@admin.register(Author)
class AuthorAdmin(MattAdmin):
    search_fields = ["name"]


@admin.register(Book)
class BookAdmin(MattAdmin):
    icon = "menu_book"
    list_display = ["title", "author", "price"]
    list_select_related = ["author"]
    search_fields = ["title"]
    filter_schema = BookFilter
    transfer_fields = ["id", "title", "price", "author"]
    actions = ["discount"]
    list_per_page = 5

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        if db_field.name == "author":
            kwargs["queryset"] = Author.objects.exclude(name="hidden")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    @form_action(Discount, description="Give a discount")
    def discount(self, request, queryset, data: Discount):
        for book in queryset:
            book.price = book.price * (100 - data.percent) / 100
            book.save()
            if data.note == "crash":
                raise RuntimeError("in the middle")
        return f"{queryset.count()} books are {data.percent} % cheaper."


@admin.register(Everything)
class EverythingAdmin(MattAdmin):
    transfer_fields = ["id", "char", "boolean", "date", "moment", "document", "colour"]


@admin.register(Stamped)
class StampedAdmin(MattAdmin):
    pass


@admin.register(Note)
class NoteAdmin(MattAdmin):
    pass


@page(
    "reports/",
    title="Reports <1>",
    permission="project.view_book",
    template="admin_tests/report.html",
)
def reports(request):
    return {"books": Book.objects.count()}


@page("reports/<int:number>/", permission="project.view_book")
def one_report(request, number):
    return HttpResponse(f"Report {number}")
