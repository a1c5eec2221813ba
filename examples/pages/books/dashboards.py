"""The dashboard of the admin."""

from django.db.models import Avg

from books.models import Book
from django_matt.contrib.admin.dashboards import Chart, Figure, Table

panels = [
    Figure("Books", Book.objects.all()),
    Figure("Average price", Book.objects.all(), value=Avg("price"), format="{:.2f} €"),
    Chart("Books by author", Book.objects.all(), by="author__name"),
    Table("The dearest", Book.objects.order_by("-price"), fields=["title", "author", "price"]),
]
