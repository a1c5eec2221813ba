"""``manage.py matt_seed``: fills the tables of models with data."""

import difflib
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections
from django.db.models import Model

from django_matt.contrib.seeding.errors import SeedingError
from django_matt.contrib.seeding.seeds import load_seeds
from django_matt.contrib.seeding.services import Step, plan, seed

__all__ = ["Command"]

_ROWS = 100


class Command(BaseCommand):
    """Seed models."""

    help = (
        "Fill tables with data for development and tests. Name apps or models: "
        "`matt_seed shop`, `matt_seed shop.Product --count 1000`."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument("labels", nargs="+", metavar="app[.Model]", help="what to seed")
        parser.add_argument(
            "--count",
            action="append",
            default=[],
            metavar="N | app.Model=N",
            help=f"rows for each model, or for one of them (default {_ROWS})",
        )
        parser.add_argument(
            "--seed", type=int, default=1, help="the same number makes the same rows"
        )
        parser.add_argument(
            "--database", default=DEFAULT_DB_ALIAS, help="the alias of the database"
        )
        parser.add_argument("--dry-run", action="store_true", help="show what would be seeded")
        parser.add_argument(
            "--force", action="store_true", help="seed although DEBUG is off, as in production"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Seed the models, each in a transaction of its own."""
        using = options["database"]
        if using not in connections:
            raise CommandError(
                f"There is no database {using!r}. DATABASES has {', '.join(connections)}."
            )
        if not settings.DEBUG and not options["force"] and not options["dry_run"]:
            raise CommandError(
                "DEBUG is off, so this may be production. Add --force to seed its database."
            )
        load_seeds()
        wanted = _wanted(options["labels"], options["count"])
        try:
            steps = plan(wanted, using)
            if options["dry_run"]:
                for step in steps:
                    self.stdout.write(_line(step))
                return
            for step in steps:
                self._seed(step, options["seed"], using)
        except SeedingError as error:
            raise CommandError(str(error)) from None
        except DatabaseError as error:
            text = str(error).splitlines()[0]
            raise CommandError(
                f"The database {using!r} answered: {text}. Is it running, and have its migrations been applied?"
            ) from None

    def _seed(self, step: Step, number: int, using: str) -> None:
        started = time.perf_counter()
        with self._progress(step) as tell:
            count = seed(step, number, using, tell)
        seconds = time.perf_counter() - started
        self.stdout.write(f"{_line(step)}  {count / max(seconds, 1e-6):,.0f} rows/s")

    @contextmanager
    def _progress(self, step: Step) -> Iterator[Any]:
        """Show a bar in a terminal, if ``rich`` is installed."""
        if not sys.stderr.isatty() or find_spec("rich") is None:
            yield lambda done: None
            return
        from rich.console import Console
        from rich.progress import Progress

        with Progress(console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task(step.model._meta.label, total=step.count)
            yield lambda done: progress.update(task, completed=done)


def _line(step: Step) -> str:
    line = f"{step.model._meta.label:<32} {step.count:>10,} rows"
    return f"{line}  for {step.why}" if step.why else line


def _wanted(labels: list[str], counts: list[str]) -> dict[type[Model], int]:
    """Return the models that are named, with their numbers of rows."""
    models = [model for label in labels for model in _models(label)]
    rows, single = _ROWS, dict[type[Model], int]()
    for count in counts:
        label, _, number = count.rpartition("=")
        try:
            value = int(number.replace("_", ""))
        except ValueError:
            value = -1
        if value < 0:
            raise CommandError(f"--count {count}: {number!r} is not a number of rows.")
        if label:
            single |= dict.fromkeys(_models(label), value)
        else:
            rows = value
    return {**dict.fromkeys(models, rows), **single}


def _models(label: str) -> list[type[Model]]:
    app, _, name = label.partition(".")
    known = {config.label: config for config in apps.get_app_configs()}
    if app not in known:
        raise CommandError(f"There is no app {app!r}.{_similar(app, list(known))}")
    if not name:
        return [
            model
            for model in known[app].get_models()
            if model._meta.managed and not model._meta.proxy
        ]
    names = {model.__name__.lower(): model for model in known[app].get_models()}
    if name.lower() not in names:
        every = [model.__name__ for model in names.values()]
        raise CommandError(f"{app} has no model {name!r}.{_similar(name, every)}")
    return [names[name.lower()]]


def _similar(name: str, known: list[str]) -> str:
    found = difflib.get_close_matches(name, known, 1, 0.5)
    return f" Did you mean {found[0]!r}?" if found else f" Known are {', '.join(sorted(known))}."
