"""``manage.py matt_keys``: lists the signing keys of access tokens, rotates them, and retires one."""

from typing import Any, get_args

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from django_matt.contrib.tokens import keys
from django_matt.contrib.tokens.models import SigningKey
from django_matt.contrib.tokens.settings import Algorithm, get_settings
from django_matt.errors.exceptions import Problem

__all__ = ["Command"]


class Command(BaseCommand):
    """Maintain the key ring."""

    help = "List the signing keys of access tokens, rotate them, or retire one."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the three subcommands."""
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="list|rotate|retire")
        verbs.add_parser("list", help="show the keys; private parts are never shown")
        rotate = verbs.add_parser(
            "rotate",
            help="make a new key that signs; the former one verifies until its tokens expire",
        )
        rotate.add_argument(
            "--algorithm", choices=get_args(Algorithm), help="by default, that of the settings"
        )
        retire = verbs.add_parser(
            "retire", help="stop accepting the tokens of a key now, for example because it leaked"
        )
        retire.add_argument("kid", help="the id of the key, as `list` shows it")
        for verb in (rotate, retire):
            verb.add_argument("--dry-run", action="store_true", help="show what would change")
            verb.add_argument("--no-input", action="store_true", help="ask nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the subcommand."""
        try:
            getattr(self, f"_{options['verb']}")(options)
        except Problem as error:
            raise CommandError(str(error.detail)) from None

    def _list(self, options: dict[str, Any]) -> None:
        if get_settings().PRIVATE_KEYS:
            ring = keys.load_ring()
            for key in ring.keys.values():
                state = "signs" if key is ring.active else "verifies"
                self.stdout.write(f"{key.kid}  {key.algorithm}  {state} (MATT_TOKENS)")
            return
        rows = list(SigningKey.objects.order_by("created_at"))
        for row in rows:
            self.stdout.write(f"{row.kid}  {row.algorithm}  {_state(row)}")
        if not rows:
            self.stdout.write("There is no key yet. The first token makes one.")

    def _rotate(self, options: dict[str, Any]) -> None:
        active = SigningKey.objects.filter(is_active=True).first()
        algorithm = options["algorithm"] or get_settings().ALGORITHM
        told = "There is no key yet." if active is None else f"{active.kid} signs now."
        if not self._agrees(options, f"{told} Make a new {algorithm} key that signs?"):
            return
        key = keys.rotate(algorithm)
        self.stdout.write(self.style.SUCCESS(f"{key.kid} signs now."))

    def _retire(self, options: dict[str, Any]) -> None:
        kid = options["kid"]
        if not self._agrees(options, f"Refuse every token that {kid} has signed?"):
            return
        keys.retire(kid)
        self.stdout.write(self.style.SUCCESS(f"{kid} is retired."))

    def _agrees(self, options: dict[str, Any], question: str) -> bool:
        if options["dry_run"]:
            self.stdout.write(f"{question} (dry run: nothing was changed)")
            return False
        if options["no_input"] or input(f"{question} [y/N] ").strip().lower() in {"y", "yes"}:
            return True
        raise CommandError("Nothing was changed.")


def _state(row: SigningKey) -> str:
    if row.is_active:
        return "signs"
    if row.retired_at is not None and row.retired_at <= timezone.now():
        return f"retired {row.retired_at:%Y-%m-%d %H:%M}"
    return "verifies" + (f" until {row.retired_at:%Y-%m-%d %H:%M}" if row.retired_at else "")
