"""``manage.py matt_plan``: shows which tier writes each response, its queries, and why no faster tier can."""

from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Model

from django_matt.api import MattAPI
from django_matt.discovery import find_apis
from django_matt.operations import BoundOperation
from django_matt.reads import Reads
from django_matt.settings import get_settings


class Command(BaseCommand):
    """Print the plans of the mounted APIs."""

    help = "Show which tier writes the response of each operation, its queries, and why no faster tier can."

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
        found = False
        for api, prefix in find_apis():
            if not isinstance(api, MattAPI):
                continue
            if options["api"] and api.urls_namespace != options["api"]:
                continue
            for operation in api.operations(path_prefix=prefix):
                names = (operation.path, operation.operation_id, operation.name)
                if options["route"] and not any(options["route"] in name for name in names):
                    continue
                found = True
                self._show(operation, model)
        if not found:
            raise CommandError("No operation of a mounted MattAPI matches.")

    def _show(self, operation: BoundOperation, model: type[Model] | None) -> None:
        write = self.stdout.write
        write(f"{'|'.join(operation.methods)} {operation.path} ({operation.operation_id})")
        if operation.unplanned is not None:
            write(f"    {operation.unplanned}")
        for reads in operation.reads(model):
            self._show_reads(reads)
        for schema in operation.built_schemas:
            write(
                f"    the view names {schema}: if it makes instances of it, return the queryset instead"
            )

    def _show_reads(self, reads: Reads) -> None:
        write = self.stdout.write
        write(f"    {reads.status} {reads.schema}: {reads.tier}")
        if reads.reason:
            write(f"        not faster: {reads.reason}")
        most = get_settings().STREAM_ROWS
        if most is not None and reads.streamed:
            write(f"        streamed past {most:,} rows if the view returns a queryset")
        if reads.models and reads.unknown:
            write(f"        it may read more: {reads.unknown}")
        for query in reads.sql:
            write(f"        {query}")


def _model(label: str) -> type[Model]:
    try:
        return apps.get_model(label)
    except ValueError:
        raise CommandError(f"--model {label}: name the app too, as in auth.User.") from None
    except LookupError as error:
        raise CommandError(f"--model {label}: {error}") from None
