"""``manage.py matt_plan``: shows how each response is built and by how many queries, and with ``-v 2`` which and why."""

from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Model

from django_matt.api import MattAPI
from django_matt.discovery import find_apis
from django_matt.operations import BoundOperation
from django_matt.reads import Reads
from django_matt.settings import get_settings

HEADER = ("METHOD", "PATH", "RESPONSE IS BUILT FROM", "QUERIES")
LEGEND = """\
Fastest first: database rows, model instances, pydantic. ?: the view's code decides.
-v 2 shows the SQL, and why no faster way is possible."""
SOURCES = {
    "rows": "database rows",
    "rows or instances": "a database row (queryset), or a model instance",
    "instances": "model instances",
    "pydantic": "model instances, by pydantic",
}
READING = {"GET", "HEAD"}


class Command(BaseCommand):
    """Print the plans of the mounted APIs."""

    help = (
        "Show what each response is built from, and how many queries load it. With -v 2, show the SQL, and why no faster"
        " way is possible."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options that narrow the list."""
        parser.add_argument(
            "route", nargs="?", help="a part of the path, the name or the operationId"
        )
        parser.add_argument("--api", help="the urls_namespace of an API")
        parser.add_argument(
            "--model", help="the app.Model of the querysets, for schemas that do not name a model"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Print each operation that matches the options."""
        model = _model(options["model"]) if options["model"] else None
        found = list(_matching(options["route"], options["api"]))
        if not found:
            raise CommandError("No operation of a mounted MattAPI matches.")
        lines = [_summary(operation, model) for operation in found]
        in_short = options["verbosity"] < 2
        if in_short and self.stdout.isatty() and not options["no_color"] and find_spec("rich"):
            _show_table(lines)
            return
        widths = [max(map(len, column)) for column in zip(HEADER, *lines, strict=True)][:-1]
        self._show_line(HEADER, widths)
        for operation, line in zip(found, lines, strict=True):
            self._show_line(line, widths)
            for detail in () if in_short else _details(operation, model):
                self.stdout.write(f"    {detail}")
        self.stdout.write(f"\n{LEGEND}")

    def _show_line(self, cells: tuple[str, ...], widths: list[int]) -> None:
        *padded, last = cells
        start = "  ".join(cell.ljust(width) for cell, width in zip(padded, widths, strict=True))
        self.stdout.write(f"{start}  {last}")


def _show_table(lines: list[tuple[str, str, str, str]]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*HEADER[:-1], box=SIMPLE_HEAD, header_style="bold", pad_edge=False)
    table.add_column(HEADER[-1], justify="right")
    for line in lines:
        table.add_row(*map(Text, line))
    console = Console(highlight=False)
    console.print(table)
    console.print(Text(LEGEND, style="dim"))


def _matching(route: str | None, namespace: str | None) -> Iterator[BoundOperation]:
    for api, prefix in find_apis():
        if not isinstance(api, MattAPI) or namespace not in (None, api.urls_namespace):
            continue
        for operation in api.operations(path_prefix=prefix):
            names = (operation.path, operation.operation_id, operation.name)
            if route is None or any(route in name for name in names):
                yield operation


def _summary(operation: BoundOperation, model: type[Model] | None) -> tuple[str, str, str, str]:
    """Return the method, the path, what the usual response is built from, and the number of its queries."""
    built, queries = _built(operation, model)
    return "|".join(operation.methods), operation.path, built, queries


def _built(operation: BoundOperation, model: type[Model] | None) -> tuple[str, str]:
    found = operation.reads(model)
    if operation.problem is not None:
        return "nothing: every request fails", "?"
    if set(operation.response_schemas.values()) == {None}:
        return "nothing: the body is empty", "0"
    if not found:
        return "what the view returns: no response schema", "?"
    reads = next(
        (each for each in found if isinstance(each.status, int) and each.status < 300), found[0]
    )
    if not reads.models:
        by = ", by pydantic" if reads.tier == "pydantic" else ""
        return f"what the view returns{by}: no model", "?"
    if not _reads_only(operation):
        # The view has made, changed or loaded its instances, so only its code says what is loaded still.
        return SOURCES["pydantic" if reads.tier == "pydantic" else "instances"], "?"
    return SOURCES[reads.tier], "?" if reads.queries is None else str(reads.queries)


def _reads_only(operation: BoundOperation) -> bool:
    return READING.issuperset(operation.methods)


def _details(operation: BoundOperation, model: type[Model] | None) -> Iterator[str]:
    """Yield the operationId, then for each status its schema, its tier, why no faster tier, and the SQL."""
    yield operation.operation_id
    if operation.unplanned is not None:
        yield operation.unplanned
    for reads in operation.reads(model):
        yield from _details_of(reads, queries=_reads_only(operation))
    for schema in operation.built_schemas:
        yield f"the view names {schema}: if it makes instances of it, return the queryset instead"


def _details_of(reads: Reads, *, queries: bool) -> Iterator[str]:
    yield f"{reads.status} {reads.schema}: {reads.tier}"
    if not reads.models and reads.tier == "rows or instances":
        yield "    the schema names no model: --model app.Model shows the queries of a queryset"
    elif reads.reason:
        yield f"    not faster: {reads.reason}"
    most = get_settings().STREAM_ROWS
    if most is not None and reads.streamed:
        yield f"    streamed past {most:,} rows if the view returns a queryset"
    if reads.models and reads.unknown:
        yield f"    it may read more: {reads.unknown}"
    if queries:
        for query in reads.sql:
            yield f"    {query}"


def _model(label: str) -> type[Model]:
    try:
        return apps.get_model(label)
    except ValueError:
        raise CommandError(f"--model {label}: name the app too, as in auth.User.") from None
    except LookupError as error:
        raise CommandError(f"--model {label}: {error}") from None
