"""``manage.py fill``: writes some books, and a user to sign in as."""

from datetime import date, timedelta

from django.contrib.auth import get_user_model
from django.core.management import BaseCommand
from django.db import transaction

from books.models import Author, Book

BOOKS = 150


class Command(BaseCommand):
    """Fill an empty database."""

    help = "Write 150 books, and the user ada with the password demo-demo."

    @transaction.atomic
    def handle(self, *args, **options):
        """Write what is missing."""
        users = get_user_model().objects
        if not users.filter(username="ada").exists():
            users.create_superuser("ada", password="demo-demo")
        if not Book.objects.exists():
            authors = [
                Author.objects.get_or_create(name=name)[0]
                for name in ("Italo Calvino", "Ursula K. Le Guin")
            ]
            Book.objects.bulk_create(
                Book(
                    title=f"Book {number:03}",
                    author=authors[number % 2],
                    price=number,
                    published=date(1970, 1, 1) + timedelta(weeks=number),
                )
                for number in range(BOOKS)
            )
        self.stdout.write(f"{Book.objects.count()} books. Sign in as ada with demo-demo.")
