"""``manage.py matt_tokens prune``: deletes the logins that have expired or ended, and retired keys."""

from django_matt.contrib.tokens.endings import prune
from django_matt.management.pruning import PruneCommand

__all__ = ["Command"]


class Command(PruneCommand):
    """Maintain the tables of the tokens."""

    help = "Delete the logins that have expired or ended, and retired keys. Run it once a day."
    deletes = "delete logins and keys whose tokens are refused"

    def prune(self, *, dry_run: bool) -> int:
        """Delete the logins and keys."""
        return prune(dry_run=dry_run)
