"""``manage.py train``: train on the orders of the shop, and let the result answer requests."""

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from django_matt.contrib.ml.models import Model
from django_matt.errors.exceptions import MissingExtra
from forecast.training import train

__all__ = ["Command"]


class Command(BaseCommand):
    """Train a new version."""

    help = "Trains a network on the orders, and makes it the live version."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the number of epochs."""
        parser.add_argument("--epochs", type=int, default=5)

    def handle(self, *, epochs: int, **options: Any) -> None:
        """Train, and register the result."""
        version = str(Model.objects.filter(name="quantity").count() + 1)
        try:
            row = train(version, epochs, self.stdout.write)
        except ImportError as error:
            raise CommandError(str(MissingExtra("torch", "ml"))) from error
        except (ValueError, ValidationError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{row} answers requests.")
