"""``manage.py matt_inspect``: the size and the indexes of each table, and what is wrong with them."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections
from django.db.models import Model

from django_matt.contrib.inspection.schemas import LEVELS, Report, Table
from django_matt.contrib.inspection.services import inspect

__all__ = ["Command"]


class Command(BaseCommand):
    """Inspect a database."""

    help = (
        "Show the tables of a database with their rows, sizes and indexes, and what is wrong: models that differ from "
        "the tables, foreign keys without an index, indexes that repeat others or are not used, dead rows."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument("labels", nargs="*", metavar="app[.Model]", help="only these tables")
        parser.add_argument(
            "--database", default=DEFAULT_DB_ALIAS, help="the alias of the database"
        )
        parser.add_argument("--format", choices=("table", "json"), default="table")
        parser.add_argument(
            "--fail-on", choices=LEVELS, help="end with 1 if something of this level is found"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Inspect, and print."""
        using = options["database"]
        if using not in connections:
            raise CommandError(
                f"There is no database {using!r}. DATABASES has {', '.join(connections)}."
            )
        models = _models(options["labels"])
        try:
            report = inspect(using, models)
        except (DatabaseError, ImproperlyConfigured) as error:
            text = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
            raise CommandError(
                f"The database {using!r} answered: {text}. Is it running, and may its user read its tables?"
            ) from error
        if options["format"] == "json":
            self.stdout.write(json.dumps(asdict(report), indent=2))
        else:
            self._print(report)
        if level := options["fail_on"]:
            failing = LEVELS[: LEVELS.index(level) + 1]
            count = sum(each.level in failing for each in report.findings)
            if count:
                raise CommandError(f"{count} findings of the level {level} or above.")

    def _print(self, report: Report) -> None:
        rows = [_row(table) for table in report.tables]
        self._columns([("table", "rows", "size", "indexes", "dead rows"), *rows])
        styles = {
            "error": self.style.ERROR,
            "warning": self.style.WARNING,
            "info": self.style.NOTICE,
        }
        for each in report.findings:
            self.stdout.write("")
            mark = styles[each.level](f"{each.level}: {each.table} ({each.id})")
            self.stdout.write(f"{mark}\n  {each.message}\n  {each.hint}")
        if report.queries:
            self.stdout.write("\nThe statements that took most time:")
            lines = [
                (f"{q.total_ms:,.0f} ms", f"{q.calls:,}", f"{q.mean_ms:,.1f} ms", q.sql[:100])
                for q in report.queries
            ]
            self._columns([("in all", "calls", "each", "statement"), *lines])
        if not report.findings:
            self.stdout.write("\nNothing was found.")

    def _columns(self, rows: Sequence[tuple[str, ...]]) -> None:
        """Write a table: the first and the last column to the left if they are texts, numbers to the right."""
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            cells = [
                cell.ljust(width) if _is_text(rows, at) else cell.rjust(width)
                for at, (cell, width) in enumerate(zip(row, widths, strict=True))
            ]
            self.stdout.write("  ".join(cells).rstrip())


def _is_text(rows: Sequence[tuple[str, ...]], at: int) -> bool:
    return not any(row[at][:1].isdigit() for row in rows[1:])


def _row(table: Table) -> tuple[str, ...]:
    about = "" if table.exact else "~"
    sizes = f"{len(table.indexes)}, {_size(table.index_bytes)}"
    dead = "-" if table.dead_rows is None else f"{table.dead_rows:,}"
    return (table.name, f"{about}{table.rows:,}", _size(table.bytes), sizes, dead)


def _size(count: int | None) -> str:
    if count is None:
        return "-"
    size = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:,.0f} {unit}" if unit == "B" else f"{size:,.1f} {unit}"
        size /= 1024
    return f"{size:,.1f} TiB"


def _models(labels: list[str]) -> list[type[Model]] | None:
    if not labels:
        return None
    found: list[type[Model]] = []
    for label in labels:
        app, _, name = label.partition(".")
        try:
            config = apps.get_app_config(app)
            found += (
                [config.get_model(name)] if name else config.get_models(include_auto_created=True)
            )
        except LookupError as error:
            raise CommandError(str(error)) from None
    return [model for model in found if model._meta.managed and not model._meta.proxy]
