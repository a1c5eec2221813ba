"""``manage.py load_demo``: add the demo data that is missing."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction

from store.management.progress import show_progress
from store.services.demo import PASSWORD, plan_demo


class Command(BaseCommand):
    """Add categories, products with pictures, customers, orders and reviews."""

    help = "Adds the demo data that is missing; run it as often as you like."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the size, and leave to ask nothing."""
        parser.add_argument("--products", type=int, default=200, help="how many products (200)")
        parser.add_argument(
            "--no-input", "--noinput", action="store_false", dest="interactive", help="ask nothing"
        )

    def handle(self, *, products: int, interactive: bool, **options: Any) -> None:
        """Run every step with its progress."""
        if not 1 <= products <= 10_000:
            raise CommandError("--products takes a number from 1 to 10000.")
        if interactive and sys.stdin.isatty():
            name = connection.settings_dict["NAME"]
            if input(f"Add demo data to {name}? [Y/n] ").strip().lower() not in {"", "y", "yes"}:
                raise CommandError("Nothing was added.")
        with show_progress(self.stdout._out) as begin:
            for step in plan_demo(products):
                advance = begin(step.label, step.total)
                # A step is one transaction: on SQLite a commit for every row takes a minute.
                with transaction.atomic():
                    for _ in step.run():
                        advance()
        self.stdout.write(f"Sign in as ada or staff, password {PASSWORD}.")
