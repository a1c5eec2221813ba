"""``manage.py matt_tailwind``: builds the stylesheet once, after each edit, or only to compare it."""

import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser

from django_matt.contrib.tailwind import services
from django_matt.contrib.tailwind.errors import TailwindError
from django_matt.contrib.tailwind.settings import TailwindSettings, get_settings, root

__all__ = ["Command"]

_PAUSE = 0.3


class Command(BaseCommand):
    """Build the stylesheet."""

    help = (
        "`build` compiles the stylesheet from the classes in the templates and the Python code of the project. `watch` "
        "does so after each edit. `check` ends with 1 if the stylesheet is not up to date, and writes nothing."
    )
    # A project without a stylesheet yet has warnings; the command is how to fix them.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the three verbs."""
        parser.add_argument("verb", choices=("build", "watch", "check"))

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the verb."""
        try:
            chosen = get_settings()
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from None
        if options["verb"] == "check":
            self._check(chosen)
            return
        services.find_compiler()
        if services.create_source(chosen):
            source = chosen.source.read_text(encoding="utf-8").rstrip()
            self.stdout.write(f"{_name(chosen.source)} is new. It is yours:\n\n{source}\n\n")
        self._build(chosen)
        if options["verb"] == "watch":
            with suppress(KeyboardInterrupt):
                self._watch(chosen)

    def _build(self, chosen: TailwindSettings) -> None:
        stylesheet = services.build(chosen)
        changed = services.write(chosen, stylesheet)
        size = f"{len(stylesheet) / 1024:,.1f} KiB"
        state = "written" if changed else "is up to date"
        self.stdout.write(f"{_name(chosen.output)} {state}, {size}.")

    def _watch(self, chosen: TailwindSettings) -> None:
        self.stdout.write("Ctrl-C ends it.")
        before = services.snapshot(chosen)
        while True:
            time.sleep(_PAUSE)
            if (now := services.snapshot(chosen)) == before:
                continue
            before = now
            try:
                self._build(chosen)
            except TailwindError as error:
                self.stderr.write(str(error))

    def _check(self, chosen: TailwindSettings) -> None:
        stylesheet = services.build(chosen)
        try:
            is_same = chosen.output.read_bytes() == stylesheet
        except FileNotFoundError:
            is_same = False
        if not is_same:
            raise TailwindError(
                f"{_name(chosen.output)} is not up to date. Run manage.py matt_tailwind build, and commit it."
            )
        self.stdout.write(f"{_name(chosen.output)} is up to date.")


def _name(path: Path) -> str:
    return path.relative_to(root()).as_posix() if path.is_relative_to(root()) else str(path)
