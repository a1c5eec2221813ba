"""``manage.py matt_api_keys``: creates, lists and revokes API keys."""

from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser

from django_matt.contrib.api_keys.models import ApiKey
from django_matt.contrib.api_keys.owners import Owner
from django_matt.contrib.api_keys.services import create_key, keys_of, revoke_key
from django_matt.errors.exceptions import Problem

__all__ = ["Command"]


class Command(BaseCommand):
    """Manage the API keys of users and organizations."""

    help = "Create, list or revoke API keys."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the three subcommands."""
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="create|list|revoke")
        create = verbs.add_parser("create", help="print a new key, which is not shown again")
        create.add_argument("--name", required=True, help="what the key is for")
        create.add_argument(
            "--scope", action="append", default=[], help="may be given several times"
        )
        create.add_argument("--days", type=int, help="how long it is valid (MAX_LIFETIME)")
        listing = verbs.add_parser("list", help="list keys, without their secrets")
        for verb in (create, listing):
            owner = verb.add_mutually_exclusive_group(required=verb is create)
            owner.add_argument(
                "--user", metavar="NAME", help="the name that the user signs in with"
            )
            owner.add_argument("--organization", metavar="ID", help="the id of the tenant")
        revoke = verbs.add_parser("revoke", help="revoke a key at once")
        revoke.add_argument("id", help="the id of the key, which is the third word of its text")
        revoke.add_argument("--no-input", action="store_true", help="do not ask")

    def handle(self, *, verb: str, **options: Any) -> None:
        """Run one of them."""
        getattr(self, f"run_{verb}")(**options)

    def run_create(self, *, name: str, scope: list[str], days: int | None, **options: Any) -> None:
        """Create a key. Only its text is written to the standard output, so that it can be piped."""
        if days is not None and days < 1:
            raise CommandError("--days must be 1 or more.")
        lifetime = None if days is None else timedelta(days=days)
        try:
            key, text = create_key(_owner(options), name=name, scopes=scope, lifetime=lifetime)
        except Problem as error:
            raise CommandError(str(error.detail)) from None
        self.stderr.write(f"{key}, valid until {key.expires_at or 'it is revoked'}:")
        self.stdout.write(text)

    def run_list(self, **options: Any) -> None:
        """List keys: id, name, owner, state, last use."""
        owned = options["user"] or options["organization"]
        keys = keys_of(_owner(options)) if owned else ApiKey.objects.order_by("-pk")
        for key in keys.select_related("user"):
            owner = key.user if key.user is not None else f"organization {key.tenant_id}"
            if key.revoked_at:
                state = f"revoked {key.revoked_at:%Y-%m-%d}"
            else:
                state = f"until {key.expires_at:%Y-%m-%d}" if key.expires_at else "valid"
            used = f"used {key.last_used_at:%Y-%m-%d %H:%M}" if key.last_used_at else "never used"
            scopes = " ".join(key.scopes) or "-"
            self.stdout.write("\t".join([key.public_id, key.name, str(owner), scopes, state, used]))

    def run_revoke(self, *, id: str, no_input: bool, **_: Any) -> None:  # noqa: A002 - the option's name
        """Revoke a key after a question."""
        key = ApiKey.objects.select_related("user").filter(public_id=id).first()
        if key is None:
            raise CommandError(f"There is no key with the id {id}.")
        if not no_input and input(f"Revoke {key}? [y/N] ").strip().lower() not in {"y", "yes"}:
            raise CommandError("Nothing was revoked.")
        done = revoke_key(key)
        self.stdout.write(f"Revoked {key}." if done else f"{key} was revoked already.")


def _owner(options: dict[str, Any]) -> Owner:
    if options["organization"]:
        return Owner(None, options["organization"])
    users = get_user_model()
    try:
        return Owner(users._default_manager.get_by_natural_key(options["user"]))  # type: ignore[attr-defined]
    except users.DoesNotExist:
        raise CommandError(f"There is no user {options['user']}.") from None
