"""``manage.py matt_audit``: lists security events, and deletes old ones."""

import json
import re
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from django_matt.contrib.audit.models import SecurityEvent
from django_matt.contrib.audit.services import prune
from django_matt.contrib.audit.settings import get_settings

__all__ = ["Command"]

_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


class Command(BaseCommand):
    """Read and prune the audit log."""

    help = "List security events, or delete old ones."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the two subcommands."""
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="list|prune")
        listing = verbs.add_parser("list", help="print events, the newest first")
        listing.add_argument("--user", metavar="KEY", help="the primary key of the account")
        listing.add_argument("--name", help="the name of the event, such as signed_in")
        listing.add_argument("--limit", type=int, default=50, help="how many events (50)")
        prune = verbs.add_parser("prune", help="delete old events")
        prune.add_argument(
            "--older-than",
            metavar="365d",
            help="hours (h), days (d) or weeks (w); default: RETENTION",
        )
        prune.add_argument("--dry-run", action="store_true", help="count them, delete nothing")

    def handle(self, *, verb: str, **options: Any) -> None:
        """Run one of them."""
        getattr(self, f"run_{verb}")(**options)

    def run_list(self, *, user: str | None, name: str | None, limit: int, **_: Any) -> None:
        """Print events: time, name, account, actor, address, data."""
        found = SecurityEvent.objects.order_by("-at", "-pk")
        found = found if user is None else found.filter(user_key=user)
        found = found if name is None else found.filter(name=name)
        for event in found[: max(limit, 0)]:
            by = "" if event.actor_key == event.user_key else f"by {event.actor_key}"
            columns = [f"{event.at:%Y-%m-%d %H:%M:%S}", event.name, event.user_key or "-", by]
            columns += [event.address or "-", json.dumps(event.data)]
            self.stdout.write("\t".join(columns))

    def run_prune(self, *, older_than: str | None, dry_run: bool, **_: Any) -> None:
        """Delete the events that are older than the retention."""
        age = get_settings().RETENTION if older_than is None else _parse_age(older_than)
        if age is None:
            raise CommandError('Pass --older-than, or set MATT_AUDIT["RETENTION"].')
        count = prune(age, dry_run=dry_run)
        told = f"{count} events would be deleted." if dry_run else f"Deleted {count} events."
        self.stdout.write(told)


def _parse_age(text: str) -> timedelta:
    match = re.fullmatch(r"([1-9]\d{0,4})([hdw])", text)
    if match is None:
        raise CommandError(f"--older-than is {text!r}; write 365d, 52w or 12h.")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})
