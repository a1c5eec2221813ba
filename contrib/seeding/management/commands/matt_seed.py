"""``manage.py matt_seed``: fills the tables of models with data."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections
from django.db.models import Model

from django_matt.contrib.seeding.errors import SeedingError
from django_matt.contrib.seeding.seeds import load_seeds
from django_matt.contrib.seeding.services import Step, left_of, plan, seed
from django_matt.contrib.seeding.words import LOCALES, words_of
from django_matt.management.labels import find_app, models_of, suggest

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
        parser.add_argument(
            "--locale", default="en", help=f"the language of names and texts: {', '.join(LOCALES)}"
        )
        parser.add_argument(
            "--resume",
            action="store_true",
            help="add only the rows that are missing, and keep what an interruption leaves",
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
            words_of(options["locale"])
            for reason in _left_out(options["labels"]):
                self.stdout.write(reason)
            self._carry_out(wanted, using, options)
        except SeedingError as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            kept = (
                "all rows but those of the last step" if options["resume"] else "none of its rows"
            )
            raise CommandError(
                f"Interrupted. The models before this one are complete, and this one keeps {kept}. "
                "Run the command again with --resume to go on.",
                returncode=130,
            ) from None
        except (DatabaseError, ImproperlyConfigured) as error:
            raise CommandError(
                f"The database {using!r} answered: {_first_line(error)}. Is it running, may its user write to it, "
                "and have its migrations been applied?"
            ) from error

    def _carry_out(
        self, wanted: dict[type[Model], int], using: str, options: dict[str, Any]
    ) -> None:
        if not wanted:
            self.stdout.write("There is no model to seed.")
        left = left_of(wanted, using) if options["resume"] else wanted
        for model in [each for each, count in wanted.items() if count and not left[each]]:
            self.stdout.write(f"{model._meta.label:<32} has its {wanted[model]:,} rows")
            del left[model]
        for step in plan(left, using):
            if options["dry_run"]:
                self.stdout.write(_line(step))
                continue
            started = time.perf_counter()
            with self._progress(step) as tell:
                count = seed(
                    step,
                    options["seed"],
                    using,
                    tell,
                    locale=options["locale"],
                    in_parts=options["resume"],
                )
            seconds = time.perf_counter() - started
            self.stdout.write(f"{_line(step)}  {count / max(seconds, 1e-6):,.0f} rows/s")
            self.stdout.flush()

    @contextmanager
    def _progress(self, step: Step) -> Iterator[Any]:
        """Show a bar in a terminal, if ``rich`` is installed."""
        if not sys.stderr.isatty() or find_spec("rich") is None:
            yield lambda done: None
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
        from rich.progress import TimeRemainingColumn as TimeLeft

        rate = TextColumn("{task.fields[rate]}")
        columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), rate, TimeLeft())
        started = time.perf_counter()
        with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task(step.model._meta.label, total=step.count, rate="")

            def tell(done: int) -> None:
                rate = done / max(time.perf_counter() - started, 1e-6)
                progress.update(task, completed=done, rate=f"{rate:,.0f} rows/s")

            yield tell


def _line(step: Step) -> str:
    line = f"{step.model._meta.label:<32} {step.count:>10,} rows"
    return f"{line}  for {step.why}" if step.why else line


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")


def _why_not(model: type[Model]) -> str:
    """Return why no rows are made for a model of an app; an empty text if they are."""
    meta = model._meta
    concrete: Any = meta.concrete_model
    if meta.proxy:
        return f"{meta.label} is a proxy and has no table: seed {concrete._meta.label}."
    if meta.swapped:
        return f"{meta.label} is replaced and has no table: seed {meta.swapped}."
    return ""


def _left_out(labels: list[str]) -> Iterator[str]:
    """Yield the models of whole apps that get no rows, and why."""
    for label in labels:
        if "." in label:
            continue
        for model in apps.get_app_config(label).get_models(include_swapped=True):
            unmanaged = f"{model._meta.label} is not managed by Django: name it to seed it."
            if reason := _why_not(model) or ("" if model._meta.managed else unmanaged):
                yield reason


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
    config = find_app(app)
    if not name:
        return [
            model for model in config.get_models() if model._meta.managed and not model._meta.proxy
        ]
    names = models_of(config)
    if name.lower() not in names:
        every = [model.__name__ for model in names.values()]
        raise CommandError(f"{app} has no model {name!r}.{suggest(name, every)}")
    found = names[name.lower()]
    if reason := _why_not(found):
        raise CommandError(reason)
    return [found]
