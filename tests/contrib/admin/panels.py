"""The dashboard of the tests."""

from django.db.models import Sum
from django.http import HttpRequest

from django_matt.contrib.admin.dashboards import Chart, Figure, Table, Trend
from tests.project.models import Author, Book, Everything, Stamped


def staff_of(request: HttpRequest):
    return Author.objects.filter(name__contains=request.user.get_username())


PANELS = [
    Figure("Books", Book.objects.all()),
    Figure("Worth", Book.objects.all(), value=Sum("price"), format="{:,.2f} €"),
    Trend("New entries", Stamped.objects.all(), date="made", days=14),
    Chart("Colours", Everything.objects.all(), by="colour"),
    Table(
        "Dearest books", Book.objects.order_by("-price"), fields=["title", "author__name", "price"]
    ),
    Figure("Mine", staff_of),
    Figure("Secret", Book.objects.all(), permission="auth.change_user"),
    Figure("Broken", Book.objects.filter(price=0), value=Sum("price"), format="{:q}"),
]
