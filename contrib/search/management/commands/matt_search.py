"""``manage.py matt_search``: builds the indexes again, shows their state, and measures how well they answer."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS, connections, router

from django_matt.contrib.search.evaluation import evaluate, read_questions
from django_matt.contrib.search.indexes import SearchIndex, list_indexes
from django_matt.contrib.search.schemas import Mode
from django_matt.contrib.search.services import embed, inspect, operation_of, rebuild_words
from django_matt.errors.exceptions import Problem

__all__ = ["Command"]

_STEP = 1_000


class Command(BaseCommand):
    """Build, inspect and measure search indexes."""

    help = (
        "Build search indexes again, show their state, or measure how well they answer questions."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the actions."""
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        rebuild = actions.add_parser(
            "rebuild", help="index all words again, and embed changed texts"
        )
        _add_indexes(rebuild)
        rebuild.add_argument("--only", choices=("words", "vectors"), help="only one of the two")
        rebuild.add_argument("--batch", type=int, default=64, help="texts per call of the embedder")
        rebuild.add_argument(
            "--dry-run", action="store_true", help="show what would be done, and change nothing"
        )
        status = actions.add_parser("status", help="show the state of the indexes")
        _add_indexes(status)
        status.add_argument("--format", choices=("table", "json"), default="table")
        measure = actions.add_parser("evaluate", help="measure how well an index answers questions")
        measure.add_argument(
            "file", metavar="FILE", type=Path, help='JSON Lines: {"q": "…", "expected": [7, 12]}'
        )
        measure.add_argument(
            "--index", metavar="MODEL", help="such as books.Book, if there are several"
        )
        measure.add_argument("--field", default="pk", help="the field with the expected values")
        measure.add_argument("--format", choices=("table", "json"), default="table")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what the action says."""
        try:
            getattr(self, f"_{options['action']}")(options)
        except (ImproperlyConfigured, OSError, UnicodeDecodeError) as error:
            raise CommandError(str(error)) from error
        except Problem as error:
            raise CommandError(str(error.detail)) from error

    def _rebuild(self, options: dict[str, Any]) -> None:
        if options["batch"] < 1:
            raise CommandError("--batch must be at least 1.")
        using, dry = options["database"], options["dry_run"]
        for index in _find(options["indexes"], using):
            label = index.model._meta.label
            if options["only"] != "vectors":
                state = inspect(index, using)
                if dry:
                    self.stdout.write(f"{label}: {state.objects} objects would be indexed.")
                else:
                    rebuild_words(index, using)
                    self.stdout.write(f"{label}: {state.objects} objects are indexed.")
            if index.vectors is not None and options["only"] != "words":
                done = embed(
                    index,
                    using=using,
                    batch=options["batch"],
                    dry_run=dry,
                    progress=self._progress(label),
                )
                verb = "would be embedded" if dry else "were embedded"
                self.stdout.write(
                    f"{label}: {done.written} texts {verb}, {done.unchanged} unchanged."
                )

    def _status(self, options: dict[str, Any]) -> None:
        using = options["database"]
        found = {index: inspect(index, using) for index in _find(options["indexes"], using)}
        if options["format"] == "json":
            states = {
                index.model._meta.label: {**asdict(status), "vectors": dict(status.vectors)}
                for index, status in found.items()
            }
            self.stdout.write(json.dumps(states, indent=2))
            return
        for index, status in found.items():
            label = index.model._meta.label
            if status.state != "current":
                self.stdout.write(f"{label}: {status.state}. Its migration needs this operation:")
                self.stdout.write(f"  {operation_of(index)!r}")
                continue
            vectors = "".join(f", {count} vectors of {name}" for name, count in status.vectors)
            self.stdout.write(
                f"{label}: {status.words} of {status.objects} objects indexed{vectors}."
            )

    def _evaluate(self, options: dict[str, Any]) -> None:
        questions = read_questions(options["file"])
        found = _find([options["index"]] if options["index"] else [], DEFAULT_DB_ALIAS)
        if len(found) != 1:
            raise CommandError("Name the index with --index.")
        (index,) = found
        by_words: list[Mode] = ["words"]
        by_all: list[Mode] = ["words", "vectors", "hybrid"]
        modes = by_words if index.vectors is None else by_all
        figures = {}
        for mode in modes:
            progress = self._progress(mode)
            try:
                figures[mode] = evaluate(
                    index, questions, mode, field=options["field"], progress=progress
                )
            except (Problem, ImproperlyConfigured, ImportError) as error:
                # Words can be measured without a model; they are first.
                if mode == "words":
                    raise
                reason = error.detail if isinstance(error, Problem) else error
                self.stderr.write(f"{mode} is left out: {reason}")
        if options["format"] == "json":
            self.stdout.write(json.dumps({mode: asdict(each) for mode, each in figures.items()}))
            return
        self.stdout.write(f"{len(questions)} questions   recall@5  recall@10  nDCG@10  MRR")
        for mode, each in figures.items():
            columns = "     ".join(f"{value:.3f}" for value in asdict(each).values())
            self.stdout.write(f"{mode:<15}{columns}")

    def _progress(self, label: str) -> Callable[[int], None]:
        """Return a function that counts, and writes a line for each thousand."""
        seen = 0

        def count(number: int) -> None:
            nonlocal seen
            before, seen = seen, seen + number
            if seen // _STEP > before // _STEP:
                self.stderr.write(f"{label}: {seen}…")

        return count


def _add_indexes(parser: Any) -> None:
    parser.add_argument(
        "indexes", metavar="MODEL", nargs="*", help="such as books.Book; by default all"
    )
    parser.add_argument(
        "--database",
        default=DEFAULT_DB_ALIAS,
        choices=[*connections],
        help="the alias of the database",
    )


def _find(labels: list[str], using: str) -> list[type[SearchIndex]]:
    indexes = {index.model._meta.label.lower(): index for index in list_indexes()}
    unknown = [label for label in labels if label.lower() not in indexes]
    if unknown:
        known = ", ".join(index.model._meta.label for index in indexes.values()) or "none"
        raise CommandError(f"There is no index of {unknown[0]}; the indexes are of: {known}.")
    if labels:
        return [indexes[label.lower()] for label in labels]
    return [index for index in indexes.values() if router.allow_migrate_model(using, index.model)]
