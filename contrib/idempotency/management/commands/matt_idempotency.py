"""``manage.py matt_idempotency prune``: deletes the responses that have expired."""

from django_matt.contrib.idempotency.services import prune
from django_matt.management.pruning import PruneCommand

__all__ = ["Command"]


class Command(PruneCommand):
    """Maintain the table of idempotency keys."""

    help = "Delete the idempotency keys that have expired, with their responses. Run it once a day."
    deletes = "delete the keys that have expired"
    noun = "keys"

    def prune(self, *, dry_run: bool) -> int:
        """Delete the keys."""
        return prune(dry_run=dry_run)
