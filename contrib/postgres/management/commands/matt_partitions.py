"""``manage.py matt_partitions``: creates the partitions that are needed next, and deletes old ones."""

from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections

from django_matt.contrib.postgres.partitions import (
    create_partition,
    drop_partition,
    find_partitioned,
)

__all__ = ["Command"]


class Command(BaseCommand):
    """Create and delete."""

    help = (
        "Create the next partitions of the tables that PartitionBy has made, and delete old ones with their rows. Run it "
        "every day."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument(
            "--ahead", type=int, default=3, help="how many partitions after the current one"
        )
        parser.add_argument(
            "--drop-older",
            type=int,
            metavar="COUNT",
            help="delete the partitions before the last COUNT ones and the current one",
        )
        parser.add_argument("--dry-run", action="store_true", help="print what it would do")
        parser.add_argument("--database", default=DEFAULT_DB_ALIAS)

    def handle(self, *args: Any, **options: Any) -> None:
        """Create, delete, and print each partition."""
        ahead, keep, dry_run = options["ahead"], options["drop_older"], options["dry_run"]
        connection = connections[options["database"]]
        if connection.vendor != "postgresql":
            raise CommandError(
                f"matt_partitions needs PostgreSQL, and the database {connection.alias!r} is not one."
            )
        if ahead < 0 or (keep is not None and keep < 0):
            raise CommandError("--ahead and --drop-older are at least 0.")
        today = datetime.now(UTC).date()
        failed = []
        for each in find_partitioned(connection):
            for name, start, end in each.missing(today, ahead):
                self.stdout.write(f"create {name}: {start} to {end}")
                if dry_run:
                    continue
                try:
                    create_partition(connection, each.table, name, start, end)
                except DatabaseError as error:
                    # Rows of this interval are in the default partition already.
                    failed.append(f"{name}: {str(error).splitlines()[0]}")
            for name in each.older(today, keep) if keep is not None else ():
                self.stdout.write(f"delete {name}")
                if not dry_run:
                    drop_partition(connection, name)
        if failed:
            raise CommandError("\n".join(failed))
