"""``manage.py matt_prune``: deletes the rows that no installed app needs any more."""

from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError, CommandParser

from django_matt.extensions import PrunesRows

__all__ = ["Command"]


class Command(BaseCommand):
    """Delete old rows of every app that has some."""

    help = "Delete what has expired: logins, links, keys, limits and old events. Run it once a day."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the option that deletes nothing."""
        parser.add_argument(
            "--dry-run", action="store_true", help="only show how many rows would be deleted"
        )

    def handle(self, *args: Any, dry_run: bool, **options: Any) -> None:
        """Ask each app. An app that fails does not stop the others."""
        failed = []
        verb = "would be" if dry_run else "were"
        for app in apps.get_app_configs():
            if not isinstance(app, PrunesRows):
                continue
            try:
                rows = app.prune_rows(dry_run=dry_run)
            except Exception as error:  # noqa: BLE001 - whatever an app raises
                failed.append(f"{app.label}: {type(error).__name__}: {error}")
            else:
                self.stdout.write(f"{app.label}: {rows} rows {verb} deleted.")
        if failed:
            raise CommandError("\n".join(failed))
