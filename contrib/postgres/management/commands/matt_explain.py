"""``manage.py matt_explain``: shows how PostgreSQL finds the rows of each list, and what is wrong with it."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections

from django_matt.api import MattAPI
from django_matt.contrib.postgres.plans import Explained, explain_operation
from django_matt.discovery import find_apis

__all__ = ["Command"]


class Command(BaseCommand):
    """Explain."""

    help = (
        "Explain the queries of your lists by PostgreSQL: the list itself, and each ordering, search and filter. Routes are "
        "not called. It reports large tables that are read or sorted as a whole, and foreign keys without an index."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument(
            "route", nargs="?", default="", help="a part of the path, the name or the operationId"
        )
        parser.add_argument(
            "--rows", type=int, default=10_000, help="from how many rows on a table is large"
        )
        parser.add_argument(
            "--analyze", action="store_true", help="run the queries, and show how long they take"
        )
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Explain, and print."""
        if all(connections[alias].vendor != "postgresql" for alias in connections):
            raise CommandError(
                "matt_explain needs PostgreSQL, and no database in DATABASES is one."
            )
        if options["rows"] < 1:
            raise CommandError("--rows is at least 1.")
        found = list(
            _explained(options["route"], least=options["rows"], analyze=options["analyze"])
        )
        if options["json"]:
            self.stdout.write(json.dumps([asdict(each) for each in found], indent=2))
            return
        for each in found:
            took = "" if each.milliseconds is None else f"  {each.milliseconds:,.1f} ms"
            self.stdout.write(f"{each.route}  {each.cause}{took}")
            for problem in each.problems:
                self.stdout.write(self.style.WARNING(f"  {problem}"))
            if options["verbosity"] > 1:
                self.stdout.write("".join(f"    {line}\n" for line in each.plan.splitlines()))
        count = sum(bool(each.problems) for each in found)
        self.stdout.write(f"{len(found)} queries explained, {count} with problems.")


def _explained(route: str, *, least: int, analyze: bool) -> Iterator[Explained]:
    for api, prefix in find_apis():
        if not isinstance(api, MattAPI):
            continue
        for operation in api.operations(path_prefix=prefix):
            names = (operation.path, operation.operation_id, operation.name)
            if any(route in name for name in names):
                yield from explain_operation(operation, least=least, analyze=analyze)
