"""``manage.py matt_magic_links prune``: deletes expired links."""

from django_matt.contrib.magic_links.services import prune
from django_matt.management.pruning import PruneCommand

__all__ = ["Command"]


class Command(PruneCommand):
    """Maintain the tables of the sign-in links."""

    help = "Delete the sign-in links that have expired. Run it once a day."
    deletes = "delete expired links and unused counters"

    def prune(self, *, dry_run: bool) -> int:
        """Delete the links and counters."""
        return prune(dry_run=dry_run)
