"""``manage.py matt_advise``: calls the GET operations of your project, and shows what makes them slow."""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from django_matt.contrib.observability.advice.findings import LEVELS, Advice
from django_matt.contrib.observability.advice.replays import replay
from django_matt.contrib.observability.advice.rules import advise
from django_matt.contrib.observability.management.calls import (
    add_call_options,
    read_call_options,
)

__all__ = ["Command"]


class Command(BaseCommand):
    """Advise."""

    help = (
        "Call the GET operations of your project with rows of its database, and show what makes them slow: each with a "
        "place, a reason, a remedy and a number. What they write is rolled back."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument(
            "route", nargs="?", help="a part of the path, the name or the operationId"
        )
        add_call_options(parser)
        parser.add_argument(
            "--times", type=int, default=1, help="how often each operation is called"
        )
        parser.add_argument("--json", action="store_true", help="print JSON")
        parser.add_argument(
            "--fail-on", choices=LEVELS, help="end with 1 if there is advice of this level"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Call, and print."""
        given = read_call_options(options)
        if options["times"] < 1:
            raise CommandError("--times is at least 1.")
        routes = [options["route"]] if options["route"] is not None else []
        calls = list(replay(routes, given.known, given.headers, given.user, options["times"]))
        if not calls:
            raise CommandError("No GET operation of a mounted MattAPI matches.")
        found = advise([detail for call in calls for detail in call.seen])
        skipped = {f"GET {call.operation.path}": call.reason for call in calls if call.reason}
        if options["json"]:
            report = {"advice": [asdict(each) for each in found], "not_called": skipped}
            self.stdout.write(json.dumps(report, indent=2))
        else:
            self._print(found, skipped, len(calls))
        if level := options["fail_on"]:
            if len(skipped) == len(calls):
                raise CommandError("No operation was examined.")
            failing = LEVELS[: LEVELS.index(level) + 1]
            count = sum(each.level in failing for each in found)
            if count:
                raise CommandError(f"{count} pieces of advice of the level {level} or above.")

    def _print(self, found: list[Advice], skipped: dict[str, str], called: int) -> None:
        styles = {"warn": self.style.WARNING, "info": self.style.NOTICE}
        for each in found:
            self.stdout.write(styles[each.level](f"{each.id} {each.level}: {each.route}"))
            self.stdout.write(f"  {each.place}\n  {each.reason}\n  {each.remedy}\n")
            if each.sql:
                self.stdout.write(f"  {each.sql[:200]}")
            self.stdout.write("")
        for route, reason in skipped.items():
            self.stdout.write(f"{route} was not examined: {reason}.")
        self.stdout.write(
            f"{called - len(skipped)} operations examined, {len(found)} pieces of advice."
        )
