"""``manage.py matt_rate_limits prune``: deletes the rows of clients that send no more requests."""

from django.core.management.base import CommandError

from django_matt.contrib.rate_limits.services import prune
from django_matt.management.pruning import PruneCommand

__all__ = ["Command"]


class Command(PruneCommand):
    """Maintain the table of rate limits, if they are counted in the database."""

    help = "Delete the rate limits that no client needs, if they are counted in the database."
    deletes = "delete the rows of clients that may send all requests again"

    def prune(self, *, dry_run: bool) -> int:
        """Delete the rows. Raises ``CommandError`` if requests are not counted in the database."""
        found = prune(dry_run=dry_run)
        if found is None:
            raise CommandError(
                'Rate limits are not counted in the database: MATT_RATE_LIMITS["STORE"].'
            )
        return found
