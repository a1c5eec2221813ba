"""``manage.py matt_sessions``: lists the sessions of a user, and ends them together with the user's tokens."""

from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser

__all__ = ["Command"]


class Command(BaseCommand):
    """List or end the sessions of a user."""

    help = "List the sessions of a user, or end all of them and all tokens of the user."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the two subcommands."""
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="list|revoke")
        listing = verbs.add_parser("list", help="list the sessions of a user")
        revoking = verbs.add_parser("revoke", help="end all sessions and tokens of a user")
        for verb in (listing, revoking):
            verb.add_argument("user", help="the user name or e-mail address, or the primary key")
        revoking.add_argument("--dry-run", action="store_true", help="only list the sessions")

    def handle(self, *_: Any, verb: str, user: str, dry_run: bool = False, **__: Any) -> None:
        """Run the subcommand."""
        if not apps.is_installed("allauth.usersessions"):
            raise CommandError('Add "allauth.usersessions" to INSTALLED_APPS: it records sessions.')
        from allauth.usersessions.models import UserSession

        from django_matt.contrib.accounts.sessions import revoke

        found = _find(user)
        if verb == "revoke" and not dry_run:
            sessions, families = revoke(found)
            self.stdout.write(f"Ended {sessions} sessions and {families} families of tokens.")
            return
        for each in UserSession.objects.filter(user_id=found.pk).order_by("-last_seen_at"):
            # The key signs in: it is not shown.
            seen = each.last_seen_at.isoformat(timespec="seconds")
            self.stdout.write(f"{seen}  {each.ip}  {each.user_agent}")


def _find(given: str) -> Any:
    """Return the user with a name or a key; raise ``CommandError`` if there is none."""
    manager = get_user_model()._default_manager
    try:
        return manager.get_by_natural_key(given)  # type: ignore[attr-defined] # of Django's managers of users
    except get_user_model().DoesNotExist:
        pass
    email = manager.filter(**{f"{get_user_model().get_email_field_name()}__iexact": given})[:2]
    if len(email) == 1:
        return email[0]
    try:
        return manager.get(pk=given)
    except (get_user_model().DoesNotExist, ValueError, OverflowError):
        raise CommandError(f"There is no user {given!r}.") from None
