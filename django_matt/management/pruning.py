"""The command of an app whose tables grow with use: ``manage.py matt_tokens prune``."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

__all__ = ["PruneCommand"]


class PruneCommand(BaseCommand):
    """Deletes the rows of one app that nothing needs any more; ``manage.py matt_prune`` does it for every app."""

    deletes = ""
    """What ``prune`` deletes, for ``--help``."""
    noun = "rows"

    def prune(self, *, dry_run: bool) -> int:
        """Delete the rows, and return how many; only count them if ``dry_run``."""
        raise NotImplementedError

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the verb and its option."""
        parser.add_argument("verb", choices=["prune"], help=self.deletes)
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help=f"only show how many {self.noun} would be deleted",
        )

    def handle(self, *args: Any, dry_run: bool, **options: Any) -> None:
        """Delete the rows, or count them."""
        count = self.prune(dry_run=dry_run)
        self.stdout.write(f"{count} {self.noun} {'would be' if dry_run else 'were'} deleted.")
