"""``manage.py matt_types``: each of its verbs is a module in ``management/verbs``."""

from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from django_matt.contrib.typescript.management import verbs

__all__ = ["Command"]

VERBS = sorted(module.name for module in iter_modules(verbs.__path__))


class Command(BaseCommand):
    """Keep the types of a front end and of its API the same."""

    help = "Write TypeScript from the API, read it back, and name what changed."

    # They import the URLs: if that fails, the verb says it without the frames of Django.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the verbs."""
        chosen = parser.add_subparsers(dest="verb", required=True, metavar="|".join(VERBS))
        for name in VERBS:
            verb = import_module(f"{verbs.__name__}.{name}")
            verb.add_arguments(chosen.add_parser(name, help=verb.HELP))

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the verb that was chosen."""
        verb = import_module(f"{verbs.__name__}.{options['verb']}")
        try:
            verb.run(self, options)
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror or error}") from None
